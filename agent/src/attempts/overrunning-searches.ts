/**
 * Searches whose program was seen to run past the step that it was told to end at. It is one program for all trials of a search: its later attempts
 * are stopped at their step without waiting for it to end by itself, and nobody is told again.
 */
import { limits } from "@regulus/proto";

export class OverrunningSearches {
  readonly #ids = new Set<string>();

  has(searchId: string): boolean {
    return this.#ids.has(searchId);
  }

  /** Notes a search; past the bound the one that was noted first is forgotten. */
  note(searchId: string): void {
    this.#ids.add(searchId);
    const [first] = this.#ids;
    if (this.#ids.size > limits.activeSearchesMax && first !== undefined) this.#ids.delete(first);
  }
}
