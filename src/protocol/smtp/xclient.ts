/**
 * protocol/smtp/xclient - the argument of XCLIENT (postfix.org/XCLIENT_README.html): a trusted filter or proxy says for
 * whom it speaks.
 */
import { isIP } from 'node:net';
import { MailError } from '../../mail/condition.ts';
import { badValue } from './parameters.ts';
import { plainIp } from './proxy.ts';
import { decodeXtext } from './xtext.ts';

export const xclientAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN'] as const;
type Attribute = (typeof xclientAttributes)[number];

/** `undefined` as a value: the filter said that it does not know (`[UNAVAILABLE]`, `[TEMPUNAVAIL]`). */
export interface Xclient {
  readonly name?: string | undefined;
  readonly ip?: string | undefined;
  readonly port?: number | undefined;
  readonly extended?: boolean | undefined;
  readonly helo?: string | undefined;
  readonly account?: string | undefined;
}

const host = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?\.?$/;

export function parseXclient(argument: string): Xclient {
  const words = argument.split(' ').filter((word) => word !== '');
  if (words.length === 0) {
    throw new MailError('never', 'badSyntax', { text: 'Syntax: XCLIENT attribute=value ...' });
  }
  const seen = new Set<string>();
  let client: Xclient = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = word.slice(0, Math.max(equals, 0)).toUpperCase();
    const value = decodeXtext(word.slice(equals + 1));
    if (!isAttribute(key) || value === undefined || seen.has(key)) throw badValue('Bad XCLIENT attribute');
    seen.add(key);
    client = {
      ...client,
      ...meaning(key, /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value) ? undefined : value),
    };
  }
  return client;
}

const isAttribute = (key: string): key is Attribute => (xclientAttributes as readonly string[]).includes(key);

function meaning(key: Attribute, value: string | undefined): Xclient {
  switch (key) {
    case 'NAME':
      if (value !== undefined && !host.test(value)) throw badValue('Bad XCLIENT NAME');
      return { name: value?.toLowerCase().replace(/\.$/, '') };
    case 'ADDR': {
      const ip = value?.replace(/^IPV6:/i, '');
      if (ip !== undefined && isIP(ip) === 0) throw badValue('Bad XCLIENT ADDR');
      return { ip: ip === undefined ? undefined : plainIp(ip) };
    }
    case 'PORT':
      if (value !== undefined && !/^\d{1,5}$/.test(value)) throw badValue('Bad XCLIENT PORT');
      return { port: value === undefined ? undefined : Number(value) };
    case 'PROTO':
      if (value !== undefined && !/^E?SMTP$/i.test(value)) throw badValue('Bad XCLIENT PROTO');
      return { extended: value === undefined ? undefined : value.toUpperCase() === 'ESMTP' };
    case 'HELO':
      if (value !== undefined && !isHeloName(value)) throw badValue('Bad XCLIENT HELO');
      return { helo: value };
    case 'LOGIN':
      return { account: value === '' ? undefined : value };
  }
}

/**
 * What HELO, EHLO and LHLO may say. RFC 5321 §4.1.1.1 asks for a domain or an address literal; real clients
 * say bare addresses and machine names, so that any visible ASCII is taken, in bounds.
 */
export const isHeloName = (text: string): boolean => /^[\x21-\x7e]{1,255}$/.test(text);
