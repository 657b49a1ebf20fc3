/** The door for clients: every method of SearchService over a coordinator, with its checks. */
import {
  type CreateSearchRequest,
  counted,
  defaults,
  ExportSearchResponse,
  type ExtendSearchRequest,
  Fact,
  ListAgentsResponse,
  ListSearchesResponse,
  ListTrialsResponse,
  limits,
  outputPieceBytesMax,
  type RetryTrialsRequest,
  Search,
  SearchSpec,
  SearchStatus,
  SearchView,
  Trial,
  TrialStatus,
  type WatchSearchRequest,
  WatchSearchResponse,
} from "@regulus/proto";
import { SearchServiceService } from "@regulus/transport";
import type { Coordinator } from "../coordinator.js";
import { shownFact } from "../search/shown-spec.js";
import { encodedPieces, fittingPage, newestFitting } from "./answer-size.js";
import { bounds } from "./bounds.js";
import type { CallGuard, CallGuards } from "./call-guards.js";
import { type Answers, type Check, type Route, serverStream, unary } from "./calls.js";
import { encodable } from "./encodable.js";
import type { Failures } from "./failures.js";
import type { OpenStreams } from "./open-streams.js";
import { keptText } from "./request-checks.js";
import type { Watchers } from "./watchers.js";

/** What the door opens on. */
export interface SearchDoor {
  readonly coordinator: Coordinator;
  readonly failures: Failures;
  readonly streams: OpenStreams;
  readonly guards: CallGuards;
  /** Where watchers are counted. */
  readonly watchers: Watchers;
}

const search: Check<{ searchId: string }> = (request, checks) => checks.id("searchId", request.searchId);
const trial: Check<{ searchId: string; trial: number }> = (request, checks) => {
  checks.id("searchId", request.searchId);
  checks.trial("trial", request.trial);
};

/** Routes of SearchService, by the name of the method. */
export function searchRoutes(door: SearchDoor): Readonly<Record<keyof typeof SearchServiceService, Route>> {
  const { coordinator } = door;
  const methods = SearchServiceService;
  return {
    createSearch: unary(methods.createSearch, door, checkCreate, async (request, _signal, { caller }) => {
      const created = await coordinator.createSearch(request, caller);
      return { search: created, warnings: created.spec === undefined ? [] : [...coordinator.warnings(created.spec)] };
    }),
    getSearch: unary(methods.getSearch, door, search, ({ searchId }) => ({
      search: encodable(Search, coordinator.getSearch(searchId)),
      news: [...newestFitting(coordinator.getNews(searchId), (fact) => Fact.encode(fact).finish().byteLength)],
    })),
    listSearches: unary(
      { ...methods.listSearches, responseSerialize: alreadyEncoded },
      door,
      (request, checks) => {
        checks.filter("statuses", request.statuses, SearchStatus);
        checks.text("nameContains", request.nameContains, limits.nameCharactersMax);
        checks.labels("labels", request.labels);
        if (!Object.values(SearchView).includes(request.view)) checks.problem("view", request.view, "basic or full");
        checks.page(request);
      },
      (request) =>
        fittingPage(
          request.pageSize || defaults.pageSize,
          (pageSize) => coordinator.listSearches({ ...request, pageSize }),
          (page) =>
            ListSearchesResponse.encode({ ...page, searches: page.searches.map((row) => encodable(Search, row)) }).finish(),
        ),
    ),
    watchSearch: serverStream(
      methods.watchSearch,
      door,
      (request, checks) => {
        checks.id("searchId", request.searchId);
        checks.wholeNumber("after", request.after, { min: 0, max: Number.MAX_SAFE_INTEGER });
      },
      (request, signal, guard) => watch(door, request, { signal, guard }),
    ),
    pauseSearch: unary(methods.pauseSearch, door, search, async ({ searchId, reason }) => ({
      search: await coordinator.pauseSearch(searchId, keptText(reason)),
    })),
    resumeSearch: unary(methods.resumeSearch, door, search, async ({ searchId }) => ({
      search: await coordinator.resumeSearch(searchId),
    })),
    extendSearch: unary(methods.extendSearch, door, checkExtend, async (request) => ({
      search: await coordinator.extendSearch(request),
    })),
    retryTrials: unary(methods.retryTrials, door, checkRetry, (request) => coordinator.retryTrials(request)),
    stopSearch: unary(methods.stopSearch, door, search, async ({ searchId, reason }) => ({
      search: await coordinator.stopSearch(searchId, keptText(reason)),
    })),
    deleteSearch: unary(methods.deleteSearch, door, search, async ({ searchId }) => {
      await coordinator.deleteSearch(searchId);
      return {};
    }),
    listTrials: unary(
      { ...methods.listTrials, responseSerialize: alreadyEncoded },
      door,
      (request, checks) => {
        checks.id("searchId", request.searchId);
        checks.filter("statuses", request.statuses, TrialStatus);
        checks.page(request);
      },
      (request) =>
        fittingPage(
          request.pageSize || defaults.pageSize,
          (pageSize) => coordinator.listTrials({ ...request, pageSize }),
          (page) => ListTrialsResponse.encode({ ...page, trials: page.trials.map((row) => encodable(Trial, row)) }).finish(),
        ),
    ),
    getTrial: unary(methods.getTrial, door, trial, async (request, signal, { room }) => {
      const answer = await coordinator.getTrial(request.searchId, request.trial, { signal, room });
      return {
        ...answer,
        trial: answer.trial && encodable(Trial, answer.trial),
        facts: [...newestFitting(answer.facts, (fact) => Fact.encode(fact).finish().byteLength)],
      };
    }),
    getTrialOutput: unary(
      methods.getTrialOutput,
      door,
      (request, checks) => {
        trial(request, checks);
        checks.wholeNumber("offset", request.offset, { min: 0, max: Number.MAX_SAFE_INTEGER - outputPieceBytesMax });
      },
      (request, signal) => coordinator.getTrialOutput(request, signal),
    ),
    stopTrial: unary(methods.stopTrial, door, trial, async (request) => ({
      trial: await coordinator.stopTrial(request.searchId, request.trial, keptText(request.reason)),
    })),
    exportSearch: serverStream(methods.exportSearch, door, search, (request, signal, { room }) => ({
      pieces: exported(coordinator.exportSearch(request.searchId, { signal, room })),
    })),
    explainSearch: unary(
      methods.explainSearch,
      door,
      (request, checks) => {
        checks.id("searchId", request.searchId);
        if (request.trial !== undefined) checks.trial("trial", request.trial);
      },
      (request, signal, { room }) => coordinator.explainSearch(request.searchId, request.trial, { signal, room }),
    ),
    listAgents: unary(
      { ...methods.listAgents, responseSerialize: alreadyEncoded },
      door,
      (request, checks) => checks.text("pageToken", request.pageToken, bounds.pageTokenCharactersMax),
      (request) =>
        fittingPage(
          request.pageSize || defaults.pageSize,
          (pageSize) => coordinator.listAgents({ ...request, pageSize }),
          (page) => ListAgentsResponse.encode(page).finish(),
        ),
    ),
  };
}

/** For answers that were encoded when they were measured. */
const alreadyEncoded = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const checkCreate: Check<CreateSearchRequest> = (request, checks) => {
  checks.text("idempotencyKey", request.idempotencyKey, limits.nameCharactersMax);
  if (request.spec === undefined) {
    checks.problem("spec", undefined, "a search spec");
    return;
  }
  const bytes = SearchSpec.encode(request.spec).finish().byteLength;
  if (bytes > bounds.specBytesMax) checks.problem("spec", counted(bytes, "byte"), `at most ${bounds.specBytesMax} bytes`);
};

const checkExtend: Check<ExtendSearchRequest> = (request, checks) => {
  checks.id("searchId", request.searchId);
  checks.wholeNumber("trials", request.trials, { min: 0, max: limits.trialsMax });
  checks.wholeNumber("steps", request.steps, { min: 0, max: Number.MAX_SAFE_INTEGER });
  checks.wholeNumber("wallTimeMs", request.wallTimeMs, { min: 0, max: limits.wallTimeMsMax });
  checks.wholeNumber("failures", request.failures, { min: 0, max: limits.trialsMax });
  checks.text("idempotencyKey", request.idempotencyKey, limits.nameCharactersMax);
};

const checkRetry: Check<RetryTrialsRequest> = (request, checks) => {
  checks.id("searchId", request.searchId);
  checks.text("idempotencyKey", request.idempotencyKey, limits.nameCharactersMax);
  if (!checks.count("trials", request.trials.length, limits.retriedAtOnceMax)) return;
  for (const [index, trial] of request.trials.entries()) checks.trial(`trials[${index}]`, trial);
};

async function* exported(rows: AsyncIterable<ExportSearchResponse>): AsyncGenerator<Uint8Array> {
  for await (const row of rows) {
    yield* encodedPieces(row.measurements, (measurements) =>
      ExportSearchResponse.encode({ trial: row.trial, measurements: [...measurements] }).finish(),
    );
  }
}

/** Who watches. */
interface WatchingCall {
  readonly signal: AbortSignal;
  readonly guard: CallGuard;
}

function watch(door: SearchDoor, request: WatchSearchRequest, call: WatchingCall): Answers {
  let newest = request.after;
  const pieces = watched(door, request, call, (position) => {
    newest = position;
  });
  return { pieces, goOn: () => `watch again after the last position that it has, at most ${newest}` };
}

async function* watched(
  door: SearchDoor,
  { searchId, after }: WatchSearchRequest,
  { signal, guard }: WatchingCall,
  sent: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  const watcher = door.watchers.enter(searchId, after);
  try {
    for await (const { facts, live } of door.coordinator.watchSearch(searchId, after, { signal, room: guard.room })) {
      yield* encodedPieces(facts.map(shownFact), (piece) =>
        // Only the last piece may say that all that was in the log has been sent.
        WatchSearchResponse.encode({
          facts: [...piece],
          live: live && piece.at(-1)?.position === facts.at(-1)?.position,
        }).finish(),
      );
      const newest = facts.at(-1);
      if (newest === undefined) continue;
      watcher.sent(newest.position);
      sent(newest.position);
    }
  } finally {
    watcher.leave();
  }
}
