/**
 * config/files - the files that a configuration names: are they there, can they be read, do certificate and key belong
 * together. Digests are kept, so that a reload can say which have changed.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Finding, Path } from './problem.ts';
import { describeFault } from './references.ts';

/** More is no certificate, key or list that we would read at start. */
const sizeLimit = 256 * 1024 * 1024;
const digestLimit = 4 * 1024 * 1024;

export interface NamedFile {
  readonly path: Path;
  readonly file: string;
}

/** What was found in the files, by absolute path: a digest, or size and time of large ones. */
export type FileMarks = ReadonlyMap<string, string>;

export interface NamedPair {
  readonly path: Path;
  readonly cert: string;
  readonly key: string;
}

export function inspectFiles(
  files: readonly NamedFile[],
  pairs: readonly NamedPair[],
  now: Date,
): { readonly findings: readonly Finding[]; readonly marks: FileMarks } {
  const findings: Finding[] = [];
  const marks = new Map<string, string>();
  for (const { path, file } of files) {
    try {
      marks.set(file, marks.get(file) ?? markOf(file));
    } catch (error) {
      const text = `expected a file that can be read: ${file}: ${describeFault(error)}`;
      findings.push({ path, at: 'value', severity: 'error', text });
    }
  }
  const readable = pairs.filter(({ cert, key }) => marks.has(cert) && marks.has(key));
  return { findings: [...findings, ...readable.flatMap((pair) => inspectPair(pair, now))], marks };
}

function markOf(file: string): string {
  const facts = statSync(file);
  if (facts.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  if (facts.size > sizeLimit) throw Object.assign(new Error('too large'), { code: 'EFBIG' });
  if (!facts.isFile() || facts.size > digestLimit) return `${facts.size} ${facts.mtimeMs}`;
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function inspectPair({ path, cert, key }: NamedPair, now: Date): readonly Finding[] {
  const fault = (name: string, text: string, severity: Finding['severity'] = 'error'): Finding[] => [
    { path: [...path, name], at: 'value', severity, text },
  ];
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(cert));
  } catch {
    return fault('cert', `expected a PEM certificate in ${cert}`);
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(key)))) {
      return fault('key', `the key in ${key} does not belong to the certificate in ${cert}`);
    }
  } catch {
    return fault('key', `expected a PEM private key without passphrase in ${key}`);
  }
  if (certificate.validToDate < now) {
    return fault('cert', `the certificate in ${cert} has expired (${certificate.validTo})`, 'warning');
  }
  return [];
}
