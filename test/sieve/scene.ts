/**
 * sieve/scene - one script over one message, for tests.
 */
import { type CompileOptions, compile } from '../../src/sieve/compile.ts';
import { type Environment, emptyWorld } from '../../src/sieve/environment.ts';
import { defaultLimits, type Limits } from '../../src/sieve/limits.ts';
import { messageOf } from '../../src/sieve/message/message.ts';
import type { Action, Outcome } from '../../src/sieve/outcome.ts';
import { run } from '../../src/sieve/run.ts';

export const message = [
  'From: Ada <ada@example.org>',
  'To: bob+lists@example.net, Eve <eve@example.net>',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= from the sale',
  'Date: Wed, 25 Nov 2026 10:00:00 +0100',
  'Message-ID: <1@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  'prologue',
  '--b',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=F6ne Gr=FC=DFe',
  '--b',
  'Content-Type: text/html; name="a.html"',
  '',
  '<p>Hello <b>world</b></p>',
  '--b--',
  '',
].join('\r\n');

export interface Scene extends Partial<Omit<Environment, 'message'>> {
  readonly message?: string;
  readonly limits?: Partial<Limits>;
  readonly find?: CompileOptions['find'];
}

export async function play(text: string, scene: Scene = {}): Promise<Outcome> {
  const { message: content = message, limits: some, find, ...world } = scene;
  const limits = { ...defaultLimits, ...some };
  const { script, problems } = await compile(text, { limits, ...(find ? { find } : {}) });
  if (script === undefined)
    throw new Error(problems.map(({ line, text: what }) => `${line}: ${what}`).join('\n'));
  return run(
    script,
    {
      ...emptyWorld,
      envelope: { from: 'ada@example.org', to: 'bob+lists@example.net' },
      now: new Date('2026-11-25T12:00:00Z'),
      ...world,
      message: messageOf(Buffer.from(content)),
    },
    { limits },
  );
}

/** `fileinto a, keep`: what was decided, in short. */
export const inShort = ({ actions }: Outcome): string =>
  actions
    .map((action: Action) => {
      if (action.kind === 'fileinto') return `fileinto ${action.mailbox}`;
      if (action.kind === 'redirect') return `redirect ${action.address}`;
      return action.kind === 'keep' && action.implicit ? 'implicit keep' : action.kind;
    })
    .join(', ');
