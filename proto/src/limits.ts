/**
 * Every bound of the contract, in one place: what a message, a name, a list or a wait may be at most. Code that needs a bound
 * takes it from here, so that a reader finds them all.
 */

/** Version of the agent protocol; an agent that speaks another one is refused. */
export const protocolVersion = 1;
/** Version of the facts in a log; a log with a higher one is refused. */
export const logVersion = 1;

export const limits = {
  /** Characters of a name (search, parameter, label, agent). */
  nameCharactersMax: 128,
  /** Characters of any free text in a request (reasons, messages). Longer ones are cut. */
  textCharactersMax: 4096,
  /** Parameters of a search space. */
  parametersMax: 1000,
  /** Choices of a categorical parameter. */
  choicesMax: 10_000,
  /** Labels of a search or an agent. */
  labelsMax: 64,
  /** Techniques, diagnostics or objectives of a search. */
  componentsMax: 32,
  /** Names in one map of a measurement. */
  measurementNamesMax: 2000,
  /** Bytes of one gRPC message. */
  messageBytesMax: 4 * 1024 * 1024,
  /** Bytes of data in one message of an artifact stream. */
  artifactChunkBytesMax: 256 * 1024,
  /** Bytes of one artifact. */
  artifactBytesMax: 4 * 1024 * 1024 * 1024,
  /** Searches that are not over, in one coordinator. */
  activeSearchesMax: 1000,
  /** Trials of one search. */
  trialsMax: 10_000_000,
  /** Trials of one search that may run at once. */
  parallelismMax: 10_000,
  /** Agents connected to one coordinator. */
  agentsMax: 10_000,
  /** Slots of one agent. */
  slotsMax: 4096,
  /** Rows of one page of a listing. */
  pageSizeMax: 1000,
  /** Facts that a coordinator holds for one slow watcher before it makes that watcher read from the log again. */
  watchBacklogFactsMax: 4096,
  /** Reports that an agent holds while the coordinator is away; past that the oldest plain measurements are thinned out. */
  reportBacklogMax: 100_000,
  /** Proposals asked of a strategy at once. */
  askMax: 1000,
} as const;

export const defaults = {
  /** Address that a coordinator listens on. */
  address: "127.0.0.1:7711",
  heartbeatEveryMs: 2000,
  leaseTimeoutMs: 10_000,
  stepTimeoutMs: 120_000,
  checkpointEveryMs: 30_000,
  stopGraceMs: 10_000,
  retriesMax: 3,
  retryBackoffMs: 1000,
  retryBackoffMsMax: 60_000,
  pageSize: 100,
} as const;
