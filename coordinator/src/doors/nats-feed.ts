/**
 * The event feed on NATS JetStream: every durable fact becomes one message, in order within a search. `publish` only notes how far a
 * search is; one loop reads what is missing from the log and publishes it, so that a fact takes the same way whether NATS was there at
 * the time or not. Decision 0012.
 */
import { setTimeout as pause } from "node:timers/promises";
import { assert, type Fact } from "@regulus/proto";
import { doubledMs } from "@regulus/transport";
import { connect, headers, type JetStreamManager, type NatsConnection, type StreamInfo } from "nats";
import type { Logger } from "pino";
import type { EventFeed, EventLog } from "../ports.js";
import { ensureStream, newestInStream } from "./event-stream.js";
import { eventOf } from "./fact-event.js";
import { type Cursors, readCursors, writeCursors } from "./feed-cursors.js";
import type { FeedNumbers } from "./metrics.js";

/** Messages whose acknowledgement may be awaited at once. */
const inFlightMax = 256;
/** Time for a connection, and for an acknowledgement. */
const answerWithinMs = 5000;
/** Wait after a failure: doubled each time, up to the second value. */
const waits = { firstMs: 250, maxMs: 10_000 };
/** Time that a closing feed takes to publish what is left; the rest follows after the next start. */
const drainWithinMs = 2000;
/** The cursor file is written at most this often. */
const keepCursorsEveryMs = 1000;
/** What the feed needs. */
export interface NatsFeedOptions {
  /** `nats://host:4222`, or several with commas. */
  readonly url: string;
  /** Where facts are read again. */
  readonly log: EventLog;
  /** File of the cursors. */
  readonly cursorPath: string;
  readonly logger: Logger;
}

/** A feed that also tells how it does. */
export interface NatsFeed extends EventFeed {
  numbers(): FeedNumbers;
}

/** Starts a feed. Never fails and never waits: where NATS is away it tries again. */
export function startNatsFeed(options: NatsFeedOptions): NatsFeed {
  const feed = new Feed(options);
  const running = feed.run();
  return {
    publish: (facts) => feed.note(facts),
    numbers: () => feed.numbers(),
    close: async () => {
      await feed.drained();
      feed.stop();
      await running;
    },
  };
}

/** An open connection with its stream. */
interface Link {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
}

class Feed {
  readonly #options: NatsFeedOptions;
  /** Newest durable position of each search, as far as the feed heard. */
  readonly #heads = new Map<string, number>();
  /** Searches of which the log may hold more than was published. */
  readonly #behind = new Set<string>();
  #cursors: Cursors = new Map();
  /** Searches whose cursor was compared with the stream since the connection was made. */
  readonly #compared = new Set<string>();
  /** Searches of which the stream refused a message: what it holds last says nothing of what came before. */
  readonly #refused = new Set<string>();
  /** Creation time of the stream that the cursors are about; empty before the first connection. */
  #stream = "";
  readonly #stopped = new AbortController();
  #wake: () => void = () => undefined;
  #connected = false;
  #busy = false;
  #published = 0;
  #failures = 0;
  #keptAt = 0;

  constructor(options: NatsFeedOptions) {
    this.#options = options;
  }

  note(facts: readonly Fact[]): void {
    for (const { searchId, position } of facts) {
      if (position > (this.#heads.get(searchId) ?? 0)) this.#heads.set(searchId, position);
      this.#behind.add(searchId);
    }
    this.#wake();
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake();
  }

  /** Resolves once everything is published, or can't be soon. */
  async drained(): Promise<void> {
    const until = performance.now() + drainWithinMs;
    while (this.#connected && (this.#behind.size > 0 || this.#busy) && performance.now() < until) await pause(10);
  }

  numbers(): FeedNumbers {
    let lagFacts = 0;
    for (const searchId of this.#behind) {
      lagFacts += Math.max(0, (this.#heads.get(searchId) ?? 0) - (this.#cursors.get(searchId) ?? 0));
    }
    return { connected: this.#connected, lagFacts, publishedTotal: this.#published, failuresTotal: this.#failures };
  }

  /** Connects, publishes until the connection fails, and begins again, until it is stopped. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#connectAndPublish(() => {
          failures = 0;
        });
      } catch (thrown) {
        if (this.#stopped.signal.aborted) break;
        this.#failures += 1;
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        this.#options.logger.warn(
          { retryInMs: doubledMs(failures + 1, waits), why },
          "the event feed lost NATS; facts wait in the log",
        );
      }
      failures += 1;
      await pause(doubledMs(failures, waits), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
    this.#keepCursors();
  }

  async #connectAndPublish(onReady: () => void): Promise<void> {
    const servers = this.#options.url.split(",");
    const connection = await connect({ servers, reconnect: false, timeout: answerWithinMs, name: "regulus coordinator" });
    try {
      const manager = await connection.jetstreamManager({ timeout: answerWithinMs });
      await this.#meetStream(await ensureStream(manager));
      this.#compared.clear();
      this.#connected = true;
      onReady();
      this.#options.logger.info({ server: connection.getServer() }, "the event feed is connected");
      let gone = false;
      void connection.closed().then(() => {
        gone = true;
        this.#wake();
      });
      while (!this.#stopped.signal.aborted && !gone) {
        const searchId = this.#behind.values().next().value;
        if (searchId === undefined) await this.#somethingNew();
        else {
          this.#busy = true;
          await this.#catchUp({ connection, manager }, searchId);
          this.#busy = false;
        }
      }
      if (gone && !this.#stopped.signal.aborted) throw new Error("the connection closed");
    } finally {
      this.#connected = false;
      this.#busy = false;
      await connection.close().catch(() => undefined);
    }
  }

  /** Takes over the cursors of this stream, and looks at every search of the log once. */
  async #meetStream(stream: StreamInfo): Promise<void> {
    const created = String(stream.created);
    if (created === this.#stream) return;
    this.#stream = created;
    const kept = readCursors(this.#options.cursorPath, created);
    this.#cursors = new Map();
    for (const searchId of await this.#options.log.searches()) {
      this.#behind.add(searchId);
      this.#cursors.set(searchId, kept.get(searchId) ?? 0);
    }
  }

  /** Publishes what the log holds of a search after its cursor. */
  async #catchUp(link: Link, searchId: string): Promise<void> {
    // Taken out first: facts that are noted while this one is read put it in again.
    this.#behind.delete(searchId);
    let cursor = this.#cursors.get(searchId) ?? 0;
    try {
      for await (const facts of this.#options.log.read(searchId, cursor, { signal: this.#stopped.signal })) {
        cursor = Math.max(cursor, await this.#heldByStream(link.manager, searchId));
        const missing = facts.filter((fact) => fact.position > cursor);
        for (let from = 0; from < missing.length; from += inFlightMax) {
          cursor = await this.#publishAll(link, missing.slice(from, from + inFlightMax));
          this.#cursors.set(searchId, cursor);
        }
        this.#keepCursorsNowAndThen();
      }
      this.#refused.delete(searchId);
      if (cursor < (this.#heads.get(searchId) ?? 0) && !this.#behind.has(searchId)) this.#forget(searchId);
    } catch (thrown) {
      this.#behind.add(searchId);
      throw thrown;
    }
  }

  /** What the stream holds of a search already, asked once a connection: an acknowledgement may have been lost with the last one. */
  async #heldByStream(manager: JetStreamManager, searchId: string): Promise<number> {
    if (this.#compared.has(searchId) || this.#refused.has(searchId)) return 0;
    const held = await newestInStream(manager, searchId);
    this.#compared.add(searchId);
    return held;
  }

  /** A search that was deleted: it has a head and no facts. */
  #forget(searchId: string): void {
    this.#heads.delete(searchId);
    this.#cursors.delete(searchId);
    this.#compared.delete(searchId);
  }

  /** Publishes facts of one search, in order; answers the position of the last once all are acknowledged. */
  async #publishAll(link: Link, facts: readonly Fact[]): Promise<number> {
    const stream = link.connection.jetstream({ timeout: answerWithinMs });
    const answers = await Promise.allSettled(
      facts.map(async (fact) => {
        const event = eventOf(fact);
        const header = headers();
        header.set("Content-Type", "application/json");
        return stream.publish(event.subject, event.body, { msgID: event.id, headers: header, timeout: answerWithinMs });
      }),
    );
    let last = 0;
    for (const [index, answer] of answers.entries()) {
      const fact = facts[index];
      assert(fact !== undefined, "one answer a fact");
      if (answer.status === "rejected") {
        if (last > 0) this.#cursors.set(fact.searchId, last);
        this.#refused.add(fact.searchId);
        throw answer.reason;
      }
      last = fact.position;
      this.#published += answer.value.duplicate ? 0 : 1;
    }
    return last;
  }

  #somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#behind.size > 0 || this.#stopped.signal.aborted) resolve();
    });
  }

  #keepCursorsNowAndThen(): void {
    if (performance.now() - this.#keptAt >= keepCursorsEveryMs) this.#keepCursors();
  }

  #keepCursors(): void {
    this.#keptAt = performance.now();
    if (this.#stream === "") return;
    try {
      writeCursors(this.#options.cursorPath, this.#stream, this.#cursors);
    } catch (thrown) {
      this.#options.logger.warn({ err: thrown }, "the event feed's cursors can't be kept; after a restart it asks the stream");
    }
  }
}
