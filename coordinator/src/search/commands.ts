/** Commands on a search, in the imperative. `decide` answers each with the facts that it makes. */
import type { Finding, Proposal } from "@regulus/algorithms/core";
import type { EndReason, Fact } from "@regulus/proto";
import type { MoreBudget } from "./keyed-calls.js";

/** What happened, before it has a place and a time. */
export type FactKind = NonNullable<Fact["kind"]>;

/** A command to one search. */
export type SearchCommand =
  | { readonly kind: "pauseSearch"; readonly reason: string }
  | { readonly kind: "resumeSearch" }
  | { readonly kind: "stopSearch"; readonly reason: string; readonly completes: boolean }
  /** Goes on with a search that ran while there was no coordinator. */
  | { readonly kind: "takeUp"; readonly awaySinceMs: number }
  /** Adds budget. A key that was seen before makes nothing, or fails where it was another call's; an empty one is new every time. */
  | {
      readonly kind: "extendSearch";
      readonly more: MoreBudget;
      readonly key: string;
      readonly nowMs: number;
    }
  /** Gives failed trials another life: those of the list, or all where it is empty. */
  | { readonly kind: "retryTrials"; readonly trials: readonly number[]; readonly key: string; readonly nowMs: number }
  | { readonly kind: "stopTrial"; readonly trial: number; readonly reason: string }
  /** Gives the lease of a pending trial to an agent. */
  | { readonly kind: "startAttempt"; readonly trial: number; readonly agentId: string; readonly fromStep: number }
  /** Notes why a pending trial can't be placed. */
  | { readonly kind: "deferTrial"; readonly trial: number; readonly reason: string }
  /** Takes a lease back from its agent: lost, or timed out. */
  | {
      readonly kind: "loseAttempt";
      readonly trial: number;
      readonly attempt: number;
      readonly reason: EndReason;
      readonly message: string;
      readonly nowMs: number;
    }
  /** Takes up what the strategy proposed. At most `limit` starts and resumes. `asked` is the newest fact that it knew. */
  | { readonly kind: "takeProposals"; readonly proposals: readonly Proposal[]; readonly limit: number; readonly asked: number }
  | { readonly kind: "failStrategy"; readonly message: string }
  /** Notes what a diagnostic found. */
  | { readonly kind: "takeFindings"; readonly source: string; readonly findings: readonly Finding[] }
  /** Ends what is over: spent budgets, stopped searches. `idle`: the strategy had nothing for a search in which nothing runs. */
  | { readonly kind: "settle"; readonly nowMs: number; readonly idle: boolean };
