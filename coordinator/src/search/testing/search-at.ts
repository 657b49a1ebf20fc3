/** A search's state brought somewhere by facts, for tests of what is decided there. */
import { type EndReason, type Fact, type Measurement, parseSearchDocument, SearchOutcome } from "@regulus/proto";
import type { FactKind } from "../commands.js";
import { SearchState } from "../search-state.js";

/** The time of every fact that says no other, in milliseconds since 1970. */
export const nowMs = 1_700_000_000_000;

/** A search that minimizes `loss` over `rate`, told facts in order; `more` is more of a search document. */
export class SearchAt {
  readonly state: SearchState;
  /** All facts, as a log would have them. */
  readonly facts: Fact[] = [];
  /** The time of the next facts, in milliseconds since 1970. */
  timeMs = nowMs;

  constructor(more: Record<string, unknown> = {}) {
    const spec = parseSearchDocument({
      name: "decided",
      command: { argv: ["train"] },
      objective: { metric: "loss", direction: "minimize" },
      strategy: "random",
      space: { rate: { type: "double", min: 0, max: 1 } },
      parallelism: 4,
      ...more,
    });
    this.state = new SearchState(this.#fact({ $case: "searchCreated", value: { spec, idempotencyKey: "" } }, 1));
  }

  tell(...kinds: readonly FactKind[]): this {
    for (const kind of kinds) this.state.tell(this.#fact(kind, this.state.position + 1));
    return this;
  }

  /** A trial that waits, of ten steps. */
  pending(trial: number, more: { final?: boolean; untilStep?: number } = {}): this {
    const { final = true, untilStep = 10 } = more;
    const work = {
      procedure: "command",
      parameters: { rate: 0.5 },
      untilStep,
      final,
      options: undefined,
      vectors: {},
      arm: "",
      inputs: [],
    };
    return this.tell({ $case: "trialProposed", value: { trial, work } });
  }

  /** A trial whose first attempt runs on agent "a". */
  running(trial: number, more: { final?: boolean; untilStep?: number } = {}): this {
    return this.pending(trial, more).attempt(trial, 1);
  }

  attempt(trial: number, attempt: number): this {
    return this.tell({ $case: "attemptStarted", value: { trial, attempt, agentId: "a", fromStep: 0 } });
  }

  /** The running trial measures its loss. */
  measured(trial: number, step: number, loss: number): this {
    const { attempt = 1 } = this.state.live.get(trial) ?? {};
    return this.tell({ $case: "trialMeasured", value: { trial, attempt, measurement: measurementOf(step, loss) } });
  }

  /** The running trial ends; with a final loss where one is given. */
  ended(trial: number, reason: EndReason, more: { readonly message?: string; readonly loss?: number } = {}): this {
    const { attempt = 1 } = this.state.live.get(trial) ?? {};
    const final = more.loss === undefined ? undefined : measurementOf(10, more.loss);
    const value = { trial, attempt, reason, message: more.message ?? "", final, artifacts: [], startedMs: 0 };
    return this.tell({ $case: "trialEnded", value });
  }

  /** The search is over. */
  over(outcome: SearchOutcome = SearchOutcome.SEARCH_OUTCOME_COMPLETED): this {
    return this.tell({ $case: "searchEnded", value: { outcome, reason: "it is over" } });
  }

  /** A trial that reached its step and waits for the strategy. */
  paused(trial: number): this {
    return this.running(trial, { final: false }).tell({
      $case: "trialPaused",
      value: { trial, attempt: 1, step: 10, artifacts: [] },
    });
  }

  #fact(kind: FactKind, position: number): Fact {
    const fact = { searchId: "s", position, timeMs: this.timeMs, kind };
    this.facts.push(fact);
    return fact;
  }
}

function measurementOf(step: number, loss: number): Measurement {
  return { step, metrics: { loss }, learned: {}, scales: {}, hypergradients: {}, seconds: step, vectors: {} };
}
