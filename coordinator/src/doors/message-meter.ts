/** Bytes of a message that has begun to come in and is not whole: what gRPC holds of it, read off its framing. */

/** A flag and four bytes of length stand before each message. */
const headBytes = 5;

export class MessageMeter {
  /** Bytes that came of the head or, once that is whole, of the message behind it. */
  #came = 0;
  /** Bytes of the message; undefined while its head is not whole. */
  #length: number | undefined;
  #read = 0;

  /** Takes the next bytes of the stream; answers how many of an unfinished message are held now. */
  add(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      if (this.#length === undefined) {
        if (this.#came > 0) this.#read = this.#read * 256 + (bytes[at] ?? 0);
        at += 1;
        this.#came += 1;
        if (this.#came < headBytes) continue;
        this.#length = this.#read;
        this.#came = 0;
      } else {
        const taken = Math.min(this.#length - this.#came, bytes.length - at);
        at += taken;
        this.#came += taken;
      }
      if (this.#length === this.#came) this.#begin();
    }
    return this.#came;
  }

  #begin(): void {
    this.#came = 0;
    this.#length = undefined;
    this.#read = 0;
  }
}
