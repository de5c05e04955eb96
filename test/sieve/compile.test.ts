// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of Sieve, not of this language
import { expect, test } from 'vitest';
import { compile } from '../../src/sieve/compile.ts';
import { extensions } from '../../src/sieve/vocabulary.ts';

const problems = async (script: string) => (await compile(script)).problems;

test.each([
  ['kepe;', 1, 1, "unknown command 'kepe': did you mean 'keep'?"],
  ['fileinto "a";', 1, 1, 'without require "fileinto"'],
  ['require "fileinot";', 1, 9, "did you mean 'fileinto'?"],
  ['keep;\nrequire "fileinto";', 2, 1, 'behind other commands'],
  ['if true { require "copy"; }', 1, 11, 'inside a block'],
  ['if header :contain "a" "b" { }', 1, 11, "did you mean ':contains'?"],
  ['if header :is :matches "a" "b" { }', 1, 15, 'exclude each other'],
  ['if header :is :is "a" "b" { }', 1, 15, 'twice'],
  ['if header "a" 3 { }', 1, 15, 'expects a string list as argument 2 (key list), but a number was found'],
  ['if header "a" { }', 1, 4, 'requires 2 positional arguments, but 1 is specified'],
  ['if header :comparator "i;octett" "a" "b" { }', 1, 23, "did you mean 'i;octet'?"],
  [
    'if header :comparator "i;ascii-numeric" "a" "b" { }',
    1,
    23,
    'needs require "comparator-i;ascii-numeric"',
  ],
  [
    'require "comparator-i;ascii-numeric"; if header :contains :comparator "i;ascii-numeric" "a" "b" { }',
    1,
    49,
    'knows no parts',
  ],
  ['keep {}', 1, 1, 'accepts no block'],
  ['keep true;', 1, 6, 'accepts no sub-tests'],
  ['if true;', 1, 1, 'requires a block'],
  ['if { }', 1, 1, 'requires one test'],
  ['else { }', 1, 1, 'needs an if'],
  ['header "a" "b";', 1, 1, "cannot use test 'header' as a command"],
  ['if keep { }', 1, 4, "cannot use command 'keep' as a test"],
  ['redirect "nobody";', 1, 10, 'no address'],
  ['if address "subject" "a" { }', 1, 12, 'holds no addresses'],
  ['require "regex"; if header :regex "a" "(" { }', 1, 39, "'(' is never closed"],
  ['require "regex"; if header :regex "a" "(a)\\\\1" { }', 1, 39, 'back-references'],
  ['require "variables"; set "1a" "b";', 1, 26, 'no name of a variable'],
  ['require "encoded-character"; if header "a" "${unicode:ffffff}" { }', 1, 44, 'no Unicode character'],
  ['require "relational"; if header :value "gr" "a" "b" { }', 1, 40, 'one of gt, ge, lt, le, eq, ne'],
  ['require "foreverypart"; break;', 1, 25, 'outside of any foreverypart'],
  ['require "date"; if currentdate "yaer" "1" { }', 1, 32, "did you mean 'year'?"],
  ['require "enotify"; notify "xmpp:a@b";', 1, 27, "'xmpp' is not supported"],
])('%s is told to be wrong, and where', async (script, line, column, what) => {
  const [first] = await problems(script);
  expect(first).toMatchObject({ severity: 'error', line, column, text: expect.stringContaining(what) });
});

test('all mistakes are told at once', async () => {
  expect((await problems('a;\nif b { c; }\nkeep 1;')).map(({ line }) => line)).toEqual([1, 2, 2, 3]);
});

test('a name that can name no field is worth a warning, not an error', async () => {
  const result = await compile('if header "from:" "a" { }');
  expect(result.script).toBeDefined();
  expect(result.problems).toMatchObject([{ severity: 'warning' }]);
});

test.each(extensions)('%s can be required', async (name) => {
  const more = name === 'extracttext' ? ', "foreverypart"' : '';
  expect(await problems(`require ["${name}"${more}];`)).toEqual([]);
});

test('a script that is too large is not read', async () => {
  expect((await problems('#'.repeat(2 << 20)))[0]?.text).toContain('are permitted');
});
