/**
 * A small coordinator for the client's tests: a real gRPC server with the generated services over searches in memory. It decides nothing;
 * a test puts searches, trials and facts into it, and failures where it wants them. The real coordinator is tried in `test/`.
 */
import { createHash } from "node:crypto";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import {
  type Agent,
  type ArtifactRef,
  checkSpec,
  type ExportSearchResponse,
  type Fact,
  limits,
  RegulusError,
  type Search,
  type SearchSpec,
  type Trial,
  type Warning,
  type WatchSearchRequest,
  type WatchSearchResponse,
} from "@regulus/proto";
import {
  type ArtifactServiceServer,
  ArtifactServiceService,
  type SearchServiceServer,
  SearchServiceService,
  toStatus,
} from "@regulus/transport";

/** A search as the twin keeps it. */
interface Kept {
  search: Search;
  facts: Fact[];
  exported: ExportSearchResponse[];
  watchers: Set<ServerWritableStream<WatchSearchRequest, WatchSearchResponse>>;
}

export class CoordinatorTwin {
  readonly searches = new Map<string, Kept>();
  readonly keys = new Map<string, string>();
  readonly artifacts = new Map<string, Buffer>();
  readonly agents: Agent[] = [];
  /** What programs have printed, by search and trial: `s1/0`. */
  readonly outputs = new Map<string, { text: string; ended: boolean; attempt: number }>();
  /** What it warns of at every creation. */
  warnings: Warning[] = [];
  /** Names of the calls that arrived, in order. */
  readonly calls: string[] = [];
  /** Requests as they arrived, by the names of their calls. */
  readonly requests = new Map<string, unknown[]>();
  /** Idempotency keys as they arrived. */
  readonly keysSeen: string[] = [];
  /** Failures that the next calls of a method get instead of answers. */
  readonly failures = new Map<string, RegulusError[]>();
  #server: Server | undefined;
  #port = 0;

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens on a free port, or again on the port that it had. */
  async start(): Promise<void> {
    const server = new Server();
    server.addService(SearchServiceService, this.#searchService());
    server.addService(ArtifactServiceService, this.#artifactService());
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    this.#server = server;
  }

  /** Drops every connection, as kill -9 does. What it keeps stays, as a log on disk would. */
  stop(): void {
    for (const kept of this.searches.values()) kept.watchers.clear();
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  /** Puts a search in. */
  add(searchId: string, spec: SearchSpec, more: Partial<Search> = {}): Kept {
    const search: Search = {
      searchId,
      spec,
      status: "SEARCH_STATUS_RUNNING",
      outcome: "SEARCH_OUTCOME_UNSPECIFIED",
      reason: "",
      position: 0,
      createdMs: Date.now(),
      endedMs: 0,
      counts: undefined,
      steps: 0,
      slotSeconds: 0,
      arms: [],
      wastedSlotSeconds: 0,
      wastedByReason: {},
      strategyStepsAccepted: 0,
      strategyStepsRefused: 0,
      ranMs: 0,
      runningSinceMs: 0,
      failureGroups: [],
      ...more,
    };
    const kept: Kept = { search, facts: [], exported: [], watchers: new Set() };
    this.searches.set(searchId, kept);
    return kept;
  }

  /** Appends a fact and sends it to those who watch. */
  tell(searchId: string, kind: NonNullable<Fact["kind"]>): void {
    const kept = this.#kept(searchId);
    const fact: Fact = { searchId, position: kept.facts.length + 1, timeMs: Date.now(), kind };
    kept.facts.push(fact);
    kept.search = { ...kept.search, position: fact.position };
    if (kind.$case === "searchEnded") {
      kept.search = { ...kept.search, status: "SEARCH_STATUS_ENDED", outcome: kind.value.outcome, reason: kind.value.reason };
    }
    for (const watcher of kept.watchers) {
      watcher.write({ facts: [fact], live: true });
      if (kind.$case === "searchEnded") watcher.end();
    }
  }

  #kept(searchId: string): Kept {
    const kept = this.searches.get(searchId);
    if (kept === undefined) throw new RegulusError("not-found", `no search ${searchId}`);
    return kept;
  }

  #trial(searchId: string, number: number): Trial {
    const trial = this.#kept(searchId).exported.find((one) => one.trial?.trial === number)?.trial;
    if (trial === undefined) throw new RegulusError("not-found", `search ${searchId} has no trial ${number}`);
    return trial;
  }

  /** Notes the call; throws the failure that a test has put in its way. */
  #arrived(name: string, request: unknown): void {
    this.calls.push(name);
    this.requests.set(name, [...(this.requests.get(name) ?? []), request]);
    const failure = this.failures.get(name)?.shift();
    if (failure !== undefined) throw failure;
  }

  #unary<Request, Response>(name: string, answer: (request: Request) => Response): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      try {
        this.#arrived(name, call.request);
        callback(null, answer(call.request));
      } catch (thrown) {
        callback(toStatus(RegulusError.from(thrown)));
      }
    };
  }

  #stream<Request, Response>(
    name: string,
    answer: (call: ServerWritableStream<Request, Response>) => void,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      try {
        this.#arrived(name, call.request);
        answer(call);
      } catch (thrown) {
        call.emit("error", toStatus(RegulusError.from(thrown)));
      }
    };
  }

  #reopen(searchId: string): void {
    const kept = this.#kept(searchId);
    if (kept.search.status !== "SEARCH_STATUS_ENDED") return;
    kept.search = { ...kept.search, status: "SEARCH_STATUS_RUNNING", outcome: "SEARCH_OUTCOME_UNSPECIFIED", reason: "" };
    this.tell(searchId, { $case: "searchReopened", value: { reason: "asked for" } });
  }

  #searchService(): SearchServiceServer {
    return {
      createSearch: this.#unary("createSearch", ({ spec, idempotencyKey, validateOnly }) => {
        this.keysSeen.push(idempotencyKey);
        if (spec === undefined) throw RegulusError.invalid([{ field: "spec", seen: "nothing", expected: "a search" }]);
        const problems = checkSpec(spec);
        if (spec.strategy?.name === "no-such-strategy") {
          problems.push({ field: "strategy.name", seen: '"no-such-strategy"', expected: "one of random" });
        }
        if (problems.length > 0) throw RegulusError.invalid(problems);
        const known = this.keys.get(idempotencyKey);
        const { warnings } = this;
        if (known !== undefined) return { search: this.#kept(known).search, warnings };
        if (validateOnly) return { search: new CoordinatorTwin().add("", spec).search, warnings };
        const searchId = `s${this.searches.size + 1}`;
        this.keys.set(idempotencyKey, searchId);
        this.add(searchId, spec);
        this.tell(searchId, { $case: "searchCreated", value: { spec, idempotencyKey } });
        return { search: this.#kept(searchId).search, warnings };
      }),
      getSearch: this.#unary("getSearch", ({ searchId }) => {
        const { search, facts } = this.#kept(searchId);
        const news = facts.filter(({ kind }) => kind?.$case === "strategyStepped" || kind?.$case === "findingReported");
        return { search, news };
      }),
      listSearches: this.#unary("listSearches", ({ statuses, nameContains, labels, pageSize, pageToken }) => {
        const all = [...this.searches.values()]
          .map(({ search }) => search)
          .filter(
            ({ status, spec }) =>
              (statuses.length === 0 || statuses.includes(status)) &&
              spec?.name.includes(nameContains) &&
              Object.entries(labels).every(([name, value]) => spec.labels[name] === value),
          );
        const start = Number(pageToken || 0);
        const end = start + (pageSize || 100);
        return { searches: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
      }),
      watchSearch: this.#stream("watchSearch", (call) => {
        const kept = this.#kept(call.request.searchId);
        call.write({ facts: kept.facts.filter(({ position }) => position > call.request.after), live: true });
        if (kept.search.status === "SEARCH_STATUS_ENDED") call.end();
        else kept.watchers.add(call);
        call.on("cancelled", () => kept.watchers.delete(call));
      }),
      pauseSearch: this.#unary("pauseSearch", ({ searchId, reason }) => {
        this.tell(searchId, { $case: "searchPaused", value: { reason } });
        const kept = this.#kept(searchId);
        kept.search = { ...kept.search, status: "SEARCH_STATUS_PAUSED", reason };
        return { search: kept.search };
      }),
      resumeSearch: this.#unary("resumeSearch", ({ searchId }) => {
        this.tell(searchId, { $case: "searchResumed", value: {} });
        const kept = this.#kept(searchId);
        kept.search = { ...kept.search, status: "SEARCH_STATUS_RUNNING", reason: "" };
        return { search: kept.search };
      }),
      extendSearch: this.#unary("extendSearch", ({ searchId, trials, idempotencyKey }) => {
        this.keysSeen.push(idempotencyKey);
        const { search } = this.#kept(searchId);
        const budget = { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...search.spec?.budget };
        this.#reopen(searchId);
        this.tell(searchId, {
          $case: "searchExtended",
          value: { budget: { ...budget, trials: budget.trials + trials }, idempotencyKey },
        });
        return { search: this.#kept(searchId).search };
      }),
      retryTrials: this.#unary("retryTrials", ({ searchId, trials, idempotencyKey }) => {
        this.keysSeen.push(idempotencyKey);
        this.#reopen(searchId);
        for (const trial of trials)
          this.tell(searchId, { $case: "trialRetried", value: { trial, work: undefined, idempotencyKey, allFailed: false } });
        return { search: this.#kept(searchId).search, trials };
      }),
      stopSearch: this.#unary("stopSearch", ({ searchId, reason }) => {
        this.tell(searchId, { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_STOPPED", reason } });
        return { search: this.#kept(searchId).search };
      }),
      deleteSearch: this.#unary("deleteSearch", ({ searchId }) => {
        if (this.#kept(searchId).search.status !== "SEARCH_STATUS_ENDED") {
          throw new RegulusError("failed-precondition", `search ${searchId} still runs; stop it first`);
        }
        this.searches.delete(searchId);
        return {};
      }),
      listTrials: this.#unary("listTrials", ({ searchId, bestFirst, pageSize, pageToken }) => {
        const { exported, search } = this.#kept(searchId);
        const all = exported.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
        const sign = search.spec?.objectives[0]?.direction === "DIRECTION_MAXIMIZE" ? -1 : 1;
        const rank = ({ value }: Trial) => (value === undefined ? Number.MAX_VALUE : sign * value);
        if (bestFirst) all.sort((a, b) => rank(a) - rank(b) || a.trial - b.trial);
        const start = Number(pageToken || 0);
        const end = start + (pageSize || 100);
        return { trials: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
      }),
      getTrial: this.#unary("getTrial", ({ searchId, trial }) => ({
        trial: this.#trial(searchId, trial),
        facts: this.#kept(searchId).facts.filter(
          ({ kind }) => kind !== undefined && "trial" in kind.value && kind.value.trial === trial,
        ),
      })),
      getTrialOutput: this.#unary("getTrialOutput", ({ searchId, trial, offset }) => {
        const { text, ended, attempt } = this.outputs.get(`${searchId}/${trial}`) ?? { text: "", ended: true, attempt: 1 };
        const all = Buffer.from(text);
        const data = all.subarray(offset, offset + 100);
        return {
          data,
          offset: Math.min(offset, all.length),
          nextOffset: Math.min(offset, all.length) + data.length,
          totalBytes: all.length,
          attempt,
          ended,
        };
      }),
      stopTrial: this.#unary("stopTrial", ({ searchId, trial, reason }) => {
        const found = this.#trial(searchId, trial);
        this.tell(searchId, { $case: "trialStopRequested", value: { trial, reason } });
        return { trial: found };
      }),
      exportSearch: this.#stream("exportSearch", (call) => {
        for (const one of this.#kept(call.request.searchId).exported) call.write(one);
        call.end();
      }),
      explainSearch: this.#unary("explainSearch", ({ searchId, trial }) => {
        this.#kept(searchId);
        const about = trial === undefined ? "the search" : `trial ${trial}`;
        return { summary: `${about} waits for an agent`, explanations: [{ text: "no agent is connected", position: 3 }] };
      }),
      listAgents: this.#unary("listAgents", () => ({ agents: this.agents, nextPageToken: "" })),
    };
  }

  #artifactService(): ArtifactServiceServer {
    return {
      putArtifact: (call, callback) => {
        this.calls.push("putArtifact");
        const pieces: Buffer[] = [];
        let header: ArtifactRef | undefined;
        const refuse = (message: string) => callback(toStatus(new RegulusError("invalid-argument", message)));
        call.on("data", ({ part }) => {
          if (part?.$case === "header") header = part.value;
          if (part?.$case === "data") pieces.push(part.value);
        });
        call.on("end", () => {
          const bytes = Buffer.concat(pieces);
          const sha256 = createHash("sha256").update(bytes).digest("hex");
          const longest = pieces.reduce((most, { length }) => Math.max(most, length), 0);
          if (header?.sha256 !== sha256 || header.size !== bytes.length) return refuse("the bytes are not those of the header");
          if (longest > limits.artifactChunkBytesMax) return refuse(`a piece of ${longest} bytes`);
          this.artifacts.set(sha256, bytes);
          callback(null, { artifact: header });
        });
      },
      getArtifact: this.#stream("getArtifact", (call) => {
        const bytes = this.artifacts.get(call.request.sha256);
        if (bytes === undefined) throw new RegulusError("not-found", `no artifact ${call.request.sha256}`);
        for (let start = 0; start < bytes.length; start += 100_000) call.write({ data: bytes.subarray(start, start + 100_000) });
        call.end();
      }),
    };
  }
}

/** Starts a twin that ends with a test. */
export async function startTwin(context: { after(done: () => void): void }): Promise<CoordinatorTwin> {
  const twin = new CoordinatorTwin();
  await twin.start();
  context.after(() => twin.stop());
  return twin;
}
