/**
 * sieve/words/mailboxes - tests of mailboxes and annotations (RFC 5490, RFC 9042, RFC 8579).
 */
import type { Definition } from '../definition.ts';
import { compileMatch, matchTags } from '../match/match.ts';
import type { Run } from '../run.ts';
import { isMailboxName } from './deliveries.ts';

/** True when the answer is yes for all names. */
function all(
  name: string,
  needs: string,
  parameter: string,
  ask: (run: Run, name: string) => Promise<boolean>,
): Definition {
  return {
    kind: 'test',
    name,
    needs: [needs],
    takes: [{ name: parameter, type: 'strings' }],
    compile(call) {
      const names = call.texts(parameter);
      return {
        async test(run) {
          for (const text of names) if (!(await ask(run, text.value(run)))) return false;
          return true;
        },
      };
    },
  };
}

const specialUseExists: Definition = {
  kind: 'test',
  name: 'specialuse_exists',
  needs: ['special-use'],
  takes: [
    { name: 'mailbox', type: 'string', optional: true },
    { name: 'special-use attributes', type: 'strings' },
  ],
  compile(call) {
    const mailbox = call.optionalText('mailbox');
    if (mailbox?.constant !== undefined && !isMailboxName(mailbox.constant)) {
      call.scope.warn(mailbox.at, 'invalid folder name: no mailbox has it');
    }
    const uses = call.texts('special-use attributes');
    for (const { constant, at } of uses) {
      if (constant !== undefined && !/^\\[A-Za-z][A-Za-z0-9]*$/.test(constant)) {
        return call.error('a special use is a backslash and a word, as in "\\\\Junk"', at);
      }
    }
    return {
      async test(run) {
        for (const use of uses) {
          if (!(await run.environment.mailboxes.hasSpecialUse(use.value(run), mailbox?.value(run))))
            return false;
        }
        return true;
      },
    };
  },
};

/** metadata of a mailbox, or servermetadata when there is no mailbox. */
function annotation(name: string, needs: string, ofMailbox: boolean): Definition {
  return {
    kind: 'test',
    name,
    needs: [needs],
    tags: matchTags,
    takes: [
      ...(ofMailbox ? [{ name: 'mailbox', type: 'string' as const }] : []),
      { name: 'annotation name', type: 'string' },
      { name: 'key list', type: 'strings' },
    ],
    compile(call) {
      const mailbox = call.optionalText('mailbox');
      const wanted = call.text('annotation name');
      const match = compileMatch(call, call.texts('key list'));
      if (!match) return undefined;
      return {
        async test(run) {
          const value = await run.environment.mailboxes.metadata(mailbox?.value(run), wanted.value(run));
          return value !== undefined && match(run, [value]);
        },
      };
    },
  };
}

function annotationExists(name: string, needs: string, ofMailbox: boolean): Definition {
  return {
    kind: 'test',
    name,
    needs: [needs],
    takes: [
      ...(ofMailbox ? [{ name: 'mailbox', type: 'string' as const }] : []),
      { name: 'annotation names', type: 'strings' },
    ],
    compile(call) {
      const mailbox = call.optionalText('mailbox');
      const names = call.texts('annotation names');
      return {
        async test(run) {
          for (const wanted of names) {
            const value = await run.environment.mailboxes.metadata(mailbox?.value(run), wanted.value(run));
            if (value === undefined) return false;
          }
          return true;
        },
      };
    },
  };
}

export const mailboxWords: readonly Definition[] = [
  all('mailboxexists', 'mailbox', 'mailbox names', async (run, name) =>
    isMailboxName(name) ? run.environment.mailboxes.exists(name) : false,
  ),
  all('mailboxidexists', 'mailboxid', 'mailbox object ids', (run, id) =>
    run.environment.mailboxes.existsById(id),
  ),
  specialUseExists,
  annotation('metadata', 'mboxmetadata', true),
  annotationExists('metadataexists', 'mboxmetadata', true),
  annotation('servermetadata', 'servermetadata', false),
  annotationExists('servermetadataexists', 'servermetadata', false),
];
