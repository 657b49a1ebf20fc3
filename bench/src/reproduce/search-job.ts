/**
 * A whole search in one worker process, one trial at a time: the strategies and procedures of a cluster without the cluster, so that what a
 * strategy reaches can be measured at equal steps. It says to the strategy what a coordinator would; it places, retries and loses nothing.
 */
import { resolveSpec, strategyContext } from "@regulus/algorithms/catalog";
import { createRng, type Proposal } from "@regulus/algorithms/core";
import { chooseBackend } from "@regulus/algorithms/kernels";
import { strategies } from "@regulus/algorithms/strategies";
import { loadProcedure, TrialFailure } from "@regulus/algorithms/training";
import {
  assert,
  EndReason,
  type Fact,
  type Measurement,
  parseSearchDocument,
  type SearchSpec,
  seedOf,
  Work,
} from "@regulus/proto";
import type { JobResult, Point } from "./job.js";

export interface SearchJob {
  /** A search file's content. Its budget has `steps`. */
  readonly search: Readonly<Record<string, unknown>>;
  /** Training steps of the search. */
  readonly steps: number;
}

/** A trial between two works. */
interface Paused {
  readonly work: Work;
  step: number;
  saved: Uint8Array | undefined;
}

/** Steps between two reports of progress. */
const reportEverySteps = 50;

export async function runSearchJob({ search }: SearchJob, advanced: (steps: number) => void): Promise<JobResult> {
  await chooseBackend("wasm");
  const run = new SearchRun(resolveSpec(parseSearchDocument(search)), advanced);
  await run.work();
  return { points: run.points, trainSeconds: run.trainSeconds };
}

class SearchRun {
  /** Measurements of all trials. */
  readonly points: Point[] = [];
  trainSeconds = 0;
  readonly #spec: SearchSpec;
  readonly #advanced: (steps: number) => void;
  readonly #tell: (kind: NonNullable<Fact["kind"]>) => void;
  readonly #ask: () => readonly Proposal[];
  readonly #trials: Paused[] = [];
  #steps = 0;

  constructor(spec: SearchSpec, advanced: (steps: number) => void) {
    this.#spec = spec;
    this.#advanced = advanced;
    const module = strategies.get(spec.strategy?.name ?? "");
    assert(module !== undefined, "the search's strategy is registered");
    const strategy = module.create(strategyContext(spec), module.spec.options.parse(spec.strategy?.options ?? {}));
    const rng = createRng(seedOf(spec));
    let state = strategy.init();
    let position = 0;
    this.#tell = (kind) => {
      position += 1;
      state = strategy.tell(state, { searchId: "reproduced", position, timeMs: position, kind });
    };
    this.#ask = () => strategy.ask(state, 1, rng);
  }

  async work(): Promise<void> {
    const budget = this.#spec.budget?.steps ?? 0;
    for (let proposals = this.#ask(); proposals.length > 0 && this.#steps < budget; proposals = this.#ask()) {
      for (const proposal of proposals) await this.#take(proposal);
    }
  }

  async #take(proposal: Proposal): Promise<void> {
    switch (proposal.kind) {
      case "report": {
        const { step, accepted, metrics, message } = proposal;
        this.#tell({ $case: "strategyStepped", value: { step, accepted, metrics: { ...metrics }, vectors: {}, message } });
        return;
      }
      case "stop":
        this.#tell({ $case: "trialStopRequested", value: { trial: proposal.trial, reason: proposal.reason } });
        this.#end(proposal.trial, EndReason.END_REASON_STOPPED_EARLY, undefined);
        return;
      case "pause":
        return;
      case "start": {
        const { procedure, parameters, options, fromTrial, untilStep, final } = proposal;
        const trial = this.#trials.length;
        const work = Work.fromPartial({
          procedure,
          parameters: { ...parameters },
          options: { ...options },
          fromTrial,
          untilStep,
          final,
        });
        const source = fromTrial === undefined ? undefined : this.#trials[fromTrial];
        this.#trials.push({ work, step: source?.step ?? 0, saved: source?.saved });
        this.#tell({ $case: "trialProposed", value: { trial, work } });
        await this.#train(trial, work);
        return;
      }
      case "resume": {
        const { trial, fromTrial, untilStep, final } = proposal;
        const paused = this.#trials[trial];
        assert(paused !== undefined, "a resumed trial was started");
        const parameters = { ...(proposal.parameters ?? paused.work.parameters) };
        const options = { ...(proposal.options ?? paused.work.options) };
        const work = Work.fromPartial({ procedure: paused.work.procedure, parameters, options, fromTrial, untilStep, final });
        if (fromTrial !== undefined) paused.saved = this.#trials[fromTrial]?.saved;
        this.#tell({ $case: "trialResumed", value: { trial, work } });
        await this.#train(trial, work);
        return;
      }
      default:
        proposal satisfies never;
    }
  }

  async #train(trial: number, work: Work): Promise<void> {
    const spec = this.#spec;
    const paused = this.#trials[trial];
    assert(paused !== undefined, "a trial that trains was started");
    const seed = createRng(seedOf(spec)).fork("seed of trial", trial).integer(Number.MAX_SAFE_INTEGER);
    const checkpoint = paused.saved;
    const procedure = await loadProcedure(work.procedure);
    const request = { spec, work, seed, found: () => undefined };
    const session = await procedure.open(checkpoint === undefined ? request : { ...request, checkpoint });
    let last: Measurement | undefined;
    try {
      const every = spec.reporting?.measureEverySteps || session.measureEverySteps;
      while (session.stepsDone < work.untilStep) {
        const since = process.cpuUsage();
        await session.step();
        const { user, system } = process.cpuUsage(since);
        this.trainSeconds += (user + system) / 1e6;
        this.#steps += 1;
        if (this.#steps % reportEverySteps === 0) this.#advanced(reportEverySteps);
        if (session.stepsDone % every !== 0 && session.stepsDone !== work.untilStep) continue;
        const observed = await session.measure();
        last = { ...observed, vectors: observed.vectors ?? {}, seconds: 0 };
        this.points.push({ step: last.step, metrics: last.metrics, learned: last.learned });
        this.#tell({ $case: "trialMeasured", value: { trial, attempt: 1, measurement: last } });
      }
      paused.step = session.stepsDone;
      if (work.final) return this.#end(trial, EndReason.END_REASON_DONE, last);
      paused.saved = await session.save();
      this.#tell({ $case: "trialPaused", value: { trial, attempt: 1, step: paused.step, artifacts: [] } });
    } catch (error) {
      if (!(error instanceof TrialFailure)) throw error;
      this.#end(trial, EndReason.END_REASON_DIVERGED, undefined);
    } finally {
      session.close();
    }
  }

  #end(trial: number, reason: EndReason, final: Measurement | undefined): void {
    const value = { trial, attempt: 1, reason, message: "", final, artifacts: [], startedMs: 0 };
    this.#tell({ $case: "trialEnded", value });
  }
}
