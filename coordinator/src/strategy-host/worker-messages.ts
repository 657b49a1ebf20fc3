/** Messages between a strategy's thread and its host. */
import type { Fact, SearchSpec } from "@regulus/proto";
import type { StrategyAnswer } from "./strategy-host.js";

/** What the thread starts with. */
export interface WorkerStart {
  readonly spec: SearchSpec;
  /** URL of the module that exports `strategies`. */
  readonly strategiesUrl: string;
}

/** To the thread. */
export type ToWorker =
  | { readonly kind: "tell"; readonly facts: readonly Fact[] }
  | { readonly kind: "ask"; readonly limit: number };

/** From the thread: the answer to the open question. */
export type FromWorker = StrategyAnswer;
