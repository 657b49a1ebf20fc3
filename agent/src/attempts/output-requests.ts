/** Requests for a running attempt's output that its trial process has not answered yet. */
import type { OutputPart } from "@regulus/proto";

/** Requests that one trial process may have open; past it a request gets no answer, and whoever wants one asks again. */
const openMax = 16;

export class OutputRequests {
  readonly #open = new Map<number, (part: OutputPart | undefined) => void>();
  #next = 1;

  /** Resolves with the answer, or with undefined where none comes. `send` gets the request's number. */
  ask(send: (request: number) => void): Promise<OutputPart | undefined> {
    if (this.#open.size >= openMax) return Promise.resolve(undefined);
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#open.set(request, resolve);
      send(request);
    });
  }

  answer(request: number, part: OutputPart): void {
    this.#open.get(request)?.(part);
    this.#open.delete(request);
  }

  /** Nobody answers any more. */
  drop(): void {
    for (const resolve of this.#open.values()) resolve(undefined);
    this.#open.clear();
  }
}
