/**
 * protocol/sasl/external - EXTERNAL (RFC 4422 appendix A): the client has shown who it is in the TLS handshake, and
 * says at most for whom it wants to act. Nothing (`=`) is an answer: an initial response may be empty.
 */
import { failed, malformed, once, opening, type Step, textOf } from './step.ts';

const atMost = 1024;

export const external = (initial: Uint8Array | undefined): Step =>
  opening(initial, atMost, (response) => {
    const text = textOf(response);
    if (text === undefined || text.includes('\0')) return malformed('EXTERNAL: not UTF-8 without NUL');
    const authorizationId = text || undefined;
    return {
      kind: 'ask',
      question: 'certificate',
      authorizationId,
      answer: once((authenticationId) =>
        authenticationId === undefined
          ? failed('credentials', 'EXTERNAL: no certificate that names one of us')
          : { kind: 'done', authenticationId, authorizationId },
      ),
    };
  });
