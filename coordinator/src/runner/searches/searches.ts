/** The searches of a coordinator, by id and by the key with which they were asked for. */
import { type Fact, RegulusError } from "@regulus/proto";
import type { SearchState } from "../../search/search-state.js";
import { stillReading } from "./log-refusals.js";
import { SearchEntry } from "./search-entry.js";

export class Searches {
  /** By id, oldest first. */
  #entries = new Map<string, SearchEntry>();
  readonly #byKey = new Map<string, SearchEntry>();
  #nextOrder = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** All, oldest first. */
  get all(): IterableIterator<SearchEntry> {
    return this.#entries.values();
  }

  get(searchId: string): SearchEntry | undefined {
    return this.#entries.get(searchId);
  }

  /** The search of an id. Fails with "not-found", also for one that only a round knew which the log did not take. */
  known(searchId: string, { isStale }: { readonly isStale: boolean }): SearchEntry {
    const entry = this.#entries.get(searchId);
    if (entry !== undefined && !(isStale && entry.durable === 0)) return entry;
    throw new RegulusError("not-found", `there is no search ${JSON.stringify(searchId)}`);
  }

  /** Its state, for those who read its trials. Fails while that may hold what the log did not take. */
  stateToRead(searchId: string, { isStale }: { readonly isStale: boolean }): SearchState {
    const entry = this.known(searchId, { isStale });
    if (!isStale || entry.fresh.length === 0) return entry.state;
    throw stillReading(searchId);
  }

  /** The search that an idempotency key belongs to; an empty key belongs to none. */
  withKey(idempotencyKey: string): SearchEntry | undefined {
    return this.#byKey.get(idempotencyKey);
  }

  /** Whether an entry still stands for its search; it does not once it was removed or read again. */
  isCurrent(entry: SearchEntry): boolean {
    return this.#entries.get(entry.state.searchId) === entry;
  }

  /** Adds a new search, from the fact that creates it. */
  create(created: Fact): SearchEntry {
    const entry = new SearchEntry(created, this.#nextOrder);
    this.#nextOrder += 1;
    this.#entries.set(created.searchId, entry);
    this.#noteKey(entry);
    return entry;
  }

  delete(entry: SearchEntry): void {
    const { searchId, idempotencyKey } = entry.state;
    this.#entries.delete(searchId);
    this.#byKey.delete(idempotencyKey);
  }

  /** Takes searches as they were read from the log in place of all. */
  replace(entries: Map<string, SearchEntry>): void {
    this.#entries = entries;
    this.#nextOrder = entries.size;
    this.#byKey.clear();
    for (const entry of entries.values()) this.#noteKey(entry);
  }

  #noteKey(entry: SearchEntry): void {
    if (entry.state.idempotencyKey !== "") this.#byKey.set(entry.state.idempotencyKey, entry);
  }
}
