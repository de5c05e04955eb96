/**
 * protocol/smtp/command-line - one command line (RFC 5321 §2.4, §4.1.1): the verb and the rest.
 *
 * Commands are octets without CR, LF and NUL; beyond ASCII they must be UTF-8 (RFC 6531 §3.1).
 * Verbs are compared without regard to case.
 */
import { isAscii } from 'node:buffer';
import { MailError } from '../../mail/condition.ts';

export interface CommandLine {
  /** In upper case; empty for an empty line. */
  readonly verb: string;
  /** What follows the first space, with spaces at both ends gone. */
  readonly argument: string;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `line` comes without its CRLF. Throws MailError (500 5.5.2) for octets that no command may have. */
export function parseCommandLine(line: Buffer): CommandLine {
  const text = decode(line);
  const space = text.indexOf(' ');
  if (space < 0) return { verb: text.toUpperCase(), argument: '' };
  return { verb: text.slice(0, space).toUpperCase(), argument: text.slice(space + 1).trim() };
}

function decode(line: Buffer): string {
  if (line.includes(0x00)) throw syntaxError('NUL in the command');
  if (line.includes(0x0d)) throw syntaxError('Bare CR in the command');
  if (isAscii(line)) return line.toString('latin1');
  try {
    return strictUtf8.decode(line);
  } catch (cause) {
    throw syntaxError('Command is not UTF-8', cause);
  }
}

const syntaxError = (text: string, cause?: unknown): MailError =>
  new MailError('never', 'lineTooLong', { text, cause });
