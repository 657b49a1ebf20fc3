/**
 * A connection to a coordinator: every call of SearchService and ArtifactService, typed, with RegulusErrors. One object holds one
 * channel, which connects at the first call and again by itself after every break.
 */
import { randomUUID } from "node:crypto";
import type { ChannelOptions } from "@grpc/grpc-js";
import {
  type Agent,
  type ArtifactRef,
  type ExplainSearchResponse,
  type ExportSearchResponse,
  type Fact,
  type GetTrialOutputResponse,
  type GetTrialResponse,
  ListSearchesRequest,
  type ListSearchesResponse,
  ListTrialsRequest,
  type ListTrialsResponse,
  limits,
  RegulusError,
  type RetryTrialsResponse,
  type Search,
  type SearchSpec,
  type Trial,
  type Warning,
} from "@regulus/proto";
import {
  ArtifactServiceClient,
  channelCredentials,
  commonChannelOptions,
  type Pem,
  SearchServiceClient,
} from "@regulus/transport";
import { getArtifact, putArtifact } from "./calls/artifacts.js";
import { readStream } from "./calls/stream.js";
import { type CallControl, unary } from "./calls/unary.js";
import { type WatchedFacts, type WatchOptions, watchFacts } from "./calls/watch.js";

/** Certificates in PEM, for a coordinator that is not on this machine. */
export type TlsOptions = Pem;

export interface ConnectOptions {
  /** TLS; absent for plain text, which a coordinator speaks on loopback only. */
  readonly tls?: TlsOptions | undefined;
}

/** A search to create. */
export interface CreateRequest {
  readonly spec: SearchSpec;
  /** Makes a repeated request harmless; a random one where absent. At most 128 characters. */
  readonly idempotencyKey?: string | undefined;
  /** Check only: nothing is created, and the answer holds the spec with its defaults. */
  readonly validateOnly?: boolean | undefined;
  /** Told once what its owner should know although it was accepted; not called where that is nothing. */
  readonly onWarnings?: ((warnings: readonly Warning[]) => void) | undefined;
}

/** More budget for a search; what is absent stays as it is. */
export interface ExtendRequest {
  readonly searchId: string;
  readonly trials?: number;
  readonly steps?: number;
  readonly wallTimeMs?: number;
  readonly failures?: number;
  /** Makes a repeated request harmless; a random one where absent. */
  readonly idempotencyKey?: string;
}

/** Failed trials that are to go on; all of them where none are named. */
export interface RetryRequest {
  readonly searchId: string;
  readonly trials?: readonly number[];
  readonly idempotencyKey?: string;
}

/** A trial of a search. */
export interface TrialKey {
  readonly searchId: string;
  readonly trial: number;
}

/** A coordinator, from here. Every call fails with a RegulusError; those that may be repeated are, while it is away, for a second. */
export interface RegulusClient {
  readonly address: string;
  createSearch(request: CreateRequest, control?: CallControl): Promise<Search>;
  getSearch(searchId: string, control?: CallControl): Promise<Search>;
  /** What is new beyond its trials: the strategy's newest own steps and the newest findings, in order. */
  searchNews(searchId: string, control?: CallControl): Promise<readonly Fact[]>;
  /** One page, newest first. */
  listSearches(request?: Partial<ListSearchesRequest>, control?: CallControl): Promise<ListSearchesResponse>;
  /** All pages. */
  searches(request?: Partial<ListSearchesRequest>, control?: CallControl): AsyncIterable<Search>;
  /** Facts until the search is over; goes on from its position when the coordinator comes back. */
  watchSearch(searchId: string, options?: WatchOptions): AsyncIterable<WatchedFacts>;
  pauseSearch(searchId: string, reason: string, control?: CallControl): Promise<Search>;
  resumeSearch(searchId: string, control?: CallControl): Promise<Search>;
  /** Adds budget; opens a search that has ended. */
  extendSearch(request: ExtendRequest, control?: CallControl): Promise<Search>;
  /** Lets failed trials go on, all where none are named; opens a search that has ended. */
  retryTrials(request: RetryRequest, control?: CallControl): Promise<RetryTrialsResponse>;
  stopSearch(searchId: string, reason: string, control?: CallControl): Promise<Search>;
  /** Removes an ended search. Never repeated by itself, since a second call would not find it. */
  deleteSearch(searchId: string, control?: CallControl): Promise<void>;
  /** One page, by number or best first. */
  listTrials(
    request: Partial<ListTrialsRequest> & { readonly searchId: string },
    control?: CallControl,
  ): Promise<ListTrialsResponse>;
  /** All pages. */
  trials(request: Partial<ListTrialsRequest> & { readonly searchId: string }, control?: CallControl): AsyncIterable<Trial>;
  getTrial(key: TrialKey, control?: CallControl): Promise<GetTrialResponse>;
  /** A piece of what the trial's program has printed, from an offset on; of a running one, so far. */
  getTrialOutput(request: TrialKey & { readonly offset?: number }, control?: CallControl): Promise<GetTrialOutputResponse>;
  stopTrial(request: TrialKey & { readonly reason: string }, control?: CallControl): Promise<Trial>;
  /** Every trial with all of its measurements; a long trial that came in several messages is put together. */
  exportSearch(searchId: string, control?: CallControl): AsyncIterable<ExportSearchResponse>;
  /** `trial` for one trial, absent for the whole search. */
  explainSearch(
    request: { readonly searchId: string; readonly trial?: number | undefined },
    control?: CallControl,
  ): Promise<ExplainSearchResponse>;
  listAgents(control?: CallControl): Promise<readonly Agent[]>;
  /** `kind` says what the bytes are: checkpoint, predictions, report ... */
  putArtifact(bytes: Uint8Array, options: CallControl & { readonly kind: string }): Promise<ArtifactRef>;
  getArtifact(sha256: string, control?: CallControl): AsyncIterable<Uint8Array>;
  close(): void;
}

/** Opens a connection. Nothing is sent before the first call. */
export function connect(address: string, options: ConnectOptions = {}): RegulusClient {
  checkAddress(address);
  const how = channelCredentials(options.tls);
  const searches = new SearchServiceClient(address, how, channelOptions);
  const artifacts = new ArtifactServiceClient(address, how, { ...channelOptions, channelOverride: searches.getChannel() });
  const again = (control?: CallControl) => ({ ...control, repeat: true });

  const client: RegulusClient = {
    address,
    async createSearch({ spec, idempotencyKey, validateOnly = false, onWarnings }, control) {
      const request = { spec, idempotencyKey: idempotencyKey ?? randomUUID(), validateOnly };
      const { search, warnings } = await unary(searches.createSearch.bind(searches), request, again(control));
      if (warnings.length > 0) onWarnings?.(warnings);
      return present({ search }, "search");
    },
    async getSearch(searchId, control) {
      const { search } = await unary(searches.getSearch.bind(searches), { searchId }, again(control));
      return present({ search }, "search");
    },
    async searchNews(searchId, control) {
      return (await unary(searches.getSearch.bind(searches), { searchId }, again(control))).news;
    },
    listSearches(request, control) {
      const whole = ListSearchesRequest.fromPartial(request ?? {});
      return unary(searches.listSearches.bind(searches), whole, again(control));
    },
    searches(request, control) {
      return pages(request?.pageToken, async (pageToken) => {
        const page = await client.listSearches({ ...request, pageToken }, control);
        return { rows: page.searches, next: page.nextPageToken };
      });
    },
    watchSearch(searchId, watch = {}) {
      const isEnded = async (signal: AbortSignal | undefined) =>
        (await client.getSearch(searchId, { signal })).status === "SEARCH_STATUS_ENDED";
      return watchFacts({ open: (request) => searches.watchSearch(request), isEnded }, searchId, watch);
    },
    async pauseSearch(searchId, reason, control) {
      return present(await unary(searches.pauseSearch.bind(searches), { searchId, reason }, again(control)), "search");
    },
    async resumeSearch(searchId, control) {
      return present(await unary(searches.resumeSearch.bind(searches), { searchId }, again(control)), "search");
    },
    async extendSearch({ idempotencyKey = randomUUID(), ...more }, control) {
      const request = { trials: 0, steps: 0, wallTimeMs: 0, failures: 0, ...more, idempotencyKey };
      return present(await unary(searches.extendSearch.bind(searches), request, again(control)), "search");
    },
    retryTrials({ searchId, trials = [], idempotencyKey = randomUUID() }, control) {
      const request = { searchId, trials: [...trials], idempotencyKey };
      return unary(searches.retryTrials.bind(searches), request, again(control));
    },
    async stopSearch(searchId, reason, control) {
      return present(await unary(searches.stopSearch.bind(searches), { searchId, reason }, again(control)), "search");
    },
    async deleteSearch(searchId, control) {
      await unary(searches.deleteSearch.bind(searches), { searchId }, { ...control, repeat: false });
    },
    listTrials(request, control) {
      const whole = ListTrialsRequest.fromPartial(request);
      return unary(searches.listTrials.bind(searches), whole, again(control));
    },
    trials(request, control) {
      return pages(request.pageToken, async (pageToken) => {
        const page = await client.listTrials({ ...request, pageToken }, control);
        return { rows: page.trials, next: page.nextPageToken };
      });
    },
    getTrial(key, control) {
      return unary(searches.getTrial.bind(searches), key, again(control));
    },
    getTrialOutput({ searchId, trial, offset = 0 }, control) {
      const request = { searchId, trial, offset, bytesMax: 0 };
      return unary(searches.getTrialOutput.bind(searches), request, again(control));
    },
    async stopTrial(request, control) {
      return present(await unary(searches.stopTrial.bind(searches), request, again(control)), "trial");
    },
    exportSearch(searchId, control) {
      return wholeTrials(readStream(() => searches.exportSearch({ searchId }), control?.signal));
    },
    explainSearch({ searchId, trial }, control) {
      return unary(searches.explainSearch.bind(searches), { searchId, trial }, again(control));
    },
    async listAgents(control) {
      const found: Agent[] = [];
      const all = pages(undefined, async (pageToken) => {
        const request = { pageSize: limits.pageSizeMax, pageToken };
        const page = await unary(searches.listAgents.bind(searches), request, again(control));
        return { rows: page.agents, next: page.nextPageToken };
      });
      for await (const agent of all) found.push(agent);
      return found;
    },
    putArtifact: (bytes, putOptions) => putArtifact(artifacts, bytes, putOptions),
    getArtifact: (sha256, control) => getArtifact(artifacts, sha256, control?.signal),
    close() {
      artifacts.close();
      searches.close();
    },
  };
  return client;
}

/** Wait before a broken channel connects again; a coordinator restarts in well under a second. */
const channelOptions: ChannelOptions = {
  ...commonChannelOptions,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2000,
  // A connection that died without a word (a laptop that slept, a firewall) is noticed within this time.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

function checkAddress(address: string): void {
  const port = Number(/^(?:[^:\s/]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(address)?.[1]);
  if (port >= 1 && port <= 65_535) return;
  throw RegulusError.invalid([
    { field: "address", seen: JSON.stringify(address), expected: "HOST:PORT, such as 127.0.0.1:7711" },
  ]);
}

/** A part that a coordinator always sends. */
function present<Name extends string, Part>(response: { readonly [name in Name]: Part | undefined }, name: Name): Part {
  const part = response[name];
  if (part === undefined)
    throw new RegulusError("internal", `the coordinator's answer lacks ${name}; are the versions the same?`);
  return part;
}

async function* pages<Row>(
  first: string | undefined,
  read: (pageToken: string) => Promise<{ readonly rows: readonly Row[]; readonly next: string }>,
): AsyncGenerator<Row, void, undefined> {
  let pageToken = first ?? "";
  do {
    const { rows, next } = await read(pageToken);
    yield* rows;
    if (next === pageToken && next !== "") throw new RegulusError("internal", "the coordinator answered the same page twice");
    pageToken = next;
  } while (pageToken !== "");
}

/** Joins messages that belong to one trial. */
async function* wholeTrials(
  messages: AsyncIterable<ExportSearchResponse>,
): AsyncGenerator<ExportSearchResponse, void, undefined> {
  let held: ExportSearchResponse | undefined;
  for await (const message of messages) {
    if (held !== undefined && held.trial?.trial === message.trial?.trial) {
      held = { trial: message.trial, measurements: [...held.measurements, ...message.measurements] };
    } else {
      if (held !== undefined) yield held;
      held = message;
    }
  }
  if (held !== undefined) yield held;
}
