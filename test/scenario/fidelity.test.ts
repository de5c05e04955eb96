/**
 * scenario/fidelity - what goes out is what came in plus trace fields, through Isthmus and a Postfix behind it.
 *
 * Every twentieth message of npm's SpamAssassin corpus, our own odd shapes, and signed ones that must still verify.
 */
import { dkimVerify } from 'mailauth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Course, isGood, type Judged, proveFidelity } from '../conformance/fidelity.ts';
import { gatewayInTheMiddle } from '../fixture/gateway.ts';
import { ownSamples, type Sample, signedSamples, spamAssassin } from '../fixture/messages.ts';
import { startCapture } from '../peers/capture.ts';
import { describeWith } from '../peers/need.ts';
import { startPostfix } from '../peers/postfix.ts';

await describeWith(['postfix'], 'byte fidelity', () => {
  let course: Course;
  beforeAll(async () => {
    const [capture, postfix] = await Promise.all([
      startCapture(),
      startPostfix({ hostname: 'end.test', domains: ['postfix.test'] }),
    ]);
    const system = await gatewayInTheMiddle([
      { site: 'capture', domains: ['capture.test'], port: capture.port },
      { site: 'postfix', domains: ['postfix.test'], port: postfix.port },
    ]);
    course = { system, capture, postfix };
  });
  afterAll(async () => {
    await course?.system.remove();
    await course?.postfix.remove();
    await course?.capture.close();
  });

  const bad = (judged: readonly Judged[]) => judged.filter((one) => !isGood(one));

  test('our own odd shapes arrive octet for octet', async () => {
    const judged = await proveFidelity(ownSamples(), course, 'own');
    expect(bad(judged)).toEqual([]);
    expect(judged.filter(({ outcome }) => outcome === 'refused')).toEqual([]);
  });

  test('every twentieth message of the SpamAssassin corpus arrives octet for octet', async () => {
    const samples = [...spamAssassin(20)];
    const judged = await proveFidelity(samples, course, 'corpus');
    expect(samples).toHaveLength(303);
    expect(bad(judged)).toEqual([]);
    expect(judged.filter(({ outcome }) => outcome === 'same').length).toBeGreaterThan(290);
  });

  test('a bare CR or LF never leaves: refused, or one line end', async () => {
    const bare = [...spamAssassin()].filter((sample) => sample.bare);
    expect(bare.length).toBeGreaterThan(0);
    expect(bad(await proveFidelity(bare, course, 'bare'))).toEqual([]);
  });

  test('DKIM signatures still verify at both ends', async () => {
    const { samples, resolver } = await signedSamples();
    expect(bad(await proveFidelity(samples, course, 'signed'))).toEqual([]);
    const atPostfix = (await course.postfix.delivered()).filter(({ recipient }) =>
      recipient.startsWith('signed'),
    );
    const atCapture = course.capture.taken.filter(({ rcpt }) => rcpt[0]?.startsWith('<signed'));
    const ends: readonly { readonly content: Buffer }[] = [...atPostfix, ...atCapture];
    expect(ends).toHaveLength(2 * samples.length);
    for (const { content } of ends) {
      const { results } = await dkimVerify(content, { resolver });
      expect(
        results.map(({ status }) => status.result),
        headOf(content),
      ).toEqual(['pass']);
    }
  });
});

const headOf = (content: Sample['content']): string => content.subarray(0, 1_000).toString('latin1');
