import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markupText } from '../../../src/protocol/mime/html.ts';

test.each([
  ['plain', 'plain'],
  ['a  b\r\n\tc', 'a b c'],
  ['<p>One</p><p>Two</p>', 'One\nTwo'],
  ['One<br>Two<br/>Three', 'One\nTwo\nThree'],
  ['w<b>o</b>r<i>d</i>', 'word'],
  ['one <b>two</b> three', 'one two three'],
  ['<b>one </b>two', 'one two'],
  ['<b>one</b> <i>two</i>', 'one two'],
  ['<td>a</td><td>b</td>', 'a\nb'],
  ['x<script>if (a < b) hide()</script>y', 'xy'],
  ['x<STYLE type=a>p{}</STYLE >y', 'xy'],
  ['x<script>never ends', 'x'],
  ['x<!-- no > no -->y', 'xy'],
  ['x<!-- never ends', 'x'],
  ['<!DOCTYPE html><html><body>x', 'x'],
  ['&lt;b&gt; &amp;amp; &#65;&#x42; &eacute;&nbsp;&euro;', '<b> &amp; AB é\u00a0€'],
  ['&nosuch; &#0; &#xd800; &', '&nosuch; &#0; &#xd800; &'],
  ['&copy 2026', '© 2026'],
  ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
  ['<3', '<3'],
  ['<a title="a > b">x</a>', 'x\na > b'],
  ["<img alt='A cat'>", '\nA cat'],
  ['<a href=https://example.org/?a=1&amp;b>x</a>', 'x\nhttps://example.org/?a=1&b'],
  ['<a data-title="no" TITLE = "yes">x</a>', 'x\nyes'],
  ['<img alt="never ends>x', '\nnever ends>x'],
  ['<svg><![CDATA[a < b &amp; c]]></svg>', 'a < b &amp; c'],
  ['<', '<'],
  ['</>x', '</>x'],
])('%s says %s', (markup, text) => {
  expect(markupText(markup)).toBe(text);
});

test('text between tags is neither lost nor made up, whatever the tags', () => {
  const word = fc.stringMatching(/^[a-z]{1,5}$/);
  const tag = fc.constantFrom('<b>', '</b>', '<p class="x>y">', '<br/>', '<!-- a -->', '<td\n>', '</p >');
  fc.assert(
    fc.property(fc.array(fc.oneof(word, tag)), (pieces) => {
      const words = pieces.filter((piece) => !piece.startsWith('<')).join('');
      return markupText(pieces.join('')).replace(/\s/g, '') === words;
    }),
  );
});

test('any document gives well-formed text no longer than itself and some', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '=',
    '&',
    ';',
    '!--',
    '-->',
    '/',
    'script',
    ' ',
    'a',
    '<![CDATA[',
    '#x41',
    'alt',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 80 }), (pieces) => {
      const markup = pieces.join('');
      const text = markupText(markup);
      return text.isWellFormed() && text.length <= 2 * markup.length;
    }),
  );
});

test('the time for a hostile document grows as its length does', () => {
  for (const piece of [
    '<',
    '<a ',
    '<a "',
    '<!--',
    '<a =',
    "<a b='",
    '<script>',
    '</script',
    ' ',
    '&',
    '&#',
    '<a/ / ',
    '<![CDATA[',
  ])
    expect(markupText(piece.repeat(2 ** 20 / piece.length)).length).toBeLessThanOrEqual(2 ** 21);
});
