/**
 * One training run of a reproduction, as plain data, so that it can be sent to a worker process: the same procedures that agents run, without
 * a cluster around them.
 */
import { chooseBackend } from "@regulus/algorithms/kernels";
import { loadProcedure, type Session, TrialFailure } from "@regulus/algorithms/training";
import { SearchSpec, Work } from "@regulus/proto";

export interface Job {
  readonly procedure: "fit" | "self-tune";
  /** A registered workload, or a module's path where it holds a slash. */
  readonly workload: string;
  readonly workloadOptions: Readonly<Record<string, unknown>>;
  readonly techniques: readonly string[];
  /** Names of probes; absent for none. */
  readonly probes?: readonly string[];
  /** Parameters of the space: name and range. */
  readonly space: readonly { readonly name: string; readonly min: number; readonly max: number; readonly log?: boolean }[];
  readonly parameters: Readonly<Record<string, number>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: number;
  readonly measureEverySteps: number;
  /** Of data and splits. */
  readonly dataSeed: number;
  /** Of weights, order and noise. */
  readonly seed: number;
}

/** A measurement of a job. */
export interface Point {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learned: Readonly<Record<string, number>>;
}

export interface JobResult {
  /** In order of steps; cut short where the run diverged. */
  readonly points: readonly Point[];
  /**
   * Processor seconds of training alone, without measuring, so that what else the machine does counts little. Its first tenth, in which code is
   * still being compiled, counts as the others do.
   */
  readonly trainSeconds: number;
}

/** Steps between two reports of progress. */
const reportEverySteps = 50;
/** Share of the steps at the start that is not timed. */
const coldShare = 0.1;

/** The session that works on a job. */
export async function openJob(job: Job): Promise<Session> {
  await chooseBackend("wasm");
  const isPath = job.workload.includes("/");
  const spec = SearchSpec.fromPartial({
    workload: { name: isPath ? "" : job.workload, module: isPath ? job.workload : "", options: { ...job.workloadOptions } },
    techniques: job.techniques.map((name) => ({ name, options: {} })),
    probes: (job.probes ?? []).map((name) => ({ name, options: {} })),
    space: job.space.map(({ name, min, max, log }) => ({
      name,
      domain: { $case: "double", value: { min, max, scale: log ? "SCALE_LOG" : "SCALE_LINEAR" } },
    })),
    seed: job.dataSeed,
  });
  const work = Work.fromPartial({
    ...job,
    parameters: { ...job.parameters },
    options: { ...job.options },
    untilStep: job.steps,
    final: true,
  });
  return (await loadProcedure(job.procedure)).open({ spec, work, seed: job.seed, found: () => undefined });
}

export async function runJob(job: Job, advanced: (steps: number) => void): Promise<JobResult> {
  const session = await openJob(job);
  const points: Point[] = [];
  const timedFrom = Math.ceil(job.steps * coldShare);
  let timed = 0;
  let since = process.cpuUsage();
  try {
    while (session.stepsDone < job.steps) {
      await session.step();
      const { stepsDone } = session;
      if (stepsDone === timedFrom) since = process.cpuUsage();
      if (stepsDone % reportEverySteps === 0) advanced(reportEverySteps);
      if (stepsDone % job.measureEverySteps !== 0 && stepsDone !== job.steps) continue;
      const { user, system } = process.cpuUsage(since);
      if (stepsDone > timedFrom) timed += user + system;
      const { step, metrics, learned } = await session.measure();
      points.push({ step, metrics, learned });
      since = process.cpuUsage();
    }
  } catch (error) {
    if (!(error instanceof TrialFailure)) throw error;
  } finally {
    session.close();
  }
  return { points, trainSeconds: timed / 1e6 / (1 - coldShare) };
}
