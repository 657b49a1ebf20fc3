/**
 * The coordinator's ports: what it needs of the world. Each has an in-memory twin and one conformance suite that every adapter passes.
 */
import type { ArtifactRef, Fact } from "@regulus/proto";

/** Facts of one search to append; `expected` is the position of the newest fact that the writer knows, 0 for none. */
export interface Append {
  readonly searchId: string;
  readonly expected: number;
  readonly facts: readonly Fact[];
}

/** What an append is for. */
export interface AppendOptions {
  /** It makes room, or goes before what does: where the disk is full, what the log keeps for that may be used. */
  readonly makesRoom?: boolean;
}

/** Narrows a read of the log. */
export interface ReadOptions {
  /** Only the facts about one trial, or only those about the search as a whole; absent for all. */
  readonly about?: { readonly trial: number } | "search";
  /** Most encoded bytes in one piece, 1 MiB where absent; a single fact past it comes alone. */
  readonly bytesMax?: number;
  /** Asked before a piece is loaded, with its encoded bytes; the read waits for it. So nothing is in memory that nobody has room for. */
  readonly room?: (bytes: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Where the bytes of what somebody reads are counted: nothing is loaded that there is no room for. */
export interface Room {
  /** Waits until there is room for bytes that are read next, and takes it. Fails with "cancelled" once the reader is gone. */
  take(bytes: number): Promise<void>;
  /** Resolves when it is this reader's turn to load what it took room for. */
  turn(): Promise<void>;
  /** Gives back what was taken and is not handed on. */
  give(bytes: number): void;
  /** Room for what waits until the reader asks for it, if there is some now. */
  hold(bytes: number): boolean;
  /** Held bytes are no longer kept. */
  drop(bytes: number): void;
  /** Held bytes are handed on: they are as if taken. */
  handOn(bytes: number): void;
}

/** The log of facts. One writer a search; `conflict` tells a writer that another one was there. */
export interface EventLog {
  /** Appends to several searches at once: all or none, durable when the promise resolves. Fails with code "conflict". */
  append(batch: readonly Append[], options?: AppendOptions): Promise<void>;
  /** Facts of a search after a position, in order, to the end of what is durable now. Fails with "cancelled" once aborted. */
  read(searchId: string, after: number, options?: ReadOptions): AsyncIterable<readonly Fact[]>;
  /** Ids of all searches, oldest first. */
  searches(): Promise<readonly string[]>;
  /** Removes a search and all of its facts; durable when the promise resolves. Where it fails nothing was removed. May use what is kept for making room. */
  remove(searchId: string): Promise<void>;
  close(): Promise<void>;
}

/** One artifact in a store. */
export interface StoredArtifact {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last put, in milliseconds since 1970. */
  readonly storedMs: number;
}

/** Bytes by their content. */
export interface ArtifactStore {
  /** Stores bytes and answers when they are durable. Fails with "invalid-argument" where size or sum are not those of `expected`. */
  put(expected: ArtifactRef, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<ArtifactRef>;
  /** Bytes in order. Fails with "not-found", or with "data-loss" where they are not what was stored. */
  get(sha256: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Size and time of an artifact; undefined where there is none. Reads none of its bytes. */
  stat(sha256: string): Promise<StoredArtifact | undefined>;
  remove(sha256: string): Promise<void>;
  /** Everything that is stored, in no order: so that what no search refers to can be removed. */
  list(): AsyncIterable<StoredArtifact>;
  /** Whether there is so little room that what nobody needs had better go soon. */
  isShort(): Promise<boolean>;
  close(): Promise<void>;
}

/** The outside world's copy of the facts: a hint, never the truth. */
export interface EventFeed {
  /** Facts that are durable. Never throws and never waits: what can't be sent now is sent later from the log. */
  publish(facts: readonly Fact[]): void;
  close(): Promise<void>;
}

/** Time as data: milliseconds since 1970, and wake-ups. */
export interface Clock {
  now(): number;
  /** Calls back once, not before `atMs`. Answers how to cancel. */
  wake(atMs: number, call: () => void): () => void;
  /** Calls back once, after `ms` have passed whatever the clock was set to meanwhile; at most what a timer waits. Answers how to cancel. */
  wakeAfter(ms: number, call: () => void): () => void;
}
