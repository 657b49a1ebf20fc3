/** What follows from facts for leases and artifacts: what a fact ends, and what it begins. Decides nothing. */
import type { Fact } from "@regulus/proto";
import type { FactKind } from "../search/commands.js";
import type { ArtifactLedger } from "./artifact-ledger.js";
import type { LeaseDesk } from "./lease-desk.js";
import type { Outbox } from "./outbox.js";
import type { SearchEntry } from "./search-entry.js";

/** What facts have consequences for. */
export interface ConsequencesOptions {
  readonly ledger: ArtifactLedger;
  readonly leases: LeaseDesk;
  /** Of the round that runs. */
  readonly outbox: () => Outbox;
  /** Has a round look at a search at a time. */
  readonly retryAt: (entry: SearchEntry, atMs: number) => void;
  /** The end of a search's budget of wall time moved. */
  readonly timeMoves: (entry: SearchEntry) => void;
}

export class Consequences {
  readonly #options: ConsequencesOptions;

  constructor(options: ConsequencesOptions) {
    this.#options = options;
  }

  /** What a fact ends, while the state still knows it. */
  before({ state }: SearchEntry, kind: FactKind): void {
    const { ledger, leases, outbox } = this.#options;
    switch (kind.$case) {
      case "trialCheckpointed": {
        const trial = state.live.get(kind.value.trial);
        ledger.retain(kind.value.checkpoint);
        if (trial?.checkpoint !== undefined) outbox().released.push(trial.checkpoint.ref);
        if (trial?.source !== undefined) outbox().released.push(trial.source.ref);
        return;
      }
      case "trialResumed": {
        const source = state.live.get(kind.value.trial)?.source;
        if (source !== undefined) outbox().released.push(source.ref);
        return;
      }
      case "attemptEnded":
      case "trialPaused":
      case "trialEnded": {
        const trial = state.live.get(kind.value.trial);
        if (kind.$case === "trialEnded" && trial?.source !== undefined) outbox().released.push(trial.source.ref);
        if (trial?.status !== "running") return;
        leases.end(state.searchId, kind.value.trial);
        return;
      }
      default:
        return;
    }
  }

  /** What a fact begins. */
  after(entry: SearchEntry, fact: Fact): void {
    const { ledger, leases, retryAt, timeMoves } = this.#options;
    const kind = fact.kind;
    switch (kind?.$case) {
      case "trialProposed":
      case "trialResumed":
        ledger.retain(entry.state.live.get(kind.value.trial)?.source?.ref);
        return;
      case "attemptStarted":
        leases.give(entry.state, kind.value.trial, fact.timeMs);
        return;
      case "attemptEnded":
        retryAt(entry, kind.value.retryAtMs);
        return;
      case "trialEnded":
        for (const ref of kind.value.artifacts) ledger.retain(ref);
        return;
      case "searchResumed":
        timeMoves(entry);
        return;
      case "searchPaused":
        timeMoves(entry);
        leases.stopWhatStops(entry.state);
        return;
      case "trialStopRequested":
      case "trialPauseRequested":
      case "searchStopRequested":
        leases.stopWhatStops(entry.state);
        return;
      case "searchEnded":
        entry.closeFolds();
        return;
      default:
        return;
    }
  }

  /** A search is out of the log: nothing refers to its artifacts any more. */
  forget({ state }: SearchEntry): void {
    const { ledger } = this.#options;
    for (let number = 0; number < state.nextTrial; number += 1) {
      const trial = state.trial(number);
      ledger.release(trial?.checkpoint);
      for (const ref of trial?.artifacts ?? []) ledger.release(ref);
    }
  }
}
