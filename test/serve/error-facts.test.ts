import { expect, test } from 'vitest';
import { MailError } from '../../src/mail/condition.ts';
import { DatabaseAway } from '../../src/ports/database.ts';
import { errorFacts } from '../../src/serve/error-facts.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
const away = new DatabaseAway('the database cannot be reached', { cause: refused });

test.each<[string, Error, boolean]>([
  ['a database that is away', away, false],
  ['what we said to a client because of it', new MailError('later', 'localError', { cause: away }), false],
  ['what we said to a client by ourselves', new MailError('later', 'systemFull'), false],
  ['a fault of ours', new TypeError('x is not a function'), true],
  [
    'a fault of ours behind what we said to a client',
    new MailError('later', 'localError', { cause: new TypeError('x is not a function') }),
    true,
  ],
])('%s: message always, stack only where it helps', (_, error, stack) => {
  const facts = errorFacts(error, false) as { message: string; stack?: string };
  expect(facts.message).toContain(error.message);
  expect('stack' in facts).toBe(stack);
  expect(errorFacts(error, true)).toHaveProperty('stack');
});

test('causes and the first code among them are told', () => {
  expect(errorFacts(away, false)).toMatchObject({
    type: 'DatabaseAway',
    message: 'the database cannot be reached: connect ECONNREFUSED 127.0.0.1:5432',
    code: 'ECONNREFUSED',
  });
});

test('causes in a circle end, and what is no error stays as it is', () => {
  const circle = new MailError('later', 'localError');
  circle.cause = circle;
  expect(errorFacts(circle, false)).toHaveProperty('message');
  expect(errorFacts('gone', false)).toBe('gone');
  expect(errorFacts(undefined, false)).toBeUndefined();
});
