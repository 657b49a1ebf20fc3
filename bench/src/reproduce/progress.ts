/** Progress of a long claim on standard error: how much is done, the rate, the time left; a line every few seconds, none for short ones. */

const lineEveryMs = 5000;

export class Progress {
  #label = "";
  #total = 0;
  #done = 0;
  #startedMs = 0;
  #printedMs = 0;

  /** @param total units of work; they are counted by `advance`. */
  begin(label: string, total: number): void {
    this.#label = label;
    this.#total = total;
    this.#done = 0;
    this.#startedMs = performance.now();
    this.#printedMs = this.#startedMs;
  }

  advance(units: number): void {
    this.#done += units;
    const now = performance.now();
    if (now - this.#printedMs < lineEveryMs) return;
    this.#printedMs = now;
    const rate = this.#done / ((now - this.#startedMs) / 1000);
    const leftSeconds = Math.round((this.#total - this.#done) / rate);
    const share = ((100 * this.#done) / this.#total).toFixed(0).padStart(3);
    process.stderr.write(`${this.#label}: ${share} %, ${rate.toFixed(1)} steps/s, ${leftSeconds} s left\n`);
  }
}
