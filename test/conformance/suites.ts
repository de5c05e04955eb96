/**
 * conformance/suites - what a folder of other people's data holds: read there, nothing is copied.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fromFile, type Sample } from '../fixture/messages.ts';
import { must } from '../peers/command.ts';
import { needPackages, program } from '../peers/packages.ts';
import type { Vector } from './smuggling.ts';

/** Suites of messages: folder, and which of its files are messages. */
const messageSuites: Readonly<Record<string, RegExp>> = {
  'suites/mime4j': /\.msg$/,
  'suites/mimekit': /\.(eml|txt)$/,
  'suites/python-email': /^msg_\w+\.txt$/,
};

/** Folders whose suites are proved by later parts of the house, each with what they wait for. */
export const later: Readonly<Record<string, string>> = {
  'suites/spf': 'SPF is checked by src/screen',
  'suites/arc': 'ARC is checked by src/screen',
  graph: 'Graph is spoken by connectors/graph',
  ews: 'EWS is spoken by connectors/ews',
};

export interface MessageSuite {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** Throws, in words for the operator, when `folder` is not such a folder. */
export function checkFolder(folder: string): void {
  if (!existsSync(folder)) throw new Error(`${folder}: no such folder`);
  if (!existsSync(join(folder, 'suites')) && !existsSync(join(folder, 'corpus'))) {
    throw new Error(`${folder}: has neither suites/ nor corpus/; give the folder that holds them`);
  }
}

export function* readMessageSuites(folder: string): Generator<MessageSuite> {
  for (const [name, pattern] of Object.entries(messageSuites)) {
    if (existsSync(join(folder, name))) yield { name, samples: readFolder(join(folder, name), pattern) };
  }
}

function readFolder(folder: string, pattern: RegExp): readonly Sample[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
    .map((name) => fromFile(name, readFileSync(join(folder, name))));
}

/** Each archive of corpus/, unpacked to a temporary folder and read. */
export async function* readCorpora(folder: string): AsyncGenerator<MessageSuite> {
  const place = join(folder, 'corpus');
  const archives = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith('.tar.xz')) : [];
  if (archives.length > 0 && !(await needPackages(['xz-utils']))) throw new Error('xz is not installed');
  for (const archive of archives.sort()) {
    const unpacked = mkdtempSync(join(tmpdir(), 'isthmus-corpus-'));
    try {
      await must(program('tar'), ['-xJf', join(place, archive), '-C', unpacked], { within: 120_000 });
      yield { name: `corpus/${archive}`, samples: readFolder(unpacked, /./) };
    } finally {
      rmSync(unpacked, { recursive: true, force: true });
    }
  }
}

/** The look-alikes, or undefined where the suite is not there. */
export function readVectors(folder: string): readonly Vector[] | undefined {
  const file = join(folder, 'suites/smtp-smuggling/vectors.json');
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { inbound: Vector[] }).inbound;
}
