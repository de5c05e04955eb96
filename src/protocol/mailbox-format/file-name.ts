/**
 * protocol/mailbox-format/file-name - a level of a mailbox's name as the name of a file that any system can have.
 *
 * What some system would not take is `%` and two hexadecimal digits for each octet of UTF-8.
 */
const reserved = /[%/\\:*?"<>|\u0000-\u001f\u007f]|^\.|[. ]$/gu;

export const fileNameOf = (level: string): string =>
  level.replace(reserved, (character) =>
    [...Buffer.from(character)]
      .map((octet) => `%${octet.toString(16).padStart(2, '0').toUpperCase()}`)
      .join(''),
  );

/** A name that was not made so stands for itself. */
export function levelOf(file: string): string {
  try {
    const level = decodeURIComponent(file.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
    return level.includes('/') || level.includes('\0') ? file : level;
  } catch {
    return file;
  }
}
