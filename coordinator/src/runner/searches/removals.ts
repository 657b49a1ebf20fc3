/**
 * Removes searches: from the log first, from memory once that is durable. So a search whose removal failed is still there, for its
 * clients and after a restart, and one that was answered as removed never comes back.
 */
import type { EventLog } from "../../ports.js";
import { refusalFor } from "./log-refusals.js";
import type { SearchEntry } from "./search-entry.js";

export interface RemovalsOptions {
  readonly log: EventLog;
  /** A search is out of the log. */
  readonly forget: (entry: SearchEntry) => void;
  readonly onLogFailure: (error: unknown) => void;
}

export class Removals {
  readonly #log: EventLog;
  readonly #forget: RemovalsOptions["forget"];
  readonly #onLogFailure: RemovalsOptions["onLogFailure"];
  /** What is under way, by search. */
  readonly #running = new Map<string, Promise<void>>();

  constructor({ log, forget, onLogFailure }: RemovalsOptions) {
    this.#log = log;
    this.#forget = forget;
    this.#onLogFailure = onLogFailure;
  }

  /** Removes a search that is over. Those who ask a second time wait for the same removal. */
  remove(entry: SearchEntry): Promise<void> {
    const { searchId } = entry.state;
    const known = this.#running.get(searchId);
    if (known !== undefined) return known;
    const removal = this.#remove(entry).finally(() => this.#running.delete(searchId));
    this.#running.set(searchId, removal);
    return removal;
  }

  /** Waits for what is under way, however it ends: a search is not read while it is being removed. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()]);
  }

  async #remove(entry: SearchEntry): Promise<void> {
    try {
      await this.#log.remove(entry.state.searchId);
    } catch (thrown) {
      this.#onLogFailure(thrown);
      throw refusalFor(thrown);
    }
    this.#forget(entry);
  }
}
