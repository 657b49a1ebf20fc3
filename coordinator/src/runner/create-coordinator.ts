/**
 * The coordinator as its doors see it: checks requests, hands what changes something to the runner's rounds, and answers the rest from
 * the states and the log.
 */

import { diagnostics as registeredDiagnostics } from "@regulus/algorithms/diagnostics";
import { strategies as registered } from "@regulus/algorithms/strategies";
import {
  type ArtifactRef,
  type CreateSearchRequest,
  counted,
  defaults,
  type ExplainSearchResponse,
  type ExportSearchResponse,
  type ExtendSearchRequest,
  type Fact,
  type GetTrialOutputRequest,
  type GetTrialOutputResponse,
  type GetTrialResponse,
  type ListAgentsRequest,
  type ListAgentsResponse,
  type ListSearchesRequest,
  type ListSearchesResponse,
  type ListTrialsRequest,
  type ListTrialsResponse,
  type Register,
  RegulusError,
  type RetryTrialsRequest,
  type RetryTrialsResponse,
  type Search,
  type SearchSpec,
  type Trial,
  type Warning,
} from "@regulus/proto";
import type { AgentConnection, Coordinator, CoordinatorGauges, Reader, Upload } from "../coordinator.js";
import { explain } from "../explain/explain.js";
import type { SearchCommand } from "../search/commands.js";
import type { SearchState } from "../search/search-state.js";
import { InlineHost, type StrategyHost } from "../strategy-host/strategy-host.js";
import { WorkerHost } from "../strategy-host/worker-host.js";
import { warnOfMissing } from "./artifacts/missing-artifacts.js";
import { type AgentLink, connectAgent } from "./calls/connect-agent.js";
import { createSearch, newId, newSeed } from "./calls/create-search.js";
import { exportTrials } from "./calls/export-trials.js";
import { gaugesOf } from "./calls/gauges.js";
import { listAgents, listSearches, listTrials } from "./calls/listings.js";
import { OutputDesk } from "./calls/output-desk.js";
import { searchWarnings } from "./calls/search-warnings.js";
import { shareOf } from "./calls/share-words.js";
import type { CoordinatorOptions } from "./coordinator-options.js";
import { openWith, type ReopeningOptions } from "./round/reopened-searches.js";
import { Runner } from "./round/runner.js";
import { newestFacts, readThrough } from "./searches/log-pieces.js";
import { SearchDiagnostics } from "./searches/search-diagnostics.js";
import type { Watched } from "./searches/watchers.js";
import { systemClock } from "./system-clock.js";

/** Reads the log and serves. Fails with "data-loss" where the log is damaged. */
export async function createCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const strategies = options.strategies ?? registered;
  const host = (spec: SearchSpec): StrategyHost => {
    const heavy = strategies.get(spec.strategy?.name ?? "")?.spec.cost === "heavy";
    if (!heavy) return new InlineHost(strategies, spec);
    return new WorkerHost(spec, options.strategiesUrl === undefined ? {} : { strategiesUrl: options.strategiesUrl });
  };
  const clock = options.clock ?? systemClock;
  const diagnostics = (spec: SearchSpec) => new SearchDiagnostics(options.diagnostics ?? registeredDiagnostics, spec);
  const runner = new Runner({
    log: options.log,
    artifacts: options.artifacts,
    feed: options.feed ?? { publish: () => undefined, close: async () => undefined },
    clock,
    leaseTimeoutMs: options.leaseTimeoutMs ?? defaults.leaseTimeoutMs,
    endGraceMs: options.endGraceMs ?? defaults.endGraceMs,
    defer: options.defer ?? ((call) => void setImmediate(call)),
    host,
    diagnostics,
    onLogFailure: options.onLogFailure ?? (() => undefined),
    notify: options.notify ?? (() => undefined),
    uploadBounds: options.uploadBounds,
  });
  await runner.start();
  // What it finds wrong it will find again at the next start; nobody waits for it.
  runner.ledger.sweep().then(
    (missing) => warnOfMissing(runner.notify, missing),
    () => undefined,
  );
  options.sweepAgain?.(() => void runner.ledger.sweepAgain().catch(() => undefined));
  const { log } = options;
  const nowMs = () => clock.now();
  return new CoordinatorCore(runner, options, { runner, log, host, diagnostics, nowMs });
}

/** Of commands that stop or delete: they are taken on a full log too. */
const makesRoom = { makesRoom: true };

class CoordinatorCore implements Coordinator {
  readonly gauges: CoordinatorGauges;
  readonly #runner: Runner;
  readonly #options: CoordinatorOptions;
  readonly #outputs: OutputDesk;
  readonly #reopening: ReopeningOptions;

  constructor(runner: Runner, options: CoordinatorOptions, reopening: ReopeningOptions) {
    this.#runner = runner;
    this.#reopening = reopening;
    this.#options = options;
    this.gauges = gaugesOf(runner);
    this.#outputs = new OutputDesk({
      agents: runner.agents,
      artifacts: options.artifacts,
      clock: options.clock ?? systemClock,
      trial: (searchId, number) => {
        const state = runner.stateToRead(searchId);
        const trial = state.trial(number);
        if (trial === undefined) throw noTrial(state, number);
        return trial;
      },
    });
  }

  createSearch(request: CreateSearchRequest, caller?: string): Promise<Search> {
    const fresh = { newId: this.#options.newId ?? newId, newSeed: this.#options.newSeed ?? newSeed };
    return createSearch(this.#runner, request, fresh, caller);
  }

  warnings(spec: SearchSpec): readonly Warning[] {
    return searchWarnings(spec, this.#runner.agents.forPlan());
  }

  getSearch(searchId: string): Search {
    const { view } = this.#runner.entry(searchId);
    if (view === undefined) throw new RegulusError("not-found", `there is no search ${JSON.stringify(searchId)}`);
    return view;
  }

  getNews(searchId: string): readonly Fact[] {
    const { position } = this.getSearch(searchId);
    return this.#runner
      .entry(searchId)
      .state.news.all()
      .filter((fact) => fact.position <= position);
  }

  listSearches(request: ListSearchesRequest): ListSearchesResponse {
    return listSearches([...this.#runner.searches.all], request);
  }

  async pauseSearch(searchId: string, reason: string): Promise<Search> {
    return this.#commandSearch(searchId, { kind: "pauseSearch", reason });
  }

  async resumeSearch(searchId: string): Promise<Search> {
    return this.#commandSearch(searchId, { kind: "resumeSearch" });
  }

  async extendSearch({ searchId, idempotencyKey: key, ...more }: ExtendSearchRequest): Promise<Search> {
    const command = { kind: "extendSearch", more, key, nowMs: 0 } as const;
    return openWith(this.#reopening, searchId, command, ({ state }) => state.view());
  }

  async retryTrials({ searchId, trials, idempotencyKey: key }: RetryTrialsRequest): Promise<RetryTrialsResponse> {
    const command = { kind: "retryTrials", trials, key, nowMs: 0 } as const;
    return openWith(this.#reopening, searchId, command, ({ state }, facts) => {
      const retried = facts.flatMap(({ kind }) => (kind?.$case === "trialRetried" ? [kind.value.trial] : []));
      // A repeated call is answered like the first.
      return { search: state.view(), trials: facts.length === 0 ? [...state.keyed.retriedWith(key)] : retried };
    });
  }

  async stopSearch(searchId: string, reason: string): Promise<Search> {
    return this.#commandSearch(
      searchId,
      { kind: "stopSearch", reason: reason || "stopped by its user", completes: false },
      makesRoom,
    );
  }

  async deleteSearch(searchId: string): Promise<void> {
    const runner = this.#runner;
    await runner.call(() => {
      const entry = runner.entry(searchId);
      if (entry.active) {
        throw new RegulusError("failed-precondition", `search ${searchId} is not over; stop it before it is deleted`);
      }
      entry.leaving = true;
      return () =>
        runner.remove(entry).finally(() => {
          entry.leaving = false;
        });
    }, makesRoom);
  }

  async *watchSearch(searchId: string, after: number, reader: Reader = {}): AsyncGenerator<Watched> {
    const { watchers, durable } = this.#runner.entry(searchId);
    if (after > durable) {
      throw new RegulusError(
        "out-of-range",
        `search ${searchId} has ${counted(durable, "fact")} and the watch begins after ${after}: the log is an older copy, or another search's; watch from 0`,
      );
    }
    const endPosition = () => {
      const entry = this.#runner.searches.get(searchId);
      return entry === undefined || entry.active || entry.fresh.length > 0 ? undefined : entry.durable;
    };
    yield* watchers.watch({ log: this.#options.log, searchId, after, reader, endPosition });
  }

  listTrials(request: ListTrialsRequest): ListTrialsResponse {
    return listTrials(this.#runner.stateToRead(request.searchId), request);
  }

  async getTrial(searchId: string, number: number, reader: Reader = {}): Promise<GetTrialResponse> {
    const state = this.#runner.stateToRead(searchId);
    const trial = state.trial(number);
    if (trial === undefined) throw noTrial(state, number);
    return { trial, facts: await newestFacts(this.#options.log, { searchId, about: { trial: number } }, reader) };
  }

  getTrialOutput(request: GetTrialOutputRequest, signal?: AbortSignal): Promise<GetTrialOutputResponse> {
    return this.#outputs.read(request, signal);
  }

  async stopTrial(searchId: string, number: number, reason: string): Promise<Trial> {
    const runner = this.#runner;
    return runner.call(() => {
      const entry = runner.entry(searchId);
      runner.decisions.command(entry, { kind: "stopTrial", trial: number, reason: reason || "stopped by its user" });
      return () => {
        const trial = entry.state.trial(number);
        if (trial === undefined) throw noTrial(entry.state, number);
        return trial;
      };
    }, makesRoom);
  }

  async *exportSearch(searchId: string, reader: Reader = {}): AsyncGenerator<ExportSearchResponse> {
    yield* exportTrials(this.#options.log, this.#runner.stateToRead(searchId), reader);
  }

  async explainSearch(searchId: string, trial: number | undefined, reader: Reader = {}): Promise<ExplainSearchResponse> {
    const { clock = systemClock } = this.#options;
    const asked = { searchId, trial, nowMs: clock.now() };
    const explained = await explain(readThrough(this.#options.log, { searchId }, reader), asked);
    const share = trial === undefined ? shareOf(this.#runner, searchId, asked.nowMs) : undefined;
    return share === undefined ? explained : { ...explained, explanations: [share, ...explained.explanations] };
  }

  listAgents(request: ListAgentsRequest): ListAgentsResponse {
    return listAgents(this.#runner.agents.views(), request);
  }

  beginUpload(caller: string, artifact: ArtifactRef): Promise<Upload> {
    return this.#runner.ledger.beginUpload(caller, artifact);
  }

  connectAgent(register: Register, send: AgentLink["send"], close: AgentLink["close"]): AgentConnection {
    const {
      version = "",
      heartbeatEveryMs = defaults.heartbeatEveryMs,
      leaseTimeoutMs = defaults.leaseTimeoutMs,
    } = this.#options;
    return connectAgent(this.#runner, register, {
      send,
      close,
      version,
      heartbeatEveryMs,
      leaseTimeoutMs,
      artifacts: this.#options.artifacts,
      outputs: this.#outputs,
    });
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  async #commandSearch(
    searchId: string,
    command: SearchCommand,
    options: { readonly makesRoom?: boolean } = {},
  ): Promise<Search> {
    const runner = this.#runner;
    return runner.call(() => {
      const entry = runner.entry(searchId);
      runner.decisions.command(entry, command);
      // A repeated stop changes nothing, but on a full log the search may end by it.
      runner.decisions.touch(entry);
      return () => entry.state.view();
    }, options);
  }
}

function noTrial(state: SearchState, number: number): RegulusError {
  return new RegulusError("not-found", `search ${state.searchId} has no trial ${number}; it has ${state.nextTrial} so far`);
}
