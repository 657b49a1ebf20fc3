/** What a coordinator's twin keeps, and how its calls are noted and failed. */
import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import {
  type Agent,
  type ExportSearchResponse,
  type Fact,
  RegulusError,
  type Search,
  type SearchSpec,
  type Trial,
  type Warning,
  type WatchSearchRequest,
  type WatchSearchResponse,
} from "@regulus/proto";
import { toStatus } from "@regulus/transport";

/** A search as the twin keeps it. */
interface Kept {
  search: Search;
  facts: Fact[];
  exported: ExportSearchResponse[];
  watchers: Set<ServerWritableStream<WatchSearchRequest, WatchSearchResponse>>;
}

/** Searches, trials, facts and artifacts in memory. */
export class KeptSearches {
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
    const kept = this.kept(searchId);
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

  /** The search of an id. */
  kept(searchId: string): Kept {
    const kept = this.searches.get(searchId);
    if (kept === undefined) throw new RegulusError("not-found", `no search ${searchId}`);
    return kept;
  }

  /** One of its trials. */
  trial(searchId: string, number: number): Trial {
    const trial = this.kept(searchId).exported.find((one) => one.trial?.trial === number)?.trial;
    if (trial === undefined) throw new RegulusError("not-found", `search ${searchId} has no trial ${number}`);
    return trial;
  }

  /** Notes the call; throws the failure that a test has put in its way. */
  arrived(name: string, request: unknown): void {
    this.calls.push(name);
    this.requests.set(name, [...(this.requests.get(name) ?? []), request]);
    const failure = this.failures.get(name)?.shift();
    if (failure !== undefined) throw failure;
  }

  /** A call with one answer. */
  unary<Request, Response>(name: string, answer: (request: Request) => Response): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      try {
        this.arrived(name, call.request);
        callback(null, answer(call.request));
      } catch (thrown) {
        callback(toStatus(RegulusError.from(thrown)));
      }
    };
  }

  /** A call with a stream of answers. */
  stream<Request, Response>(
    name: string,
    answer: (call: ServerWritableStream<Request, Response>) => void,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      try {
        this.arrived(name, call.request);
        answer(call);
      } catch (thrown) {
        call.emit("error", toStatus(RegulusError.from(thrown)));
      }
    };
  }

  /** Opens a search that has ended. */
  reopen(searchId: string): void {
    const kept = this.kept(searchId);
    if (kept.search.status !== "SEARCH_STATUS_ENDED") return;
    kept.search = { ...kept.search, status: "SEARCH_STATUS_RUNNING", outcome: "SEARCH_OUTCOME_UNSPECIFIED", reason: "" };
    this.tell(searchId, { $case: "searchReopened", value: { reason: "asked for" } });
  }
}
