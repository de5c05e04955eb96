/**
 * auth/tokens - whose an access token is, asked of each issuer's verifier in turn.
 */
import { type Service, type TokenVerifier, VerifierAway } from '../ports/authenticator.ts';
import type { TokenVerdict } from '../protocol/sasl/step.ts';

export type Subject =
  | {
      readonly isGood: true;
      readonly subject: string;
      readonly issuer: string;
      readonly scope?: ReadonlySet<Service>;
      readonly until?: Date;
    }
  | (Extract<TokenVerdict, { readonly isGood: false }> & { readonly why: string });

/** The first that calls it good. Where nobody does, and one could not tell, it is not known to be bad. */
export async function findSubject(
  verifiers: readonly TokenVerifier[],
  token: string,
  signal: AbortSignal,
): Promise<Subject> {
  const why: string[] = [];
  let away: VerifierAway | undefined;
  let status: 'invalid_token' | 'insufficient_scope' = 'invalid_token';
  let hint: TokenVerifier | undefined = verifiers[0];
  for (const verifier of verifiers) {
    try {
      const found = await verifier.verify(token, signal);
      if (found.is === 'good') {
        const { subject, scope, until } = found;
        return {
          isGood: true,
          subject,
          issuer: verifier.name,
          ...(scope && { scope }),
          ...(until && { until }),
        };
      }
      why.push(`${verifier.name}: ${found.why}`);
      if (found.is === 'tooLittle') [status, hint] = ['insufficient_scope', verifier];
    } catch (error) {
      if (!(error instanceof VerifierAway)) throw error;
      away = error;
    }
  }
  if (away !== undefined) throw away;
  const { openidConfiguration, scope } = hint ?? {};
  return { isGood: false, status, scope, openidConfiguration, why: why.join('; ') };
}
