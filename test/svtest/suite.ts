/**
 * svtest/suite - the little world in which one test script runs: a message, mailboxes, what was sent, settings.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { decodeOctets, encodeOctets } from '../../src/protocol/sieve/octets.ts';
import { type CompileResult, compile } from '../../src/sieve/compile.ts';
import type { Vocabulary } from '../../src/sieve/definition.ts';
import { type Environment, emptyWorld, type SieveEnvelope } from '../../src/sieve/environment.ts';
import { defaultLimits, type Limits } from '../../src/sieve/limits.ts';
import { parseAddressList, printListed } from '../../src/sieve/message/addresses.ts';
import { parseHeader } from '../../src/sieve/message/header.ts';
import { Message, messageOf } from '../../src/sieve/message/message.ts';
import type { Action } from '../../src/sieve/outcome.ts';
import { Result } from '../../src/sieve/result.ts';
import { Run } from '../../src/sieve/run.ts';
import type { FindScript } from '../../src/sieve/scope.ts';
import type { Script } from '../../src/sieve/script.ts';
import { SieveTrouble } from '../../src/sieve/trouble.ts';
import { scoreFrom } from './scores.ts';

export interface Sent {
  readonly from: string;
  readonly to: string;
  readonly content: Uint8Array;
}

export interface Stored {
  readonly content: Uint8Array;
  readonly flags: readonly string[];
}

export interface TestResult {
  readonly name: string;
  /** undefined: it passed. */
  failure?: string;
}

/** Raised by test_fail, caught by the test around it. */
export class TestFailure extends Error {}

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

export class Suite {
  readonly file: string;
  readonly tests: TestResult[] = [];
  readonly settings = new Map<string, string>();
  readonly mailboxes = new Map<string, Stored[]>();
  readonly metadata = new Map<string, string>();
  sent: Sent[] = [];
  errors: string[] = [];
  script: Script | undefined;
  /** Actions of the result at hand that were carried out. */
  readonly done = new Set<Action>();
  readonly #seen = new Map<string, number>();
  envelope: SieveEnvelope = { from: 'sender@example.com', to: 'recipient@example.com' };
  message: Uint8Array = encodeOctets(
    'From: sender@example.com\r\nTo: recipient@example.com\r\nSubject: nothing\r\n\r\nNothing.\r\n',
  );
  unique = 0;

  /** Handed in, because the words of the language here are about a suite. */
  readonly vocabulary: () => Vocabulary;

  constructor(file: string, vocabulary: (suite: Suite) => Vocabulary) {
    this.file = file;
    const words = vocabulary(this);
    this.vocabulary = () => words;
  }

  get folder(): string {
    return dirname(resolve(this.file));
  }

  setting(name: string): string | undefined {
    return this.settings.get(name)?.trim();
  }

  get limits(): Limits {
    const size = (name: string, usual: number): number => {
      const [, digits, unit = ''] = /^(\d+)\s*([kKmM]?)/.exec(this.setting(name) ?? '') ?? [];
      return digits === undefined
        ? usual
        : Number(digits) * ({ k: 1024, m: 1 << 20 }[unit.toLowerCase()] ?? 1);
    };
    const time = (name: string, usual: number): number => {
      const [, digits, unit = 's'] = /^(\d+)\s*([smhd]?)/.exec(this.setting(name) ?? '') ?? [];
      return digits === undefined ? usual : Number(digits) * (seconds[unit] ?? 1);
    };
    return {
      ...defaultLimits,
      variableSize: size('sieve_variables_max_value_size', size('sieve_variables_max_variable_size', 4000)),
      variables: 255,
      includes: size('sieve_include_max_includes', defaultLimits.includes),
      includeDepth: size('sieve_include_max_nesting_depth', defaultLimits.includeDepth),
      headerSize: size('sieve_editheader_max_header_size', defaultLimits.headerSize),
      notifications: size('sieve_notify_max_notifications', defaultLimits.notifications),
      vacationLeast: time('sieve_vacation_min_period', defaultLimits.vacationLeast),
      protectedFields: this.#protectedFields(),
    };
  }

  /** The subject is nobody's to protect. */
  #protectedFields(): Limits['protectedFields'] {
    const names = (this.setting('sieve_editheader_header') ?? '').split(/\s+/).filter((name) => name !== '');
    const forbidden = (what: string) =>
      names
        .filter((name) => this.setting(`sieve_editheader_header/${name}/forbid_${what}`) === 'yes')
        .map((name) => name.toLowerCase())
        .filter((name) => name !== 'subject');
    return {
      add: new Set([...defaultLimits.protectedFields.add, ...forbidden('add')]),
      delete: new Set([...defaultLimits.protectedFields.delete, ...forbidden('delete')]),
    };
  }

  environment(): Environment {
    const lists = (name: string): string | undefined => {
      const all = this.setting('sieve_extlists_list')?.split(/\s+/) ?? [];
      const short = name.replace(/^urn:ietf:params:sieve/, '');
      if (!all.includes(short)) return undefined;
      const path = this.setting(`sieve_extlists_list/${short}/dict/file/path`);
      return path && existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    return {
      ...emptyWorld,
      message: messageOf(this.message),
      envelope: this.envelope,
      now: new Date(),
      zoneMinutes: 0,
      mailboxes: {
        exists: async (name) => this.mailboxes.has(name) || name.toUpperCase() === 'INBOX',
        existsById: async () => false,
        hasSpecialUse: async () => false,
        metadata: async (mailbox, name) => this.metadata.get(`${mailbox ?? ''}\0${name.toLowerCase()}`),
      },
      isDuplicate: async (id, last, period) => this.#isDuplicate(id, last, period),
      lists: {
        exists: (name) => lists(name) !== undefined,
        contains: async (name, value) =>
          (lists(name) ?? '')
            .split(/\r?\n/)
            .some(
              (line) =>
                line.toLowerCase() === `${value.toLowerCase()}` ||
                line.toLowerCase().endsWith(`/${value.toLowerCase()}`),
            ),
      },
      items: new Map([
        ['name', 'Pigeonhole Sieve'],
        ['version', '1.0'],
        ['domain', 'example.com'],
        ['host', 'mail.example.com'],
        ['location', 'MS'],
        ['phase', 'post'],
        ['remote-host', ''],
        ['remote-ip', ''],
      ]),
      spam: scoreFrom(this, 'spamtest'),
      virus: scoreFrom(this, 'virustest'),
      detailSeparator: this.setting('recipient_delimiter') ?? '+',
    };
  }

  #isDuplicate(id: string, last: boolean, period: number): boolean {
    const seen = this.#seen.has(id);
    if (last || !seen) this.#seen.set(id, period);
    return seen;
  }

  readonly find: FindScript = async (location, name) => {
    const folder = location === 'global' ? 'included-global' : 'included';
    const file = join(this.folder, folder, `${name}.sieve`);
    return existsSync(file) ? decodeOctets(readFileSync(file)) : undefined;
  };

  /** Sender and recipient as the header names them, until the script sets others. */
  envelopeOf(message: Uint8Array): SieveEnvelope {
    const { header } = parseHeader(message);
    const first = (name: string, otherwise: string): string => {
      const [one] = header.all(name).flatMap(({ value }) => parseAddressList(value));
      return one === undefined || 'bad' in one ? otherwise : printListed(one);
    };
    return { from: first('from', 'sender@example.com'), to: first('to', 'recipient@example.com') };
  }

  /** The message at hand is another one from now on. */
  show(run: Run, content: Uint8Array, envelope?: SieveEnvelope): void {
    this.message = content;
    if (envelope) this.envelope = envelope;
    run.environment = this.environment();
    run.message = new Message(run.environment.message);
  }

  async compileFile(name: string): Promise<boolean> {
    const file = join(this.folder, name);
    if (!existsSync(file)) throw new TestFailure(`${file} is not there`);
    const result: CompileResult = await compile(decodeOctets(readFileSync(file)), {
      name: name.replace(/\.sieve$/, ''),
      limits: this.limits,
      find: this.find,
      vocabulary: this.vocabulary(),
      knownList: (list) => this.environment().lists.exists(list),
    });
    this.script = result.script;
    const errors = result.problems.filter(({ severity }) => severity === 'error').map(({ text }) => text);
    // The other implementation ends its list with one line of summary, and test scripts count it.
    this.errors = errors.length === 0 ? [] : [...errors, `${name}: the script has errors`];
    return result.script !== undefined;
  }

  /** Runs the compiled script as the next of the result at hand, or with a new one. */
  async runScript(outer: Run, append: boolean): Promise<boolean> {
    if (this.script === undefined) throw new TestFailure('no script is compiled');
    if (append) outer.result.continue();
    const before = append ? outer.result : new Result();
    const inner = new Run(this.script.name, outer.environment, {
      limits: this.limits,
      vocabulary: this.vocabulary(),
      before,
    });
    inner.message = append ? outer.message : new Message(outer.environment.message);
    this.errors = [];
    try {
      await this.script.body(inner);
    } catch (error) {
      if (!(error instanceof SieveTrouble)) throw error;
      this.errors = [error.message];
      return false;
    }
    this.errors = inner.warnings.map(({ text }) => text);
    outer.result = before;
    outer.message = inner.message;
    return true;
  }
}
