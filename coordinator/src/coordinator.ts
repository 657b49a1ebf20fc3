/**
 * The coordinator as its doors (gRPC services, benches, the simulator) see it.
 */
import type {
  ArtifactRef,
  ConnectResponse,
  CreateSearchRequest,
  ExplainSearchResponse,
  ExportSearchResponse,
  ExtendSearchRequest,
  Fact,
  GetTrialOutputRequest,
  GetTrialOutputResponse,
  GetTrialResponse,
  Heartbeat,
  ListAgentsRequest,
  ListAgentsResponse,
  ListSearchesRequest,
  ListSearchesResponse,
  ListTrialsRequest,
  ListTrialsResponse,
  OutputPiece,
  Register,
  Reports,
  RetryTrialsRequest,
  RetryTrialsResponse,
  Search,
  SearchSpec,
  Trial,
  Warning,
} from "@regulus/proto";
import type { Room } from "./ports.js";

/** Who reads from the log. */
export interface Reader {
  /** Ends the reading with "cancelled". */
  readonly signal?: AbortSignal;
  /** Where what is read is counted; absent for a reader that holds nobody up. */
  readonly room?: Room;
}

/** An artifact that may come in. */
export interface Upload {
  /** It is in the store. */
  stored(): void;
  /** The upload is over, stored or not. */
  leave(): void;
}

/** Everything a client or an agent can ask for. Failures are RegulusErrors. Requests are checked here, field by field. */
export interface Coordinator {
  /** `caller` names whoever asks, for its share of searches; absent for nobody in particular. */
  createSearch(request: CreateSearchRequest, caller?: string): Promise<Search>;
  /** What the owner of a search that was accepted should know, as things stand now. */
  warnings(spec: SearchSpec): readonly Warning[];
  getSearch(searchId: string): Search;
  /** What is new in a search beyond its trials, as in GetSearchResponse. */
  getNews(searchId: string): readonly Fact[];
  listSearches(request: ListSearchesRequest): ListSearchesResponse;
  pauseSearch(searchId: string, reason: string): Promise<Search>;
  resumeSearch(searchId: string): Promise<Search>;
  extendSearch(request: ExtendSearchRequest): Promise<Search>;
  retryTrials(request: RetryTrialsRequest): Promise<RetryTrialsResponse>;
  stopSearch(searchId: string, reason: string): Promise<Search>;
  deleteSearch(searchId: string): Promise<void>;
  /** Facts after a position, then each new one once durable; ends after SearchEnded. `live` as in WatchSearchResponse. Fails with "out-of-range" where the search has no such position. */
  watchSearch(searchId: string, after: number, reader?: Reader): AsyncIterable<{ facts: readonly Fact[]; live: boolean }>;
  listTrials(request: ListTrialsRequest): ListTrialsResponse;
  getTrial(searchId: string, trial: number, reader?: Reader): Promise<GetTrialResponse>;
  /** A piece of what a trial's program has printed. Fails with "unavailable" where its agent can't tell now. */
  getTrialOutput(request: GetTrialOutputRequest, signal?: AbortSignal): Promise<GetTrialOutputResponse>;
  stopTrial(searchId: string, trial: number, reason: string): Promise<Trial>;
  exportSearch(searchId: string, reader?: Reader): AsyncIterable<ExportSearchResponse>;
  explainSearch(searchId: string, trial: number | undefined, reader?: Reader): Promise<ExplainSearchResponse>;
  listAgents(request: ListAgentsRequest): ListAgentsResponse;
  /** Room for an artifact that a caller brings to the store. Fails with "exhausted" where it has stored too much that no search refers to. */
  beginUpload(caller: string, artifact: ArtifactRef): Promise<Upload>;
  /** An agent's connection. `send` must not block; the coordinator bounds what it sends by the agent's slots. */
  connectAgent(register: Register, send: (message: ConnectResponse) => void, close: (reason: string) => void): AgentConnection;
  /** Numbers for the metrics page. */
  readonly gauges: CoordinatorGauges;
  /** Stops taking work, waits for what is being appended. */
  close(): Promise<void>;
}

/** An open connection of an agent. */
export interface AgentConnection {
  heartbeat(heartbeat: Heartbeat): void;
  reports(reports: Reports): void;
  draining(reason: string): void;
  /** An answer to a request for output. */
  output(piece: OutputPiece): void;
  /** The stream is gone; leases stay until they time out. */
  closed(): void;
}

/** Counts that the metrics page shows; monotonic ones end in Total. */
export interface CoordinatorGauges {
  readonly searchesActive: number;
  readonly trialsPending: number;
  readonly trialsRunning: number;
  readonly agentsConnected: number;
  readonly slotsTotal: number;
  readonly slotsUsed: number;
  readonly factsAppendedTotal: number;
  readonly appendsTotal: number;
  readonly reportsRefusedTotal: number;
  readonly attemptsStartedTotal: number;
  readonly agentsAvoidedTotal: number;
  /** Slot-seconds spent, and those wasted by reason, as Search tells them of one search. */
  readonly slotSecondsTotal: number;
  readonly wastedSlotSecondsTotal: Readonly<Record<string, number>>;
  /** Artifacts, and their bytes, that were removed from the store, by cause. */
  readonly artifactsRemovedTotal: Readonly<Record<string, number>>;
  readonly artifactBytesRemovedTotal: Readonly<Record<string, number>>;
  /** Ends of searches by outcome; one that is opened again and ends again counts twice. */
  readonly searchesEndedTotal: Readonly<Record<string, number>>;
  /** Ends of trials by reason. */
  readonly trialsEndedTotal: Readonly<Record<string, number>>;
  readonly attemptsFailedTotal: Readonly<Record<string, number>>;
}
