/**
 * connectors/mail-files/open - mailboxes as files, by format (ports/mail-files).
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { type MailFiles, MailFilesTrouble } from '../../src/ports/mail-files.ts';
import { readEml, writeEml } from './eml.ts';
import { readMaildir, writeMaildir } from './maildir.ts';
import { readMbox, writeMbox } from './mbox.ts';

const readers = { maildir: readMaildir, mbox: readMbox, eml: readEml } as const;

export const mailFiles: MailFiles = {
  read: (format, place) => readers[format](place),
  async write(format, place) {
    await mkdir(place, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
      throw new MailFilesTrouble(`${place} cannot be made: ${cause.message}`, { cause });
    });
    if ((await readdir(place)).length > 0)
      throw new MailFilesTrouble(
        `${place} is not empty: name a folder that is, or one that is not there yet`,
      );
    if (format === 'mbox') return writeMbox(place);
    // Parts of names of files: two exports put together by hand do not meet.
    return format === 'eml' ? writeEml(place) : writeMaildir(place, randomBytes(4).toString('hex'));
  },
};
