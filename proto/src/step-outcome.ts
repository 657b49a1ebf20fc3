/** The outcome of a strategy's own step, the same for everyone who counts or shows steps. */
import type { StrategyStepped } from "./gen/regulus/v1/fact.js";

/** `news`: the strategy had something to say and tried nothing, such as that another trial takes over a shard. */
export type StepOutcome = "taken" | "refused" | "news";

/** The outcome of what a strategy reported. Every step has numbers; words without any are news. */
export function stepOutcome({ accepted, metrics }: Pick<StrategyStepped, "accepted" | "metrics">): StepOutcome {
  if (Object.keys(metrics).length === 0) return "news";
  return accepted ? "taken" : "refused";
}
