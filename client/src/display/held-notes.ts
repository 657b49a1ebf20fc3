/**
 * Words about what a log holds from before, kept back until all of it is read: a failure that a later life of its trial made void is told as an
 * earlier one, and briefly, so that nobody looks for an error that is gone.
 */

/** Notes that are kept back; past them the oldest are told as they are. */
const heldMax = 1000;

interface Held {
  text: string;
  /** The trial whose failure it tells. */
  readonly failedTrial: number | undefined;
}

export class HeldNotes {
  #held: Held[] = [];

  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(text: string, failedTrial?: number): void {
    this.#held.push({ text, failedTrial });
    if (this.#held.length > heldMax) this.#write(this.#held.shift()?.text ?? "");
  }

  /** The trial is tried again. Whether its failure was kept back until now. */
  retried(trial: number): boolean {
    const failures = this.#held.filter(({ failedTrial }) => failedTrial === trial);
    for (const note of failures) note.text = earlier(note.text.split("\n")[0] ?? "");
    return failures.length > 0;
  }

  /** The search is opened again: all failures so far are of its life before. */
  reopened(): void {
    for (const note of this.#held) if (note.failedTrial !== undefined) note.text = earlier(note.text);
  }

  /** All of the past is read. */
  tell(): void {
    for (const { text } of this.#held.splice(0)) this.#write(text);
  }
}

function earlier(text: string): string {
  return text.startsWith("earlier: ") ? text : `earlier: ${text}`;
}
