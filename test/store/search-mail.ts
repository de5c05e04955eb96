/** Random messages of which it is known what they say: built from texts, so that no decoder is needed to know. */
import fc from 'fast-check';
import type { SearchKey } from '../../src/mail/search.ts';

/** What a reader sees, in the order of the message. */
export interface Said {
  /** Decoded fields of the message. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Decoded fields of parts, and of messages within. */
  readonly inner: readonly (readonly [name: string, value: string])[];
  readonly contents: readonly string[];
}

export interface Mail extends Said {
  /** One character per octet. */
  readonly raw: string;
}

const latin1 = (octets: Buffer): string => octets.toString('latin1');
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

const koi8: Readonly<Record<string, number>> = { м: 0xcd, и: 0xc9, р: 0xd2, М: 0xed, И: 0xe9, Р: 0xf2 };

const charsets: Readonly<Record<string, (text: string) => Buffer>> = {
  'utf-8': utf8,
  'ISO-8859-1': (text) => Buffer.from(text.replace(/[^\x00-\xff]/g, '?'), 'latin1'),
  'koi8-r': (text) =>
    Buffer.from([...text].map((c) => koi8[c] ?? (c.charCodeAt(0) < 128 ? c.charCodeAt(0) : 0x3f))),
  'utf-16be': (text) => Buffer.from(text, 'utf16le').swap16(),
};

/** What is left of a text when it was written in a charset that lacks some of it. */
const inCharset = (text: string, charset: string): string =>
  charset === 'ISO-8859-1'
    ? text.replace(/[^\x00-\xff]/g, '?')
    : charset === 'koi8-r'
      ? [...text].map((c) => (koi8[c] !== undefined || c.charCodeAt(0) < 128 ? c : '?')).join('')
      : text;

const hex = (octet: number): string => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;

const quoted = (octets: Buffer): string =>
  [...octets]
    .map(
      (octet, at) =>
        (octet === 0x3d || octet > 126 || octet < 32 ? hex(octet) : String.fromCharCode(octet)) +
        (at % 50 === 49 ? '=\r\n' : ''),
    )
    .join('');

const base64 = (octets: Buffer): string => octets.toString('base64').replace(/.{1,40}/g, '$&\r\n');

const encodings: Readonly<Record<string, (octets: Buffer) => string>> = {
  '8bit': latin1,
  'quoted-printable': quoted,
  BASE64: base64,
};

export const words = [
  'Grüße',
  'straße',
  'hello',
  'Hello World',
  'МИР',
  'мир',
  '日本',
  '日本語',
  'a',
  '1=2',
  '%_\\',
  'CAFÉ',
  'x',
];
const text = fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((list) => list.join(' '));

const fieldNames = ['Subject', 'From', 'X-Odd', 'Comments'];

/** As a sender may write the value of a field: its text is the same. */
const written = fc.constantFrom(
  (value: string) => latin1(utf8(value)),
  (value: string) => latin1(utf8(value)).replaceAll(' ', '\r\n '),
  (value: string) => `=?utf-8?b?${utf8(value).toString('base64')}?=`,
  (value: string) => [...value].map((c) => `=?utf-8?q?${[...utf8(c)].map(hex).join('')}?=`).join('\r\n '),
);

const field = fc.tuple(fc.constantFrom(...fieldNames), text, written).map(([name, value, write]) => ({
  said: [name, ` ${value}`] as const,
  raw: `${name}: ${write(value)}\r\n`,
}));

const leaf = fc
  .tuple(
    text,
    fc.constantFrom(...Object.keys(charsets)),
    fc.constantFrom(...Object.keys(encodings)),
    fc.boolean(),
  )
  .map(([plain, charset, asked, isHtml]) => {
    // No line end of UTF-16 is one to a mail system.
    const encoding = charset === 'utf-16be' ? 'BASE64' : asked;
    const said = inCharset(plain, charset);
    const sent = isHtml ? `<p>${said.replaceAll(' ', '<b> </b>')}<script>hello</script>` : said;
    return {
      fields: [
        ['Content-Type', ` text/${isHtml ? 'html' : 'plain'}; charset=${charset}`],
        ['Content-Transfer-Encoding', ` ${encoding}`],
      ] as const,
      body: encodings[encoding]!(charsets[charset]!(sent)),
      inner: [],
      contents: [said],
    };
  });

interface Entity {
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly inner: Said['inner'];
  readonly contents: readonly string[];
}

const printFields = (fields: Said['fields']): string =>
  fields.map(([name, value]) => `${name}:${value}\r\n`).join('');
const printEntity = ({ fields, body }: Entity): string => `${printFields(fields)}\r\n${body}`;

const { entity, mail: mailArbitrary } = fc.letrec<{
  entity: Entity;
  mail: Mail;
  multipart: Entity;
  message: Entity;
}>((tie) => ({
  entity: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    leaf as fc.Arbitrary<Entity>,
    tie('multipart'),
    tie('message'),
  ),
  multipart: fc
    .tuple(fc.array(tie('entity'), { minLength: 1, maxLength: 3 }), fc.stringMatching(/^[a-f0-9]{16}$/))
    .map(([parts, boundary]) => ({
      fields: [['Content-Type', ` multipart/mixed; boundary="${boundary}"`]] as const,
      body: `${parts.map((part) => `--${boundary}\r\n${printEntity(part)}\r\n`).join('')}--${boundary}--\r\n`,
      inner: parts.flatMap((part) => [...part.fields, ...part.inner]),
      contents: parts.flatMap((part) => part.contents),
    })),
  message: tie('mail').map((mail) => ({
    fields: [['Content-Type', ' message/rfc822']] as const,
    body: mail.raw,
    inner: [...mail.fields, ...mail.inner],
    contents: mail.contents,
  })),
  mail: fc.tuple(fc.array(field, { maxLength: 4 }), tie('entity')).map(([fields, root]) => ({
    raw: `${fields.map(({ raw }) => raw).join('')}${printEntity(root)}`,
    fields: [...fields.map(({ said }) => said), ...root.fields],
    inner: root.inner,
    contents: root.contents,
  })),
}));

export const anyMail: fc.Arbitrary<Mail> = mailArbitrary;
export const anyEntity = entity;

const folded = (value: string): string => value.normalize('NFD').toLowerCase().replaceAll('ß', 'ss');

const within = (value: string, asked: string): boolean => folded(value).includes(folded(asked));

export function saysText(
  { fields, inner, contents }: Said,
  key: Extract<SearchKey, { readonly key: 'header' | 'body' | 'text' }>,
): boolean {
  if (key.key === 'header')
    return fields.some(
      ([name, value]) => name.toLowerCase() === key.field.toLowerCase() && within(value, key.text),
    );
  if (contents.some((each) => within(each, key.text))) return true;
  return (
    key.key === 'text' && [...fields, ...inner].some(([name, value]) => within(`${name}:${value}`, key.text))
  );
}

const asked = fc.oneof(
  fc.constantFrom(
    ...words,
    '',
    'ss',
    'hel',
    'lo W',
    'GRÜ',
    'grü',
    '本',
    '本語',
    'é',
    'subject: ',
    'Content-Type: text',
    'nothing of it',
  ),
  text,
);

export const textKey: fc.Arbitrary<Extract<SearchKey, { readonly key: 'header' | 'body' | 'text' }>> =
  fc.oneof(
    fc.record({ key: fc.constantFrom('body' as const, 'text' as const), text: asked }),
    fc.record({
      key: fc.constant('header' as const),
      field: fc.constantFrom(
        ...fieldNames.map((name) => name.toUpperCase()),
        'content-type',
        'none',
        'subject: x',
        '',
      ),
      text: asked,
    }),
  );
