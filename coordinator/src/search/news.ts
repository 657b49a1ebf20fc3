/**
 * News of a search besides its trials: the strategy's own steps, findings, failures of the strategy. The newest of each kind, so that
 * `regulus show` and `explain` can tell them without reading the whole log; all of them are in the log.
 */
import { EndReason, endedWell, type Fact, type StrategyStepped, stepOutcome } from "@regulus/proto";

/** Newest steps and newest findings that are kept of a search. */
export const newsMax = 50;

export class News {
  stepsAccepted = 0;
  stepsRefused = 0;
  readonly #steps: Fact[] = [];
  readonly #findings: Fact[] = [];

  tell(fact: Fact): void {
    const { kind } = fact;
    if (kind?.$case === "strategyStepped") {
      const outcome = stepOutcome(kind.value);
      if (outcome === "taken") this.stepsAccepted += 1;
      else if (outcome === "refused") this.stepsRefused += 1;
      keep(this.#steps, { ...fact, kind: { $case: "strategyStepped", value: withoutVectors(kind.value) } });
    } else if (isFinding(fact)) keep(this.#findings, fact);
  }

  /** What the strategy said last; empty for nothing. */
  get said(): string {
    const newest = this.#steps.at(-1)?.kind;
    return newest?.$case === "strategyStepped" ? newest.value.message : "";
  }

  /** The newest, in order of the log. Steps come without their vectors. */
  all(): Fact[] {
    return [...this.#steps, ...this.#findings].sort((a, b) => a.position - b.position);
  }
}

/** Findings, and what failed: a retry, or an end, that nobody asked for. */
function isFinding({ kind }: Fact): boolean {
  switch (kind?.$case) {
    case "findingReported":
    case "strategyFailed":
      return true;
    case "attemptEnded":
      return kind.value.reason !== EndReason.END_REASON_PREEMPTED;
    case "trialEnded":
      return !endedWell(kind.value.reason);
    default:
      return false;
  }
}

function keep(facts: Fact[], fact: Fact): void {
  facts.push(fact);
  if (facts.length > newsMax) facts.shift();
}

/** Vectors can be long, and words are what is told. */
function withoutVectors(step: StrategyStepped): StrategyStepped {
  return { ...step, vectors: {} };
}
