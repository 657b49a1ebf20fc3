/** Bounds of the doors: what a connection, a stream or an answer may take. Those of the contract itself stand in `@regulus/proto`. */

import { limits } from "@regulus/proto";

export const bounds = {
  /** Streams of one connection at once; a client that wants more waits. */
  streamsPerConnectionMax: 1000,
  /** Bytes of the metadata of one call. */
  metadataBytesMax: 16 * 1024,
  /** Bytes of one search's spec: leaves room for defaults and the envelope in every answer that carries it. */
  specBytesMax: 1024 * 1024,
  /** Bytes of one answer: a client that was built with nothing set takes 4 MiB. */
  answerBytesMax: 3 * 1024 * 1024,
  /** Bytes of single answers that may be on their way out at once; one caller may have a quarter of them. */
  answersBytesMax: 128 * 1024 * 1024,
  /** Room that an answer needs before it is encoded: more than any has. */
  answerRoomBytes: 4 * 1024 * 1024,
  /** Bytes of unfinished requests that may be held at once; one caller may have a quarter of them. */
  requestsBytesMax: 256 * 1024 * 1024,
  /** Time in which the whole of a single request must come. */
  requestWithinMs: 30_000,
  /** Bytes that a server stream may have handed to gRPC and not sent; past it nothing more is read from the log. */
  unsentBytesMax: 64 * 1024,
  /** Time in which a reader must take a message; a large one gets more, at this many bytes a second. Then its call gets a status. */
  readerStallMs: 30_000,
  readerBytesPerSecondMin: 64 * 1024,
  /** Time that it has to read that status; then the call is dropped. */
  readerGraceMs: 5000,
  /** The same while others wait for room. */
  crowdedStallMs: 3000,
  crowdedBytesPerSecondMin: 1024 * 1024,
  /** How often stalled calls are looked for. */
  guardEveryMs: 1000,
  /** Connections at once: those of agents, and of clients. */
  connectionsMax: 12_000,
  /** Memory of one connection's streams, in MB, past which it may open no more of them. */
  connectionMemoryMbMax: 64,
  /** Messages to an agent that may wait to be sent; an agent that lets more pile up reads too slowly and is disconnected. */
  unsentAgentMessagesMax: 8192,
  /** And their bytes, beyond what its slots may be given at once; and those of all agents together, where the slowest one is disconnected. */
  unsentAgentBytesMax: 4 * 1024 * 1024,
  unsentAgentsBytesMax: 256 * 1024 * 1024,
  /** Reports of an agent that may wait for their acknowledgement; past it nothing more is read from its stream. */
  unacknowledgedReportsMax: 20_000,
  /** Time between the opening of an agent's stream and its registration. */
  registerWithinMs: 10_000,
  /** Heartbeats that an agent may miss before a second stream with its id takes its place. */
  heartbeatsMissedMax: 2,
  /** Of the artifacts that come in or go out at once, those of one caller. */
  artifactStreamsPerCallerMax: limits.artifactStreamsMax / 2,
  /** Longest wait for the next piece of an artifact that comes in. */
  artifactPieceWithinMs: 30_000,
  /** An artifact comes in at this rate at least, in the mean after a first grace, and is whole within the last time. */
  artifactBytesPerSecondMin: 16 * 1024,
  artifactGraceMs: 15_000,
  artifactWithinMs: 6 * 3_600_000,
  /** Where all places are taken, a transfer that is this old and slower than this may lose its place to another caller's. */
  artifactEvictAfterMs: 3000,
  artifactEvictBytesPerSecond: 64 * 1024,
  /** Idle time before a connection is asked for a sign of life, and the time that it has to answer. */
  keepaliveEveryMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  /** Characters of a page token. */
  pageTokenCharactersMax: 512,
  /** Time that open calls get to end when the server closes. */
  closeWithinMs: 3000,
} as const;
