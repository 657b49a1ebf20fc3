/** Effects of facts on leases and artifacts. Decides nothing. */
import type { Fact } from "@regulus/proto";
import type { FactKind } from "../../search/commands.js";
import type { ArtifactLedger } from "../artifacts/artifact-ledger.js";
import { type HeldChange, heldBySearch, heldOf, watchHeld } from "../artifacts/held-artifacts.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { LeaseDesk } from "./lease-desk.js";
import type { Outbox } from "./outbox.js";

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
  /** What the fact that is being told changes in what its trial holds in the store. */
  #heldChange: () => HeldChange = () => ({ gained: [], lost: [] });

  constructor(options: ConsequencesOptions) {
    this.#options = options;
  }

  /** A search is there: what its inputs name stays in the store for as long as it does. */
  created({ state }: SearchEntry): void {
    for (const ref of heldBySearch(state)) this.#options.ledger.retain(ref);
  }

  /** What a fact ends, while the state still knows it. */
  before({ state }: SearchEntry, kind: FactKind): void {
    const { leases } = this.#options;
    this.#heldChange = watchHeld(state, kind);
    switch (kind.$case) {
      case "attemptEnded":
      case "trialPaused":
      case "trialEnded": {
        const trial = state.live.get(kind.value.trial);
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
    const { ledger, leases, outbox, retryAt, timeMoves } = this.#options;
    const { gained, lost } = this.#heldChange();
    for (const ref of gained) ledger.retain(ref);
    outbox().released.push(...lost);
    const kind = fact.kind;
    switch (kind?.$case) {
      case "attemptStarted":
        leases.give(entry.state, kind.value.trial, fact.timeMs);
        return;
      case "attemptEnded":
        retryAt(entry, kind.value.retryAtMs);
        return;
      case "searchResumed":
      case "searchReopened":
      case "searchTakenUp":
      case "searchExtended":
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
      for (const ref of heldOf(state, number)) ledger.release(ref);
    }
    for (const ref of heldBySearch(state)) ledger.release(ref);
  }
}
