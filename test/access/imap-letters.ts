/** access/imap-letters - what the sessions of the tests file. */
export const letter = (subject: string, text = 'Hello.', more: readonly string[] = []): string =>
  [
    'From: Ada <ada@example.org>',
    'To: Bob <bob@example.org>',
    `Subject: ${subject}`,
    'Date: Mon, 23 Nov 2026 10:00:00 +0100',
    `Message-ID: <${subject.replaceAll(/[^a-z0-9]/gi, '-')}@example.org>`,
    ...more,
    '',
    text,
    '',
  ].join('\r\n');

/** A text, a base64 attachment, and a message within. */
export const nested = [
  'From: ada@example.org',
  'Subject: nested',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b1',
  '',
  'preamble',
  '--b1',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe=',
  ' an alle',
  '--b1',
  'Content-Type: application/octet-stream; name=x.bin',
  'Content-Transfer-Encoding: base64',
  '',
  'AAEC/w==',
  '--b1',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'X-Deep: yes',
  '',
  'Inner text.',
  '--b1--',
  '',
].join('\r\n');
