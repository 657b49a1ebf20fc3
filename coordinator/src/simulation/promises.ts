/** Invariants of a finished search (ARCHITECTURE.md), checked on its facts. */
import { assert, EndReason, type Fact, type Report, type Search, SearchOutcome } from "@regulus/proto";
import type { MemoryFolder } from "../artifacts/memory-store.js";
import { SearchState } from "../search/search-state.js";

/** Each life of a trial, its first and those that its user asked for, ended exactly once, with its final measurement where it is done; the log tells the state that clients saw. */
export function checkPromises(facts: readonly Fact[], search: Search, trials?: number): void {
  const proposed = facts.filter(({ kind }) => kind?.$case === "trialProposed").length;
  const ends = new Map<number, number>();
  /** Trials that live: proposed or tried again, and not over. */
  const alive = new Set<number>();
  for (const [index, fact] of facts.entries()) {
    assert(fact.position === index + 1, `position ${fact.position} stands at place ${index + 1}`);
    if (fact.kind?.$case === "trialProposed" || fact.kind?.$case === "trialRetried") {
      assert(!alive.has(fact.kind.value.trial), `trial ${fact.kind.value.trial} begins one life at a time`);
      alive.add(fact.kind.value.trial);
    }
    if (fact.kind?.$case !== "trialEnded") continue;
    const { trial, reason, final } = fact.kind.value;
    assert(alive.delete(trial), `trial ${trial} lives when it ends`);
    ends.set(trial, (ends.get(trial) ?? 0) + 1);
    assert(reason !== EndReason.END_REASON_DONE || final !== undefined, `trial ${trial} is done with a final measurement`);
  }
  const isCompleted = search.outcome === SearchOutcome.SEARCH_OUTCOME_COMPLETED;
  const isEmpty = search.bestTrial === undefined && search.strategyStepsAccepted === 0;
  assert(isCompleted || isEmpty, `a search with a result completed: ${search.reason}`);
  assert(ends.size === proposed, `${proposed} trials were proposed, and ${ends.size} ended: ${[...ends.keys()]}`);
  assert(trials === undefined || ends.size === trials, `${trials} trials were in the budget, and ${ends.size} ended`);
  assert(alive.size === 0, `each life ended: ${[...alive]} did not`);
  const [first] = facts;
  assert(first, "the log holds facts");
  const state = new SearchState(first);
  for (const fact of facts.slice(1)) state.tell(fact);
  const [told, saw] = [state.view(), search].map((view) => JSON.stringify({ ...view, spec: undefined }));
  assert(told === saw, `the log tells the state that clients saw: ${told} and ${saw}`);
}

/** What was acknowledged is in the log, unless its attempt had lost its lease. */
export function checkAcknowledged(facts: readonly Fact[], reports: readonly Report[]): void {
  const known = new Set<string>();
  const lost = new Set<string>();
  for (const { kind } of facts) {
    if (kind === undefined || !("attempt" in kind.value)) continue;
    const name = `${kind.value.trial}/${kind.value.attempt}`;
    if (kind.$case === "trialMeasured") known.add(`${name} measured ${kind.value.measurement?.step}`);
    else if (kind.$case === "trialCheckpointed") known.add(`${name} checkpointed ${kind.value.step}`);
    else if (kind.$case === "checkpointDamaged") known.add(`${name} unrestorable`);
    else if (kind.$case !== "attemptStarted") {
      known.add(`${name} finished`);
      if ("reason" in kind.value && kind.value.reason === EndReason.END_REASON_LOST) lost.add(name);
    }
  }
  for (const { lease, event } of reports) {
    const name = `${lease?.trial}/${lease?.attempt}`;
    const what =
      event !== undefined && "step" in event.value && event.$case !== "finished"
        ? `${event.$case} ${event.value.step}`
        : event?.$case;
    assert(lost.has(name) || known.has(`${name} ${what}`), `the acknowledged report "${name} ${what}" is in the log`);
  }
}

/** Every checkpoint that a trial ended with can be read. */
export function checkArtifacts(facts: readonly Fact[], folder: MemoryFolder): void {
  const newest = new Map<number, string>();
  for (const { kind } of facts) {
    if (kind?.$case === "trialCheckpointed") newest.set(kind.value.trial, kind.value.checkpoint?.sha256 ?? "");
  }
  for (const [trial, sha256] of newest) assert(folder.artifacts.has(sha256), `the checkpoint of trial ${trial} is in the store`);
}
