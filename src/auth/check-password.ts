/**
 * auth/check-password - one password, asked of everyone who could know.
 */
import type { PasswordAttempt, PasswordVerdict, PasswordVerifier } from '../ports/authenticator.ts';

/**
 * All are asked but those behind one that says right, so who is wrong costs the same as who is unknown. Throws what a
 * verifier threw where nobody says right: then it may have been the one to say it.
 */
export async function checkPassword(
  verifiers: readonly PasswordVerifier[],
  attempt: PasswordAttempt,
  signal: AbortSignal,
): Promise<PasswordVerdict> {
  let answer: PasswordVerdict = { is: 'wrong' };
  let away: { readonly error: unknown } | undefined;
  for (const verifier of verifiers) {
    signal.throwIfAborted();
    try {
      const verdict = await verifier.verify(attempt, signal);
      if (verdict.is === 'right') return verdict;
      if (verdict.is === 'expired') answer = verdict;
    } catch (error) {
      away = { error };
    }
  }
  if (answer.is === 'wrong' && away !== undefined) throw away.error;
  return answer;
}
