/**
 * Removes searches: from the log first, from memory once that is durable. So a search whose removal failed is still there, for its
 * clients and after a restart, and one that was answered as removed never comes back.
 */
import type { EventLog } from "../../ports.js";
import type { SearchEntry } from "./search-entry.js";

export class Removals {
  readonly #log: EventLog;
  readonly #forget: (entry: SearchEntry) => void;
  /** What is under way, by search. */
  readonly #running = new Map<string, Promise<void>>();

  /** `forget` is called once a search is out of the log. */
  constructor(log: EventLog, forget: (entry: SearchEntry) => void) {
    this.#log = log;
    this.#forget = forget;
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
    await this.#log.remove(entry.state.searchId);
    this.#forget(entry);
  }
}
