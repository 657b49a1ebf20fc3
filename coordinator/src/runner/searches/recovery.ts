/**
 * Reads searches from the log: states are told every fact again, strategies and diagnostics those of searches that go on, and references
 * to artifacts are counted.
 */
import { assert, type Fact, type SearchSpec } from "@regulus/proto";
import type { EventLog } from "../../ports.js";
import type { StrategyHost } from "../../strategy-host/strategy-host.js";
import type { ArtifactLedger } from "../artifacts/artifact-ledger.js";
import { heldBySearch, watchHeld } from "../artifacts/held-artifacts.js";
import type { SearchDiagnostics } from "./search-diagnostics.js";
import { SearchEntry } from "./search-entry.js";

/** What a recovery reads from and into. */
export interface RecoveryOptions {
  readonly log: EventLog;
  readonly ledger: ArtifactLedger;
  readonly host: (spec: SearchSpec) => StrategyHost;
  readonly diagnostics: (spec: SearchSpec) => SearchDiagnostics;
  /** The searches as they were known before, whose watchers stay. */
  readonly before: { get(searchId: string): SearchEntry | undefined };
}

/** Every search of the log, oldest first. */
export async function readSearches(options: RecoveryOptions): Promise<Map<string, SearchEntry>> {
  const entries = new Map<string, SearchEntry>();
  for (const searchId of await options.log.searches()) {
    const entry = await readSearch(options, searchId, entries.size);
    if (entry !== undefined) entries.set(searchId, entry);
  }
  return entries;
}

async function readSearch(options: RecoveryOptions, searchId: string, order: number): Promise<SearchEntry | undefined> {
  // Nobody asks the strategy or the diagnostics of a search that is over, so they need not hear its facts again.
  const over = await isOver(options.log, searchId);
  let entry: SearchEntry | undefined;
  for await (const facts of options.log.read(searchId, 0)) {
    let later = facts;
    if (entry === undefined) {
      const [first] = facts;
      assert(first, "a piece of the log holds facts");
      entry = new SearchEntry(first, order, options.before.get(searchId)?.watchers);
      entry.caller = options.before.get(searchId)?.caller;
      for (const ref of heldBySearch(entry.state)) options.ledger.retain(ref);
      if (!over) {
        entry.host = options.host(entry.state.spec);
        entry.diagnostics = options.diagnostics(entry.state.spec);
      }
      later = facts.slice(1);
    }
    for (const fact of later) replay(entry, fact, options.ledger);
    entry.host?.tell(facts);
    entry.diagnostics?.tell(facts);
  }
  if (entry !== undefined) {
    entry.durable = entry.state.position;
    // What the log tells was counted when it was new.
    entry.state.cost.sinceAsked();
  }
  return entry;
}

/** Whether a search has ended, from the few facts about it as a whole. */
async function isOver(log: EventLog, searchId: string): Promise<boolean> {
  let over = false;
  for await (const facts of log.read(searchId, 0, { about: "search" })) over = facts.at(-1)?.kind?.$case === "searchEnded";
  return over;
}

function replay(entry: SearchEntry, fact: Fact, ledger: ArtifactLedger): void {
  const heldChange = watchHeld(entry.state, fact.kind);
  entry.state.tell(fact);
  const { gained, lost } = heldChange();
  for (const ref of gained) ledger.retain(ref);
  for (const ref of lost) ledger.forget(ref);
}
