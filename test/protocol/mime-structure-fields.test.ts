/**
 * Content fields and addresses, right and wrong, as they are read.
 */
import { describe, expect, test } from 'vitest';
import { printBodyStructure } from '../../src/protocol/imap/print-structure.ts';
import { lines, scan } from '../fixture/structure.ts';

describe('content fields', () => {
  const root = (...fields: readonly string[]) => scan(lines(...fields, '')).root;
  const plain = {
    kind: 'leaf',
    type: 'text',
    subtype: 'plain',
    parameters: [{ name: 'charset', value: 'us-ascii' }],
  };

  test.each([
    '',
    'text',
    'text/',
    '/plain',
    'text plain',
    'text/plain charset=utf-8',
    'image/g if',
    ';',
    'multipart',
  ])('a Content-Type of `%s` is as good as none (RFC 2045 §5.2)', (value) => {
    expect(root(`Content-Type: ${value}`)).toMatchObject(plain);
  });

  test.each([
    ['a=b', [['a', 'b']]],
    [
      'A=B; c = "d e"',
      [
        ['A', 'B'],
        ['c', 'd e'],
      ],
    ],
    [
      'a=b;; ;c=d;',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a="x\\"y\\\\"; b', [['a', 'x"y\\']]],
    [
      'a (comment (nested)) = (more) b (last); c=d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['a="open; c=d', [['a', 'open; c=d']]],
    [
      'a=b/c?d=e; name==?utf-8?q?x?=',
      [
        ['a', 'b/c?d=e'],
        ['name', '=?utf-8?q?x?='],
      ],
    ],
    ['=x; a=b', [['a', 'b']]],
    [
      'a=; c=""',
      [
        ['a', ''],
        ['c', ''],
      ],
    ],
    [
      'a=b c="d;e"; f=g',
      [
        ['a', 'b'],
        ['f', 'g'],
      ],
    ],
    ['a=\xfc', [['a', '\xfc']]],
  ])('parameters: %s', (value, expected) => {
    const parameters = expected.map(([name, of]) => ({ name, value: of }));
    expect(root(`Content-Type: image/gif; ${value}`)).toMatchObject({ subtype: 'gif', parameters });
  });

  test.each([
    [
      'n*0=a; n*1=b; x=y',
      [
        ['n', 'ab'],
        ['x', 'y'],
      ],
    ],
    ['n*1=b; n*0="a "', [['n', 'a b']]],
    ['n*0*=utf-8\'\'%c3%bc; n*1=" a"; n*2*=%41', [['n*', "utf-8''%c3%bc%20a%41"]]],
    ["n*=utf-8''%41", [['n*', "utf-8''%41"]]],
    ['n*0=a; n*2=c', [['n', 'a']]],
    ['n*1=b', [['n*1', 'b']]],
    ['n*0=a; n*1*=%42', [['n*', "''a%42"]]],
    [
      'N*0=a; n*0=x; m*0=c; n*1=b; m*1=d',
      [
        ['N', 'ab'],
        ['m', 'cd'],
      ],
    ],
  ])('continued parameters (RFC 2231): %s', (value, expected) => {
    const parameters = expected.map(([name, of]) => ({ name, value: of }));
    expect(root(`Content-Type: image/gif; ${value}`)).toMatchObject({ parameters });
  });

  test('everything a part can say', () => {
    const fields = [
      'Content-Type: image/gif',
      'Content-Transfer-Encoding: (c) BASE64 (d)',
      'Content-ID: <i>',
      'Content-Description: a\t  b',
      'Content-MD5: Q2hl',
      'Content-Disposition: attachment; filename=x; size=3',
      'Content-Language: en, (c) de-CH',
      'Content-Location: http://x/y',
    ];
    expect(printBodyStructure(scan(lines(...fields, '', 'xxx')).root)).toBe(
      '("image" "gif" NIL "<i>" "a b" "BASE64" 5 "Q2hl" ("attachment" ("filename" "x" "size" "3")) ("en" "de-CH") "http://x/y")',
    );
  });
});

describe('addresses', () => {
  const ada = { mailbox: 'ada', host: 'x.y' };
  const bob = { mailbox: 'bob', host: 'x.y' };
  test.each([
    ['ada@x.y', [ada]],
    ['<ada@x.y>', [ada]],
    ['ada@x.y, bob@x.y', [ada, bob]],
    [', ada@x.y,, bob@x.y,', [ada, bob]],
    ['Ada <ada@x.y>', [{ name: 'Ada', ...ada }]],
    ['"Ada, \\"A.\\"" <ada@x.y>', [{ name: 'Ada, "A."', ...ada }]],
    ['Ada  "B." C. D <ada@x.y>', [{ name: 'Ada B. C. D', ...ada }]],
    ['=?utf-8?q?A=2C?= <ada@x.y>', [{ name: '=?utf-8?q?A=2C?=', ...ada }]],
    ['ada@x.y (Ada (A.) \\) Example)', [{ name: 'Ada (A.) ) Example', ...ada }]],
    ['Ada (not this) <ada@x.y> (nor this)', [{ name: 'Ada', ...ada }]],
    ['<ada@x.y> (Ada)', [{ name: 'Ada', ...ada }]],
    ['(one) ada (two) @ (three) x (four) . y (five)', [{ name: 'five', ...ada }]],
    ['"ada b"@x.y', [{ mailbox: 'ada b', host: 'x.y' }]],
    ['a . b@x . y', [{ mailbox: 'a.b', host: 'x.y' }]],
    ['ada@[192.0.2.1]', [{ mailbox: 'ada', host: '[192.0.2.1]' }]],
    ['ada@[IPv6:2001:db8::1], bob@x.y', [{ mailbox: 'ada', host: '[IPv6:2001:db8::1]' }, bob]],
    ['<@a,@b:ada@x.y>', [{ route: '@a,@b', ...ada }]],
    ['Ada <@a:ada@x.y>, bob@x.y', [{ name: 'Ada', route: '@a', ...ada }, bob]],
    ['List: ada@x.y, Bob <bob@x.y>;', [{ group: 'List', members: [ada, { name: 'Bob', ...bob }] }]],
    ['undisclosed recipients:;', [{ group: 'undisclosed recipients', members: [] }]],
    ['"A B":; , ada@x.y', [{ group: 'A B', members: [] }, ada]],
    [
      'A: ada@x.y; B: bob@x.y',
      [
        { group: 'A', members: [ada] },
        { group: 'B', members: [bob] },
      ],
    ],
    ['ada', [{ mailbox: 'ada', host: '' }]],
    ['ada@', [{ mailbox: 'ada', host: '' }]],
    ['Ada <>', [{ name: 'Ada', mailbox: '', host: '' }]],
    ['Ada Example', [{ name: 'Ada Example', mailbox: '', host: '' }]],
    ['Ada ada@x.y', [{ name: 'Ada', ...ada }]],
    ['ada@a.b <ada@x.y>', [{ name: 'ada@a.b', ...ada }]],
    ['Ada <ada@x.y', [{ name: 'Ada', ...ada }]],
    ['Ada <ada@x.y, bob@x.y', [{ name: 'Ada', ...ada }, bob]],
    ['"Ada <ada@x.y>', [{ mailbox: 'Ada <ada@x.y>', host: '' }]],
    ['Ada (open <ada@x.y>', [{ name: 'open <ada@x.y>', mailbox: 'Ada', host: '' }]],
    ['a@b@c, bob@x.y', [{ mailbox: 'a', host: 'b' }, bob]],
    ['a@b:c <d>, bob@x.y', [{ mailbox: 'a', host: 'b' }, bob]],
    ['a)b \x0b\xa0 <ada@x.y>), bob@x.y', [{ name: 'a)b \x0b\xa0', ...ada }, bob]],
    ['a>b, bob@x.y', [{ mailbox: 'a', host: '' }, bob]],
    ['<ada@x.y> Bob <bob@x.y> <c@d>', [ada, { name: 'Bob', ...bob }, { mailbox: 'c', host: 'd' }]],
  ])('%s', (value, expected) => {
    expect(scan(lines(`To: ${value}`, '')).summary.to).toEqual(expected);
  });

  test.each(['', ' ', ',', '(only a comment)', ';', ',,;'])('none: `%s`', (value) => {
    expect(scan(lines(`To: ${value}`, '')).summary.to).toBeUndefined();
  });
});
