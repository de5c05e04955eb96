/**
 * Mailboxes here: a site with protocol local, and LMTP listeners that deliver at once.
 */
import { expect, test } from 'vitest';
import { parseConfig } from '../../config/load.ts';
import { printProblem } from '../../config/problem.ts';

function problemsOf(text: string): readonly string[] {
  const options = { file: 'f', folder: '/', environment: {}, now: new Date(0) };
  const result = parseConfig(`hostname: gw.example.org\n${text}\n`, options);
  return result.ok ? [] : result.problems.map(printProblem);
}

test.each([
  ['a site here', 'sites: { here: { nextHops: [{ protocol: local }] } }'],
  ['an LMTP listener that delivers at once', 'listeners: [{ protocol: lmtp, port: 24, deliver: local }]'],
  ['an SMTP listener that does not', 'listeners: [{ deliver: spool }]'],
])('%s is good', (_, text) => {
  expect(problemsOf(text)).toEqual([]);
});

test.each([
  [
    'a host beside local',
    'sites: { here: { nextHops: [{ protocol: local, host: a }] } }',
    'local is this installation',
  ],
  [
    'a port beside local',
    'sites: { here: { nextHops: [{ protocol: local, port: 24 }] } }',
    'local is this installation',
  ],
  ['no host elsewhere', 'sites: { there: { nextHops: [{ protocol: lmtp }] } }', 'either host or mx'],
  [
    'half of a site here',
    'sites: { here: { nextHops: [{ protocol: local }, { host: a }] } }',
    'expected local alone',
  ],
  [
    'SMTP that delivers at once',
    'listeners: [{ deliver: local }]',
    'only LMTP has a reply for each recipient',
  ],
])('%s is refused', (_, text, words) => {
  expect(problemsOf(text).join()).toContain(words);
});
