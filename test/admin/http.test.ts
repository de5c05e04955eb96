import { afterEach, expect, test } from 'vitest';
import { directoryCheck, type HealthCheck, roleCheck } from '../../src/admin/health.ts';
import { startAdminHttp } from '../../src/admin/http.ts';
import { silentLog } from '../../src/ports/log.ts';

let close: () => Promise<void> = async () => {};
afterEach(() => close());

async function ask(path: string, checks: readonly HealthCheck[] | Error, method = 'GET') {
  const http = await startAdminHttp(
    { address: '127.0.0.1', port: 0 },
    {
      log: silentLog,
      metrics: async () => 'isthmus_queue_messages 0\n',
      health: async () => {
        if (checks instanceof Error) throw checks;
        return checks;
      },
    },
  );
  close = http.close;
  const response = await fetch(`http://127.0.0.1:${http.port}${path}`, { method });
  return { status: response.status, text: await response.text() };
}

const good = { name: 'database', ok: true, text: 'answers' };

test('healthz is 200 when all is well, 503 when something is not, or cannot be told', async () => {
  expect((await ask('/healthz', [good])).status).toBe(200);
  await close();
  expect(await ask('/healthz', [good, { ...good, ok: false }])).toMatchObject({ status: 503 });
  await close();
  expect(await ask('/healthz', new Error('secret detail'))).toEqual({
    status: 503,
    text: '{"ok":false,"checks":[]}\n',
  });
});

test('nothing but GET, and no other page', async () => {
  expect((await ask('/metrics', [], 'POST')).status).toBe(405);
  await close();
  expect((await ask('/etc/passwd', [])).status).toBe(404);
});

const source = { source: 'ad', entries: 9, goodAt: new Date(0), tooOld: false, problems: [] };

test('a directory that is away closes no node: its last snapshot routes as before', () => {
  expect(directoryCheck(source)).toEqual({ name: 'directory ad', ok: true, text: '9 entries' });
  expect(directoryCheck({ ...source, tooOld: true })).toMatchObject({ ok: true });
  const trouble = directoryCheck({ ...source, trouble: 'ldaps://dc1.corp.example: cn=ada: refused' });
  expect(trouble).toMatchObject({ ok: true });
  expect(trouble.text).not.toContain('corp');
});

test('one that was never read does, and so does a role that is not ready', () => {
  const { goodAt: _never, ...unread } = source;
  expect(directoryCheck(unread).ok).toBe(false);
  const role = { role: 'queue', copy: 0, restarts: 2 } as const;
  expect(roleCheck({ ...role, state: 'ready' }).ok).toBe(true);
  expect(roleCheck({ ...role, state: 'waiting' })).toMatchObject({
    ok: false,
    text: 'waiting, started again 2 times',
  });
});
