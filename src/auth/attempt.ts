/**
 * auth/attempt - one try to enter, from the first word to the outcome.
 *
 *   SASL step -> asked? look it up -> … -> done -> may they? -> in
 *                   blocked ----------.      |        |
 *                   wrong, unknown ---+------+--------+--> wait out the delay -> refused
 *
 * Whatever is thrown on the way becomes `unavailable`; then nobody has failed.
 */
import {
  type AuthStep,
  type Channel,
  type Login,
  type Outcome,
  type Service,
  services,
  type Way,
} from '../ports/authenticator.ts';
import { fakeScramKeys } from '../protocol/sasl/scram-keys.ts';
import type {
  Ask,
  AskPassword,
  AskScramKeys,
  AskToken,
  Challenge,
  Done,
  Step,
} from '../protocol/sasl/step.ts';
import { checkPassword } from './check-password.ts';
import { type Claim, canonicalName, splitClaim } from './names.ts';
import type { GateDeps, GateOptions, KnownAccount } from './options.ts';
import { Refused } from './refused.ts';
import type { Ticket } from './throttle.ts';
import { findSubject } from './tokens.ts';

/** Who somebody has been proved to be, and by what. */
interface Proof {
  readonly who: string;
  readonly known: KnownAccount | undefined;
  readonly way: Way;
  readonly scope: ReadonlySet<Service>;
  readonly until?: Date;
  readonly credential?: string;
}

interface Person {
  /** The account's name; of who has none, the name as we know it. */
  readonly who: string;
  readonly wanted: string | undefined;
  readonly known: KnownAccount | undefined;
  readonly ticket: Ticket;
}

const everything: ReadonlySet<Service> = new Set(services);

export class Attempt {
  readonly #options: GateOptions;
  readonly #deps: GateDeps;
  readonly #mechanism: string;
  readonly #channel: Channel;
  readonly #signal: AbortSignal;
  readonly #abandon = () => this.#person?.ticket.released();
  /** When the client last said something: the delay is counted from there. */
  #heardAt: number;
  #person: Person | undefined;
  #proof: Proof | undefined;

  constructor(
    options: GateOptions,
    deps: GateDeps,
    mechanism: string,
    channel: Channel,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#mechanism = mechanism;
    this.#channel = channel;
    this.#signal = signal;
    this.#heardAt = deps.now();
    signal.addEventListener('abort', this.#abandon);
  }

  /** Goes on to what the client hears next. Rejects only when the signal is aborted. */
  async advance(begin: () => Step | Promise<Step>): Promise<AuthStep> {
    try {
      let step = await begin();
      while (step.kind === 'ask') step = await this.#answer(step);
      if (step.kind === 'challenge') return this.#challenge(step);
      if (step.kind === 'done') return await this.#enter(step);
      throw new Refused(step.reason === 'malformed' ? 'malformed' : 'credentials', step.detail);
    } catch (error) {
      if (this.#signal.aborted) this.#close();
      this.#signal.throwIfAborted();
      return this.#refuse(error);
    }
  }

  /** LOGIN, USER and PASS: the same as PLAIN. */
  async password(authenticationId: string, password: string): Promise<Outcome> {
    const step = await this.advance(async () => {
      const isRight = await this.#isRight({ authenticationId, password });
      return isRight
        ? { kind: 'done', authenticationId, authorizationId: undefined }
        : { kind: 'failed', reason: 'credentials', detail: 'wrong name or password' };
    });
    if (step.kind === 'challenge') throw new Error('a password has no challenge');
    return step;
  }

  /** While the client thinks, nothing is held for it. */
  #challenge(step: Challenge): AuthStep {
    this.#person?.ticket.released();
    return {
      kind: 'challenge',
      octets: step.octets,
      isLast: step.success !== undefined,
      next: (response) => {
        this.#heardAt = this.#deps.now();
        return this.advance(() => {
          if (this.#person) this.#person = { ...this.#person, ticket: this.#ticket(this.#person.who) };
          return step.next(response);
        });
      },
      cancel: () => this.#close(),
    };
  }

  #answer(ask: Ask): Promise<Step> {
    if (ask.question === 'password') return this.#isRight(ask).then((isRight) => ask.answer(isRight));
    if (ask.question === 'scramKeys') return this.#scramKeys(ask);
    if (ask.question === 'token') return this.#token(ask);
    const certificate = this.#channel.clientCertificate;
    const name = certificate && this.#deps.certificates?.nameIn(certificate);
    return this.#certificate(name).then(() => ask.answer(name));
  }

  async #isRight({
    authenticationId,
    password,
  }: Pick<AskPassword, 'authenticationId' | 'password'>): Promise<boolean> {
    const claim = splitClaim(authenticationId, this.#options.masterSeparator);
    const { who, known, ticket } = await this.#meet(claim);
    const asked = { name: who, typed: claim.who, password, channel: this.#channel };
    const verdict = await checkPassword(this.#deps.passwords, asked, this.#signal);
    if (verdict.is === 'wrong') {
      ticket.failed(password);
      return false;
    }
    // The password is the right one, so its owner may know that it has ended.
    if (verdict.is === 'expired') throw new Refused('expired', 'the password has ended');
    const { way, scope = everything, until, credential } = verdict;
    this.#proof = {
      who,
      known,
      way,
      scope,
      ...(until && { until }),
      ...(credential && { credential }),
    };
    return true;
  }

  async #scramKeys(ask: AskScramKeys): Promise<Step> {
    const { scram } = this.#deps;
    if (scram === undefined) throw new Refused('mechanism', 'nobody has SCRAM keys');
    const { who, known } = await this.#meet(splitClaim(ask.authenticationId, this.#options.masterSeparator));
    const keys = await scram.keys(who);
    this.#proof = { who, known, way: 'scram', scope: everything };
    return ask.answer(keys ?? fakeScramKeys(who, scram.secret, this.#options.scramIterations));
  }

  async #token(ask: AskToken): Promise<Step> {
    // Nobody guesses tokens, and good clients come with one that has just ended: none is counted.
    const ticket = this.#ticket(undefined);
    const found = await findSubject(this.#deps.tokens, ask.token, this.#signal).finally(ticket.released);
    if (!found.isGood) {
      this.#deps.log.info({ ...this.#facts(), why: found.why }, 'a token was refused');
      return ask.answer(found);
    }
    const { who, known } = await this.#meet({ who: found.subject, wanted: undefined });
    const { scope = everything, until, issuer } = found;
    this.#proof = { who, known, way: 'token', scope, credential: issuer, ...(until && { until }) };
    return ask.answer({ isGood: true, authenticationId: found.subject });
  }

  async #certificate(name: string | undefined): Promise<void> {
    if (name === undefined) return;
    const { who, known } = await this.#meet({ who: name, wanted: undefined });
    this.#proof = { who, known, way: 'certificate', scope: everything };
  }

  /**
   * Who it is, if anybody, and leave to try. Counted by account, so that many addresses are not many tries. Only what
   * people type is a claim: `x*root` in a token or a certificate is a name, or its issuer could make administrators.
   */
  async #meet({ who: typed, wanted }: Claim): Promise<Person> {
    const name = canonicalName(typed, this.#options.defaultDomain);
    if (name === undefined) throw new Refused('credentials', 'a name that nobody can have');
    const known = await this.#deps.accounts.find(name, this.#signal);
    const who = known?.account ?? name;
    this.#person = { who, wanted, known, ticket: this.#ticket(who) };
    return this.#person;
  }

  #ticket(who: string | undefined): Ticket {
    this.#signal.throwIfAborted();
    const ticket = this.#deps.throttle.enter(who, this.#channel.remote);
    if (ticket === undefined) throw new Refused('tooMany', 'too many failures');
    return ticket;
  }

  /** Somebody is proved to be who they are: may they? */
  async #enter(done: Done): Promise<Outcome> {
    const proof = this.#proof;
    if (proof === undefined) throw new Error(`${this.#mechanism} says that nobody is done`);
    this.#person?.ticket.succeeded();
    const { way, scope, until, credential, who } = proof;
    const service = this.#channel.service;
    if (until && until.getTime() <= this.#deps.now())
      throw new Refused('expired', 'the credential has ended');
    if (!scope.has(service)) throw new Refused('notPermitted', `the credential is not for ${service}`);
    if (proof.known && !proof.known.scope.has(service))
      throw new Refused('notPermitted', `${who} may not use ${service}`);
    const target = await this.#target(proof, done.authorizationId ?? this.#person?.wanted);
    if (!target.scope.has(service))
      throw new Refused('notPermitted', `${target.account} may not use ${service}`);
    const login: Login = {
      account: target.account,
      authenticatedAs: who,
      way,
      scope: scope.intersection(target.scope),
      ...(until && { until }),
      ...(credential !== undefined && { credential }),
    };
    await this.#record(login);
    this.#close();
    this.#deps.heard?.({ service, mechanism: this.#mechanism, outcome: 'in' });
    this.#deps.log.info({ ...this.#facts(), account: login.account, way }, 'signed in');
    return { kind: 'in', login };
  }

  /** Whose mail: their own, or somebody's who lets them, or whom they may open as administrators. */
  async #target({ who, known }: Proof, wanted: string | undefined): Promise<KnownAccount> {
    const name = wanted === undefined ? who : canonicalName(wanted, this.#options.defaultDomain);
    if (name === who || name === known?.account) {
      if (known === undefined) throw new Refused('notPermitted', `${who} has no mail here`);
      return known;
    }
    const target = name === undefined ? undefined : await this.#deps.accounts.find(name, this.#signal);
    if (target !== undefined && target.account === known?.account) return target;
    const { delegates } = this.#deps;
    const { service } = this.#channel;
    if (!target || !(await delegates.mayOpen(who, target.account, service, this.#signal)))
      throw new Refused('notPermitted', `${who} may not open the mail of ${name}`);
    return target;
  }

  /** Who opens the mail of another is let in after the audit has it on disk, or not at all. */
  async #record({ account, authenticatedAs, way, credential }: Login): Promise<void> {
    const isOwn = account === authenticatedAs;
    const { service, remote } = this.#channel;
    const facts = {
      event: isOwn ? 'signedIn' : 'opened',
      account,
      ...(!isOwn && { by: authenticatedAs }),
      service,
      way,
      remote,
      detail: { mechanism: this.#mechanism, ...(credential !== undefined && { credential }) },
    } as const;
    await this.#deps.notes.record(facts);
  }

  async #refuse(error: unknown): Promise<Outcome> {
    const because = error instanceof Refused ? error.because : 'unavailable';
    // SCRAM fails in the protocol; where somebody was refused otherwise, nothing was guessed.
    if (because === 'credentials') this.#person?.ticket.failed();
    this.#close();
    this.#deps.heard?.({ service: this.#channel.service, mechanism: this.#mechanism, outcome: because });
    const facts = { ...this.#facts(), because, why: error instanceof Error ? error.message : String(error) };
    if (because === 'unavailable')
      this.#deps.log.error({ ...facts, error }, 'nobody could tell who may enter');
    else this.#deps.log.info(facts, 'not let in');
    const left = this.#heardAt + this.#options.failureDelay - this.#deps.now();
    if (left > 0) await this.#deps.sleep(Math.min(left, this.#options.failureDelay), this.#signal);
    return { kind: 'refused', because };
  }

  #close(): void {
    this.#signal.removeEventListener('abort', this.#abandon);
    this.#abandon();
  }

  #facts(): object {
    const { service, remote } = this.#channel;
    return { service, remote, mechanism: this.#mechanism, ...(this.#person && { name: this.#person.who }) };
  }
}
