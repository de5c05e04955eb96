/**
 * GNU SASL's client against our SCRAM-SHA-256-PLUS, over stdin and stdout, and its keys against ours.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { beginSasl } from '../../src/protocol/sasl/begin.ts';
import { deriveScramKeys, parseScramKeys } from '../../src/protocol/sasl/scram-keys.ts';
import type { ScramKeys, Step } from '../../src/protocol/sasl/step.ts';
import { command } from '../peers/command.ts';
import { needPackages, program } from '../peers/packages.ts';

const isThere = await needPackages(['gsasl']);
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const binding = Buffer.from('this connection and no other one');

test.skipIf(!isThere)('gsasl makes the same keys of the same password', async () => {
  for (const password of ['pencil', 'I\u00adX \u2168']) {
    const args = ['--mkpasswd', '-m', 'SCRAM-SHA-256', '-p', password, '--iteration-count', '5000'];
    const { stdout } = await command(program('gsasl'), [...args, '--salt', salt.toString('base64')]);
    const [, count, ...keys] = /^\{SCRAM-SHA-256\}(\d+),([^,]+),([^,]+),([^,\n]+)$/.exec(stdout.trim()) ?? [];
    const theirs = parseScramKeys(`SCRAM-SHA-256$${count}:${keys[0]}$${keys[1]}:${keys[2]}`);
    const prepared = password === 'pencil' ? password : 'IX IX';
    expect(await deriveScramKeys(prepared, salt, 5000)).toEqual(theirs);
  }
});

/** The end of our side, and the exit code of gsasl's. */
async function talk(keys: ScramKeys, ours: Uint8Array): Promise<readonly [Step, number | null]> {
  const args = [
    '--client',
    '--quiet',
    '-m',
    'SCRAM-SHA-256-PLUS',
    '-a',
    'user',
    '-p',
    'pencil',
    '-z',
    'info',
  ];
  const child = spawn(program('gsasl'), args, { stdio: ['pipe', 'pipe', 'ignore'], timeout: 20_000 });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdin.on('error', () => {});
  child.stdin.write(`${binding.toString('base64')}\n`);
  let step = beginSasl('SCRAM-SHA-256-PLUS', {
    channelBindings: new Map([['tls-exporter', ours]]),
    nonce: () => 'ours',
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const said = line.replace(/^Enter base64 encoded tls-exporter channel binding: /, '');
    if (said.startsWith('SCRAM-SHA-256')) continue;
    if (step.kind === 'challenge') step = step.next(Buffer.from(said, 'base64'));
    if (step.kind === 'ask' && step.question === 'scramKeys') step = step.answer(keys);
    if (step.kind !== 'challenge') break;
    child.stdin.write(`${Buffer.from(step.octets).toString('base64')}\n`);
  }
  // One line more, as after the words of success of a protocol.
  child.stdin.end('\n');
  return [step, await ended];
}

test.skipIf(!isThere)('gsasl enters, bound to the connection, and believes our proof', async () => {
  const [step, code] = await talk(await deriveScramKeys('pencil', salt, 4096), binding);
  expect(step).toEqual({ kind: 'done', authenticationId: 'user', authorizationId: 'info' });
  expect(code).toBe(0);
});

test.skipIf(!isThere)(
  'gsasl on another connection does not enter, nor does it with another password',
  async () => {
    const keys = await deriveScramKeys('pencil', salt, 4096);
    expect((await talk(keys, Buffer.from('another one')))[0]).toMatchObject({ reason: 'binding' });
    const others = await deriveScramKeys('pencils', salt, 4096);
    expect((await talk(others, binding))[0]).toMatchObject({ reason: 'credentials' });
  },
);

test.skipIf(!isThere)(
  'gsasl does not believe a server that has the stored key and not the server key',
  async () => {
    const keys = await deriveScramKeys('pencil', salt, 4096);
    const [, code] = await talk({ ...keys, serverKey: Buffer.alloc(32) }, binding);
    expect(code).not.toBe(0);
  },
);
