import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LdifSource, parseLdif } from '../../connectors/files/ldif.ts';
import type { RawEntry } from '../../connectors/ldap/raw-entry.ts';
import { CursorExpired } from '../../src/ports/directory.ts';
import { mapping, readAll, readChanges } from '../ldap/sample.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-ldif-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** In pieces of `size` characters, to find what depends on where a piece ends. */
async function parse(text: string, size = 7): Promise<RawEntry[]> {
  async function* pieces(): AsyncGenerator<string> {
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }
  const all: RawEntry[] = [];
  for await (const raw of parseLdif('x.ldif', pieces())) all.push(raw);
  return all;
}

const plain = async (text: string, size?: number) =>
  (await parse(text, size)).map((raw) => ({
    dn: raw.dn,
    ...Object.fromEntries([...raw.attributes].map(([name]) => [name, raw.all(name)])),
  }));

const sample = `version: 1
# a comment
 that goes on
dn: cn=Ada,dc=x
objectClass: inetOrgPerson
mail: ada@example.org
MAIL: ada@second.example
description: a long lin
 e, folded
cn:: SsO8cmdlbg==


dn:: Y249QsO2YixkYz14
mail:no space
empty:
`;

const expected = [
  {
    dn: 'cn=Ada,dc=x',
    objectclass: ['inetOrgPerson'],
    mail: ['ada@example.org', 'ada@second.example'],
    description: ['a long line, folded'],
    cn: ['Jürgen'],
  },
  { dn: 'cn=Böb,dc=x', mail: ['no space'], empty: [''] },
];

test.each([1, 2, 7, 4096])('records, folded lines, comments, base64 (in pieces of %i)', async (size) => {
  expect(await plain(sample, size)).toEqual(expected);
  expect(await plain(sample.replaceAll('\n', '\r\n'), size)).toEqual(expected);
  expect(await plain(sample.trimEnd(), size)).toEqual(expected);
});

test.each([
  [
    'changes',
    'dn: cn=x\nchangetype: add\nmail: a@x.org\n',
    'x.ldif, line 2: changetype: this is a file of changes',
  ],
  [
    'a control',
    'dn: cn=x\ncontrol: 1.2.3 true\nchangetype: delete\n',
    'x.ldif, line 2: control: this is a file of changes',
  ],
  [
    'a value by URL',
    'dn: cn=x\n\ndn: cn=y\njpegPhoto:< file:///etc/shadow\n',
    'x.ldif, line 4: jpegPhoto: values by URL are not read',
  ],
  ['no dn', 'mail: a@x.org\n', 'x.ldif, line 1: a record begins with dn:'],
  ['no colon', 'dn: cn=x\nmail a@x.org\n', 'x.ldif, line 2: expected "attribute: value"'],
  ['bad base64', 'dn: cn=x\nmail:: a@x.org\n', 'x.ldif, line 2: mail: the value is not base64'],
  ['a fold after nothing', ' dn: cn=x\n', 'x.ldif, line 1: a folded line follows nothing'],
  ['another version', 'version: 2\ndn: cn=x\n', 'x.ldif, line 1: LDIF version 2 is not known'],
])('%s is refused, with the line', async (_name, text, message) => {
  await expect(parse(text)).rejects.toThrow(message);
});

test('an empty file has no entries', async () => {
  expect(await parse('')).toEqual([]);
  expect(await parse('version: 1\n\n# nothing\n')).toEqual([]);
});

test('what is printed is read back', async () => {
  const name = fc
    .stringMatching(/^[a-z][a-zA-Z0-9-]{0,10}$/)
    .filter((text) => !/^(dn|changetype|control|version)$/i.test(text));
  const value = fc.string({ unit: 'grapheme', maxLength: 30 });
  const record = fc.tuple(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.array(fc.tuple(name, value), { maxLength: 4 }),
  );
  const line = (key: string, text: string, width: number): string => {
    const safe = /^(?![ :<])[\x20-\x7e]*(?<! )$/.test(text);
    const whole = safe ? `${key}: ${text}` : `${key}:: ${Buffer.from(text).toString('base64')}`;
    return `${whole.slice(0, width)}${whole.slice(width).replace(new RegExp(`.{1,${width}}`, 'gs'), '\n $&')}\n`;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(record), fc.integer({ min: 5, max: 80 }), async (records, width) => {
      const text = records
        .map(
          ([dn, attributes]) =>
            line('dn', dn, width) + attributes.map(([key, each]) => line(key, each, width)).join(''),
        )
        .join('\n');
      const read = await parse(text, 13);
      expect(read.map((raw) => raw.dn)).toEqual(records.map(([dn]) => dn));
      for (const [index, [, attributes]] of records.entries()) {
        const byName = Map.groupBy(attributes, ([key]) => key.toLowerCase());
        for (const [key, values] of byName)
          expect(read[index]!.all(key)).toEqual(values.map(([, each]) => each));
      }
    }),
    { seed: 7, numRuns: 200 },
  );
});

test('whatever a file holds, it is read or refused with a line, never anything else', async () => {
  const unit = fc.constantFrom(
    'dn',
    ':',
    '<',
    ' ',
    '\n',
    '\r',
    'a',
    '=',
    '#',
    '-',
    'version',
    '1',
    '\t',
    'é',
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit, maxLength: 60 }), async (text) => {
      await parse(text).catch((error: Error) => expect(error.message).toMatch(/^x\.ldif, line \d+: /));
    }),
    { seed: 7, numRuns: 1000 },
  );
});

test('a file is mapped as a server is, and read again only when it has changed', async () => {
  const file = join(folder, 'people.ldif');
  await writeFile(
    file,
    `dn: uid=ada,dc=x\nobjectClass: inetOrgPerson\nuid: ada\nmail: ada@example.org\nmailHost: m1\n`,
  );
  const homes = { values: { m1: 'onprem' } };
  const source = new LdifSource({ ...mapping('openldap', { homes }), file });
  const { entries, cursor } = await readAll(source);
  expect(entries).toMatchObject([
    { id: 'src/uid=ada,dc=x', primary: { text: 'ada@example.org' }, home: 'onprem' },
  ]);
  expect(await readChanges(source, cursor)).toEqual({ changes: [], cursor });

  const otherHomes = new LdifSource({ ...mapping('openldap', { homes: { values: { m1: 'cloud' } } }), file });
  await expect(readChanges(otherHomes, cursor)).rejects.toBeInstanceOf(CursorExpired);
  await writeFile(file, 'dn: uid=bob,dc=x\nmail: bob@example.org\n');
  await expect(readChanges(source, cursor)).rejects.toBeInstanceOf(CursorExpired);
});

test('a file that is not there, or not UTF-8, is said so', async () => {
  const absent = new LdifSource({ ...mapping('openldap'), file: join(folder, 'absent.ldif') });
  await expect(readAll(absent)).rejects.toThrow(/ENOENT.*absent\.ldif/);
  const file = join(folder, 'latin1.ldif');
  await writeFile(file, Buffer.from('dn: cn=J\xfcrgen\n', 'latin1'));
  await expect(readAll(new LdifSource({ ...mapping('openldap'), file }))).rejects.toThrow(
    'latin1.ldif is not UTF-8',
  );
});
