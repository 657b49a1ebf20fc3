/**
 * The host of a search's strategy. It tells facts and asks for proposals; what a strategy throws becomes a failure in words, never an
 * error of the coordinator. Heavy strategies live in a thread of their own (worker-host.ts), light ones here.
 */
import { armShares, controlContext, strategyContext } from "@regulus/algorithms/catalog";
import { createRng, type Proposal, type Rng, type Strategy, type StrategyModule } from "@regulus/algorithms/core";
import { withControlArm } from "@regulus/algorithms/strategies";
import { type Budget, cutText, type Fact, limits, type SearchSpec, seedOf } from "@regulus/proto";

/** What a strategy answered. */
export type StrategyAnswer = { readonly proposals: readonly Proposal[] } | { readonly failure: string };

/** A strategy at work on one search. */
export interface StrategyHost {
  /** Tells of facts, in order, each once. */
  tell(facts: readonly Fact[]): void;
  /** Asks; `answer` is called once, at once or later. At most one question is open at a time. */
  ask(limit: number, answer: (answer: StrategyAnswer) => void): void;
  close(): void;
}

/** Registered strategies, by name. */
export type Strategies = ReadonlyMap<string, StrategyModule<unknown>>;

/** A strategy that runs here, between two turns of the event loop. */
export class InlineHost implements StrategyHost {
  readonly #rng: Rng;
  readonly #strategies: Strategies;
  #spec: SearchSpec;
  #strategy: StrategyAtWork<unknown> | undefined;
  #failure: string | undefined;

  constructor(strategies: Strategies, spec: SearchSpec) {
    this.#rng = createRng(seedOf(spec));
    this.#strategies = strategies;
    this.#spec = spec;
    this.#try("was made", () => {
      this.#strategy = atWork(createStrategy(strategies, spec));
    });
  }

  tell(facts: readonly Fact[]): void {
    const strategy = this.#strategy;
    if (strategy === undefined || this.#failure !== undefined) return;
    this.#try("got a fact", () => {
      for (const fact of facts) {
        if (fact.kind?.$case === "searchExtended") this.#extend(strategy, fact.kind.value.budget);
        strategy.tell(fact);
      }
    });
  }

  ask(limit: number, answer: (answer: StrategyAnswer) => void): void {
    let proposals: readonly Proposal[] = [];
    this.#try("was asked", () => {
      proposals = checkedProposals(this.#strategy?.ask(limit, this.#rng));
    });
    answer(this.#failure === undefined ? { proposals } : { failure: this.#failure });
  }

  close(): void {
    this.#strategy = undefined;
  }

  /** The strategy goes on under another budget, with the state that it has. */
  #extend(strategy: StrategyAtWork<unknown>, budget: Budget | undefined): void {
    this.#spec = { ...this.#spec, budget };
    strategy.become(createStrategy(this.#strategies, this.#spec));
  }

  #try(when: string, work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (thrown) {
      this.#failure = failureWords(when, thrown);
    }
  }
}

/** A strategy with its state. */
interface StrategyAtWork<State> {
  /** Goes on by other rules, with the same state. */
  become(strategy: Strategy<State>): void;
  tell(fact: Fact): void;
  ask(limit: number, rng: Rng): readonly Proposal[];
}

function atWork<State>(first: Strategy<State>): StrategyAtWork<State> {
  let strategy = first;
  let state = strategy.init();
  return {
    become: (other) => {
      strategy = other;
    },
    tell: (fact) => {
      state = strategy.tell(state, fact);
    },
    ask: (limit, rng) => strategy.ask(state, limit, rng),
  };
}

/** The strategy of a search, with its control arm. Throws where there is none of its name, or its options aren't its own. */
export function createStrategy(strategies: Strategies, spec: SearchSpec): Strategy<unknown> {
  const own = createOwnStrategy(strategies, spec);
  const [shares, context] = [armShares(spec), controlContext(spec)];
  if (shares === undefined || context === undefined) return own;
  const random = strategies.get("random");
  if (random === undefined) throw new Error("this coordinator has no random search for the control arm");
  return withControlArm(own, random.create(context, random.spec.options.parse({})), shares);
}

function createOwnStrategy(strategies: Strategies, spec: SearchSpec): Strategy<unknown> {
  const name = spec.strategy?.name ?? "";
  const module = strategies.get(name);
  if (module === undefined) throw new Error(`this coordinator has no strategy ${JSON.stringify(name)}`);
  return module.create(strategyContext(spec), module.spec.options.parse(spec.strategy?.options ?? {}));
}

/** What a strategy gave, or an error where that is no list of a sane length. */
export function checkedProposals(given: unknown): readonly Proposal[] {
  if (!isProposals(given)) throw new Error("it answered something else than a list of proposals");
  if (given.length > proposalsMax) throw new Error(`it answered ${given.length} proposals, at most ${proposalsMax} are taken`);
  return given;
}

/** Words for a strategy's failure. */
export function failureWords(when: string, thrown: unknown): string {
  const seen = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return cutText(`it threw when it ${when}: ${seen}`, limits.textCharactersMax);
}

/** Proposals in one answer: as many starts and resumes as may be asked for, and a stop for every trial that can run. */
const proposalsMax = limits.askMax + limits.parallelismMax;

function isProposals(given: unknown): given is readonly Proposal[] {
  return (
    Array.isArray(given) && given.every((proposal) => typeof proposal === "object" && proposal !== null && "kind" in proposal)
  );
}
