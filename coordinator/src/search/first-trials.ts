/**
 * Whether a search fails from its start: whether its first trials, as many as ran at once and at least three, all failed in the same way.
 * Then a mistyped program or a missing file need not cost the whole budget. A fold over starts and ends; the first sign that some trial
 * works ends the watch for good, and so does its user who goes on with the search.
 */

/** First trials that have to fail at least. */
const trialsLeast = 3;

export class FirstTrials {
  /** Numbers of the first trials, and of those among them that failed. */
  readonly #first = new Set<number>();
  readonly #failed = new Set<number>();
  #wanted = trialsLeast;
  #signature: string | undefined;
  #watching = true;

  /** A trial got an agent; `atOnce` trials run now, it included. */
  started(trial: number, atOnce: number): void {
    if (!this.#watching) return;
    this.#wanted = Math.max(this.#wanted, atOnce);
    if (this.#first.size < this.#wanted) this.#first.add(trial);
  }

  /** A trial came to its step or ended with a result: the search works. */
  worked(): void {
    this.#over();
  }

  /** Its user extended the search or has trials tried again, and knows how they failed. */
  wantedByUser(): void {
    this.#over();
  }

  #over(): void {
    this.#watching = false;
    this.#first.clear();
    this.#failed.clear();
  }

  /** A trial ended as failed. */
  failed(trial: number, signature: string): void {
    if (!this.#watching) return;
    this.#signature ??= signature;
    if (signature !== this.#signature) this.worked();
    else if (this.#first.has(trial)) this.#failed.add(trial);
  }

  /** How many failed, where all of them did; 0 while that is not so. */
  get allFailed(): number {
    return this.#failed.size >= this.#wanted ? this.#failed.size : 0;
  }
}
