// biome-ignore-all lint/suspicious/noThenProperty: the word of the rules; no rule is awaited.
import { expect, test } from 'vitest';
import { MailError } from '../../src/mail/condition.ts';
import { type Directory, DirectoryUnready } from '../../src/ports/directory.ts';
import { compile } from '../../src/route/compile.ts';
import { makeRouter } from '../../src/route/router.ts';
import { clientOf, MemoryDirectory, people, question, router, spec, told, withRules } from './company.ts';

const signal = new AbortController().signal;

test('recipients and senders of many questions are one round trip', async () => {
  const directory = new MemoryDirectory(people);
  const routing = withRules({
    name: 'known',
    when: { sender: { known: true } },
    then: { routeTo: 'onprem' },
  });
  const asked = ['ada', 'alan', 'nobody', 'all'].map((local) => question(`${local}@example.org`));
  await router(routing, directory).routeAll(asked, signal);
  expect(directory.asked).toBe(1);
});

test('nothing is asked that no rule needs', async () => {
  const directory = new MemoryDirectory(people);
  const client = clientOf({ mayRelay: true });
  await router(spec(), directory).route(question('bob@partner.example', { client }), signal);
  expect(directory.asked).toBe(0);
});

test('a reload changes the rules for the next question', async () => {
  let compiled = compile(spec());
  const routing = makeRouter({
    directory: new MemoryDirectory(people),
    compiled: () => compiled,
    directoryTimeout: 1000,
  });
  expect(told(await routing.route(question('ada@example.org'), signal))).toBe('site:onprem ada@example.org');
  expect(routing.headerNames).toEqual([]);
  const when = { header: { name: 'X-Spam', present: false } };
  compiled = compile(withRules({ name: 'closed', when, then: { reject: '550 5.7.1 Closed' } }));
  expect(told(await routing.route(question('ada@example.org'), signal))).toBe('refuse 550 5.7.1 Closed');
  expect(routing.headerNames).toEqual(['x-spam']);
});

test('what the rules need is said, for the directory and for receive', () => {
  const when = {
    all: [
      { recipient: { attribute: { name: 'Department', present: true } } },
      { sender: { memberOf: 'x@example.org' } },
      {
        header: [
          { name: 'X-B', present: true },
          { name: 'X-A', present: true },
        ],
      },
    ],
  };
  expect(compile(withRules({ name: 'r', when, then: { hold: 'x' } }))).toMatchObject({
    headerNames: ['x-a', 'x-b'],
    attributeNames: ['department'],
    needsGroups: true,
    needsSender: true,
    needsRecipient: true,
  });
});

const silent: Directory = {
  ...new MemoryDirectory([]),
  lookup: () => new Promise(() => {}),
  entry: () => new Promise(() => {}),
  members: async function* () {},
  health: async () => [],
};

test('a directory that does not answer makes the sender come again', async () => {
  const compiled = compile(spec());
  const routing = makeRouter({ directory: silent, compiled: () => compiled, directoryTimeout: 20 });
  const asked = routing.route(question('ada@example.org'), signal);
  await expect(asked).rejects.toThrow(MailError);
  await expect(asked).rejects.toMatchObject({ reply: { code: 451, enhanced: '4.4.3' } });
});

test('who hangs up does not wait for the directory', async () => {
  const control = new AbortController();
  const compiled = compile(spec());
  const routing = makeRouter({ directory: silent, compiled: () => compiled, directoryTimeout: 60_000 });
  const asked = routing.route(question('ada@example.org'), control.signal);
  control.abort(new Error('gone'));
  await expect(asked).rejects.toThrow('gone');
  await expect(routing.route(question('ada@example.org'), control.signal)).rejects.toThrow('gone');
});

test('a directory without snapshot is said as it is', async () => {
  const unready = { ...silent, lookup: () => Promise.reject(new DirectoryUnready('no snapshot yet')) };
  const asked = router(spec(), unready).route(question('ada@example.org'), signal);
  await expect(asked).rejects.toThrow(DirectoryUnready);
});

test('a client is recognised by its certificate first, then by its network', () => {
  const { recognise } = compile(spec());
  expect(recognise('10.1.1.1', [])).toBe('onprem');
  expect(recognise('10.1.1.1', ['Mail.Protection.Outlook.com'])).toBe('cloud');
  expect(recognise('192.0.2.1', ['mail.protection.outlook.com.evil.example'])).toBeUndefined();
});

test('a star in a certificate name is one label', () => {
  const { cloud } = spec().sites;
  if (cloud === undefined) throw new Error('no cloud');
  const sites = { cloud: { ...cloud, recognise: { networks: [], certificateNames: ['*.outlook.com'] } } };
  const { recognise } = compile(spec({ sites }));
  expect(recognise('192.0.2.1', ['mx.outlook.com'])).toBe('cloud');
  expect(recognise('192.0.2.1', ['a.mx.outlook.com'])).toBeUndefined();
  expect(recognise('192.0.2.1', ['outlook.com'])).toBeUndefined();
});
