/**
 * Killed between any two steps and delivered again by another process: nothing is lost, and nothing is in a mailbox twice.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openLocal } from '../../src/local/deliver-here.ts';
import { never, type TaskParts, task, World } from './fakes.ts';

interface Scene {
  readonly script?: string;
  readonly parts?: TaskParts;
  /** Mailboxes in the end, however it was killed. */
  readonly counts: string;
  /** Messages sent in the end, at least and at most. */
  readonly sent: readonly [number, number];
}

const scenes: readonly (readonly [string, Scene])[] = [
  ['no script', { counts: 'INBOX: 1', sent: [0, 0] }],
  [
    'two mailboxes, one of them made',
    {
      script: 'require ["fileinto", "mailbox"]; fileinto :create "New"; keep;',
      counts: 'INBOX: 1, New: 1',
      sent: [0, 0],
    },
  ],
  [
    'an edited header',
    {
      script: 'require ["editheader", "fileinto"]; addheader "X-A" "b"; fileinto "Work"; keep;',
      counts: 'INBOX: 1, Work: 1',
      sent: [0, 0],
    },
  ],
  [
    'kept and sent on, to two',
    {
      script: 'require "copy"; redirect :copy "x@example.com"; redirect :copy "y@example.com";',
      counts: 'INBOX: 1',
      // Killed between the spool's commit and our noting it.
      sent: [2, 3],
    },
  ],
  ['only sent on', { script: 'redirect "x@example.com";', counts: '', sent: [1, 2] }],
  [
    'answered, at most once',
    { script: 'require "vacation"; vacation "away";', counts: 'INBOX: 1', sent: [0, 1] },
  ],
  [
    'told apart by duplicate',
    {
      script: 'require ["duplicate", "fileinto"]; if duplicate { fileinto "Work"; }',
      counts: 'INBOX: 1',
      sent: [0, 0],
    },
  ],
  [
    'duplicate and discard',
    { script: 'require "duplicate"; if duplicate { discard; }', counts: 'INBOX: 1', sent: [0, 0] },
  ],
  ['refused by notification', { script: 'require "reject"; reject "nö";', counts: '', sent: [1, 2] }],
  [
    'two of one person’s addresses',
    { parts: { to: ['ada@example.org', 'ada+x@example.org'] }, counts: 'INBOX: 1', sent: [0, 0] },
  ],
];

const makeWorld = ({ script }: Scene): World => {
  const world = new World();
  const ada = world.account('ada@example.org');
  world.folder(ada.id, 'Work');
  if (script !== undefined) world.script(ada, script);
  return world;
};

async function attempt(world: World, { parts }: Scene): Promise<boolean> {
  try {
    const statuses = await openLocal(world.options()).deliver(task(parts), never);
    return statuses.every(({ outcome }) => outcome === 'delivered');
  } catch {
    return false;
  }
}

async function stepsOf(scene: Scene): Promise<readonly string[]> {
  const world = makeWorld(scene);
  expect(await attempt(world, scene)).toBe(true);
  return [...world.steps];
}

test.each(scenes)('%s: killed before and after each step, once and again', async (_, scene) => {
  const steps = await stepsOf(scene);
  expect(steps.length).toBeGreaterThan(4);
  for (const [step, name] of steps.entries()) {
    for (const done of [false, true]) {
      const how = `killed ${done ? 'after' : 'before'} step ${step}, ${name}`;
      const world = makeWorld(scene);
      world.killAt = { step, done };
      // Whatever a dying process says, nobody hears it; delivered is said when all was done only.
      await attempt(world, scene);
      world.restart();
      expect(await attempt(world, scene), how).toBe(true);
      expect(world.counts, how).toBe(scene.counts);
      expect(world.sent.length, how).toBeGreaterThanOrEqual(scene.sent[0]);
      expect(world.sent.length, how).toBeLessThanOrEqual(scene.sent[1]);
      // And once more, as when the queue could not write down that it was delivered.
      world.restart();
      await attempt(world, scene);
      expect(world.counts, `${how}, and a third time`).toBe(scene.counts);
      expect(world.sent.length, how).toBeLessThanOrEqual(scene.sent[1]);
    }
  }
});

test.each(scenes)('%s: the agent never says delivered when a step failed that matters', async (_, scene) => {
  for (const step of ['stage', 'append', 'lookup', 'active', 'get']) {
    const world = makeWorld(scene);
    world.trouble.set(step, new Error('trouble'));
    const said = await attempt(world, scene);
    if (said) expect(scene.counts === '' || world.counts === scene.counts, step).toBe(true);
  }
});

test('killed any number of times, anywhere, the end is the same', async () => {
  const kill = fc.record({ step: fc.nat(14), done: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...scenes),
      fc.array(kill, { maxLength: 5 }),
      async ([, scene], kills) => {
        const world = makeWorld(scene);
        for (const killAt of kills) {
          world.restart();
          world.killAt = killAt;
          await attempt(world, scene);
        }
        world.restart();
        expect(await attempt(world, scene)).toBe(true);
        expect(world.counts).toBe(scene.counts);
        expect(world.sent.length).toBeGreaterThanOrEqual(scene.sent[0]);
        // Each death may send one message once more, and no death more than one.
        expect(world.sent.length).toBeLessThanOrEqual(scene.sent[0] + Math.max(1, kills.length));
      },
    ),
    { numRuns: 100, seed: 7 },
  );
});

test('a message that comes twice, with another queue id each time, is two messages', async () => {
  const world = makeWorld({ counts: '', sent: [0, 0] });
  const received = (id: string) =>
    `Received: by mail.example.org with ESMTP id ${id}\r\nSubject: x\r\n\r\nx\r\n`;
  await openLocal(world.options()).deliver(task({ queueId: 'Q1', content: received('Q1') }), never);
  await openLocal(world.options()).deliver(task({ queueId: 'Q2', content: received('Q2') }), never);
  expect(world.counts).toBe('INBOX: 2');
});
