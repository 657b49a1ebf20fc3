/** Streams that live as long as their caller wants, so that a closing server can end each with a status that says why. */
import { RegulusError } from "@regulus/proto";

/** Ends a stream with an error. */
type End = (error: RegulusError) => void;

export class OpenStreams {
  readonly #ends = new Set<End>();
  #closing = false;

  /** Counts a stream in. Answers how to count it out. Fails once the server closes. */
  enter(end: End): () => void {
    if (this.#closing) throw closing();
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  closeAll(): void {
    this.#closing = true;
    for (const end of [...this.#ends]) end(closing());
  }
}

const closing = (): RegulusError => new RegulusError("unavailable", "the coordinator is closing; connect again soon");
