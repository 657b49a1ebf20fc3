/**
 * Messages waiting for agents, bounded in bytes: each agent may let so much pile up, and all agents together so much. gRPC encodes one message
 * at a time; the rest waits as what it is made of, and would keep alive what the searches have long forgotten. Who reads too slowly is cut
 * off: it comes back and is told what is still true.
 */
import { type ConnectResponse, counted, limits, numbersIn, RegulusError } from "@regulus/proto";
import { bounds } from "./bounds.js";

/** Bytes that a message takes besides texts and vectors, and each attempt that it names. */
const messageBytes = 256;
const attemptBytes = 512;
/** Bytes of a number in a vector. */
const numberBytes = 8;

/** Messages on their way to one agent. */
export interface Mailbox {
  /** Counts a message that is to be sent. Answers how to count it out once it is. May cut off this agent, or a slower one. */
  add(message: ConnectResponse): () => void;
  close(): void;
}

interface Box {
  readonly bytesMax: number;
  readonly cut: (error: RegulusError) => void;
  messages: number;
  bytes: number;
  /** When it last took a message, or had none to take. */
  tookMs: number;
}

export class AgentMail {
  readonly #now: () => number;
  readonly #bytesMax: number;
  readonly #boxes = new Set<Box>();
  #bytes = 0;

  /** @param now milliseconds that only grow. @param bytesMax of all agents together. */
  constructor(now: () => number, bytesMax: number = bounds.unsentAgentsBytesMax) {
    this.#now = now;
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait, over all agents. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `cut` ends the agent's stream. What its slots may be given at once is never too much. */
  open(slots: number, cut: (error: RegulusError) => void): Mailbox {
    const bytesMax = bounds.unsentAgentBytesMax + slots * (attemptBytes + numberBytes * limits.vectorNumbersMax);
    const box: Box = { bytesMax, cut, messages: 0, bytes: 0, tookMs: this.#now() };
    this.#boxes.add(box);
    return {
      add: (message) => this.#add(box, message),
      close: () => this.#close(box),
    };
  }

  #add(box: Box, message: ConnectResponse): () => void {
    if (!this.#boxes.has(box)) return () => undefined;
    const bytes = weightOf(message);
    if (box.messages === 0) box.tookMs = this.#now();
    this.#note(box, 1, bytes);
    if (box.messages > bounds.unsentAgentMessagesMax || box.bytes > box.bytesMax) this.#cut(box);
    while (this.#bytes > this.#bytesMax) this.#cut(this.#slowest(box));
    return () => {
      if (!this.#boxes.has(box)) return;
      box.tookMs = this.#now();
      this.#note(box, -1, -bytes);
    };
  }

  /** The agent that took nothing for longest. */
  #slowest(latest: Box): Box {
    let slowest = latest;
    for (const box of this.#boxes) if (box.messages > 0 && box.tookMs < slowest.tookMs) slowest = box;
    return slowest;
  }

  #cut(box: Box): void {
    const { messages, bytes } = box;
    this.#close(box);
    box.cut(
      new RegulusError(
        "exhausted",
        `the agent reads too slowly: ${counted(messages, "message")} to it wait to be sent, ${counted(bytes, "byte")} in all`,
      ),
    );
  }

  #close(box: Box): void {
    if (!this.#boxes.delete(box)) return;
    this.#bytes -= box.bytes;
  }

  #note(box: Box, messages: number, bytes: number): void {
    box.messages += messages;
    box.bytes += bytes;
    this.#bytes += bytes;
  }
}

function weightOf({ message }: ConnectResponse): number {
  switch (message?.$case) {
    case "registered":
      return messageBytes + message.value.revoked.length * attemptBytes;
    case "leases":
      return message.value.leases.reduce(
        (sum, { work }) => sum + attemptBytes + numbersIn(work?.vectors) * numberBytes,
        messageBytes,
      );
    case "stopAttempt":
      return messageBytes + attemptBytes + message.value.message.length;
    default:
      return messageBytes;
  }
}
