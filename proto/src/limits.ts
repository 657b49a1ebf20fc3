/**
 * Every bound of the contract, in one place: what a message, a name, a list or a wait may be at most. Code that needs a bound
 * takes it from here, so that a reader finds them all.
 */

/** Version of the agent protocol; an agent that speaks another one is refused. */
export const protocolVersion = 1;
/** Version of the facts in a log; a log with another one is refused. */
export const logVersion = 2;

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
  /** Techniques, probes, diagnostics or objectives of a search. */
  componentsMax: 32,
  /** Names in one map of a measurement. */
  measurementNamesMax: 2000,
  /** Numbers in all vectors of a measurement, of a work or of a strategy's step together: 800 kB. */
  vectorNumbersMax: 100_000,
  /** Samples of a bilevel search: each of its trials keeps the order that they are dealt in. */
  bilevelSamplesMax: 1_000_000,
  /** Bytes of one gRPC message. */
  messageBytesMax: 4 * 1024 * 1024,
  /** Bytes of data in one message of an artifact stream. */
  artifactChunkBytesMax: 256 * 1024,
  /** Bytes of one artifact. */
  artifactBytesMax: 4 * 1024 * 1024 * 1024,
  /** Free bytes of a disk that no artifact gets: they are the log's. Of a small disk this part. */
  diskKeptBytesMax: 256 * 1024 * 1024,
  diskKeptPart: 0.05,
  /** Artifacts that one caller has stored and no search refers to, and their bytes. Without TLS all programs of the machine are one caller. */
  unreferencedArtifactsPerCallerMax: 65_536,
  unreferencedBytesPerCallerMax: 64 * 1024 * 1024 * 1024,
  /** How often artifacts that nothing refers to are looked for, and how often while the disk is short of room. */
  sweepEveryMs: 3_600_000,
  sweepShortEveryMs: 600_000,
  /** Searches that are not over, in one coordinator. */
  activeSearchesMax: 1000,
  /** Of those, what one caller may have: the holder of a client certificate, without TLS a connection. */
  activeSearchesPerCallerMax: 500,
  /** Trials of one search. */
  trialsMax: 10_000_000,
  /** A step of a trial: past it sums over trials would no longer be exact. */
  stepMax: 10 ** 12,
  /** Trials of one search that may run at once. */
  parallelismMax: 10_000,
  /** Agents connected to one coordinator. */
  agentsMax: 10_000,
  /** Bytes of what an agent says about itself. */
  agentBytesMax: 16 * 1024,
  /** Slots of one agent. */
  slotsMax: 4096,
  /** Rows of one page of a listing. */
  pageSizeMax: 1000,
  /** Bytes of the log and of artifacts that a coordinator holds for all of its readers; one caller may have a quarter of them. */
  readersBytesMax: 256 * 1024 * 1024,
  /** Encoded bytes that one reader is given at once; a single larger fact comes alone. */
  readerPieceBytesMax: 64 * 1024,
  /** Facts, and their bytes, that a coordinator holds for one slow watcher before it makes that watcher read from the log again. */
  watchBacklogFactsMax: 4096,
  watchBacklogBytesMax: 256 * 1024,
  /** Artifacts that may be coming in, and as many going out, at once; one caller may have half of them. */
  artifactStreamsMax: 256,
  /** Reports that an agent holds while the coordinator is away; past that the oldest plain measurements are thinned out. */
  reportBacklogMax: 100_000,
  /** Proposals asked of a strategy at once. */
  askMax: 1000,
  /** Answers of a strategy, one after the other, that only report; one that goes on like that does nothing but fill the log. */
  reportsInARowMax: 100,
  /** Problems that one answer names; further ones are counted. */
  problemsMax: 200,
  /** Characters of a problem's field path. */
  fieldPathCharactersMax: 512,
  /** Arguments of a command, and environment variables. */
  commandWordsMax: 1024,
  /** Values in the options of a workload, strategy or technique, at all depths. */
  optionValuesMax: 10_000,
  /** Depth of options; the wire format spends three of its 100 levels on each. */
  optionDepthMax: 16,
  /** Failed attempts of one trial that a search may ask to be tried again. */
  retriesMax: 1000,
  /** Trials that one call tries again. */
  retriedAtOnceMax: 1000,
  /** Newest idempotency keys of a search's own calls that are remembered. */
  keysKeptMax: 1000,
  /** Reasons for which attempts are tried again. */
  retryReasonsMax: 16,
  /** A timeout or an interval: what Node's timers can wait, 24.8 days. */
  timerMsMax: 2 ** 31 - 1,
  /** Wall time of a search: ten years. */
  wallTimeMsMax: 10 * 366 * 86_400_000,
  /** Results of other trials that one trial is given. */
  trialInputsMax: 1024,
  /** Other searches whose results a search is given. */
  searchInputsMax: 64,
  /** Arms of one search. */
  armsMax: 64,
  /** Rows of a schedule of hyperparameters. */
  scheduleRowsMax: 4096,
  /** Distance of a priority from 0. */
  priorityMax: 100,
  /** Weight of a search among those of its priority. */
  weightMax: 1000,
} as const;

export const defaults = {
  /** Address that a coordinator listens on. */
  address: "127.0.0.1:7711",
  heartbeatEveryMs: 2000,
  leaseTimeoutMs: 10_000,
  /** Beyond the grace of a program, time that an agent has to end an attempt before the coordinator takes it back. */
  endGraceMs: 30_000,
  /** The same while its agent sends artifacts: an upload of a large checkpoint is no reason to lose it. */
  uploadGraceMs: 20 * 60_000,
  stepTimeoutMs: 120_000,
  checkpointEveryMs: 30_000,
  stopGraceMs: 10_000,
  retriesMax: 3,
  retryBackoffMs: 1000,
  retryBackoffMsMax: 60_000,
  pageSize: 100,
} as const;
