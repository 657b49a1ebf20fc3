/** Bounds of the doors: what a connection, a stream or an answer may take. Those of the contract itself stand in `@regulus/proto`. */

export const bounds = {
  /** Streams of one connection at once; a client that wants more waits. */
  streamsPerConnectionMax: 1000,
  /** Bytes of the metadata of one call. */
  metadataBytesMax: 16 * 1024,
  /** Bytes of one search's spec: leaves room for defaults and the envelope in every answer that carries it. */
  specBytesMax: 1024 * 1024,
  /** Bytes of one answer: a client that was built with nothing set takes 4 MiB. */
  answerBytesMax: 3 * 1024 * 1024,
  /** Bytes that a server stream may have handed to gRPC and not sent; past it nothing more is read from the log. */
  unsentBytesMax: 1024 * 1024,
  /** Messages to an agent that may wait to be sent; an agent that lets more pile up reads too slowly and is disconnected. */
  unsentAgentMessagesMax: 8192,
  /** Reports of an agent that may wait for their acknowledgement; past it nothing more is read from its stream. */
  unacknowledgedReportsMax: 20_000,
  /** Time between the opening of an agent's stream and its registration. */
  registerWithinMs: 10_000,
  /** Heartbeats that an agent may miss before a second stream with its id takes its place. */
  heartbeatsMissedMax: 2,
  /** Artifacts that may be coming in, and as many going out, at once. */
  artifactStreamsMax: 256,
  /** Longest time between two pieces of an artifact that comes in. */
  artifactPieceWithinMs: 60_000,
  /** Idle time before a connection is asked for a sign of life, and the time that it has to answer. */
  keepaliveEveryMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  /** Characters of a page token. */
  pageTokenCharactersMax: 512,
  /** Time that open calls get to end when the server closes. */
  closeWithinMs: 3000,
} as const;
