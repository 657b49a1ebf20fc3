/**
 * The trainer: the one loop that every trial runs in, over a Session. It measures at fixed steps, so that a stopped
 * and resumed trial measures exactly where an undisturbed one does; it saves by the clock, which changes no number. It knows nothing of
 * processes, connections and leases.
 */
import type { Session, SessionResult } from "@regulus/algorithms/training";
import { TrialFailure } from "@regulus/algorithms/training";
import { type Measurement, metricOf, RegulusError } from "@regulus/proto";

/** Longest time without looking at what the outside says (stop, a parent that is gone), in milliseconds. */
const yieldEveryMs = 20;

/** Results that one trial may leave; a bound against a session that makes one for every step. */
const resultsMax = 32;
const resultKind = /^[a-z][a-z0-9-]{0,31}$/;

/** What ends a trial from outside. `stopped-early` ends at once; `preempted` saves first. */
export type StopReason = "stopped-early" | "preempted";

/** Why the loop is over. */
export type OutcomeReason = "done" | StopReason | "diverged" | "infeasible" | "user-error" | "out-of-memory" | "lost";

export interface Outcome {
  readonly reason: OutcomeReason;
  /** In words where something went wrong; empty else. */
  readonly message: string;
  /** Steps done. */
  readonly step: number;
  /** The newest measurement of this attempt. */
  readonly final: Measurement | undefined;
  /** What the session leaves; nothing where it goes on elsewhere. */
  readonly results: readonly SessionResult[];
}

export interface TrainPlan {
  /** The step to reach; 0 for until the session says that it has ended. */
  readonly untilStep: number;
  /** Whether the trial is over there; else it is saved, to be resumed. */
  readonly final: boolean;
  /** Steps between two measurements; 0 for the session's own choice. */
  readonly measureEverySteps: number;
  /** Milliseconds between two checkpoints. */
  readonly checkpointEveryMs: number;
  /** Seconds that earlier attempts trained. */
  readonly secondsBefore: number;
  /** Milliseconds for which nothing was saved already: attempts before this one, in the same session, may have paused without. */
  readonly unsavedMs: number;
  /** The first objective's metric: where it is measured and not finite, the trial has diverged. */
  readonly objective: string;
  /** Whether the workload is the user's own code, so that what it throws is the user's to mend. */
  readonly userCode: boolean;
}

/** What the loop tells, and what it asks. */
export interface TrainListener {
  /** Why to stop, once there is a reason. Asked at every step. */
  stopReason(): StopReason | undefined;
  /** A sign of life: opened, or a step is done. */
  alive(step: number): void;
  measured(measurement: Measurement): void;
  /** Whether a checkpoint by the clock may be taken now (the one before is on its way for good). */
  mayBeSaved(): boolean;
  saved(step: number, seconds: number, bytes: Uint8Array): Promise<void> | void;
  /** Takes over a session whose trial pauses or goes on later. Absent: it is closed, and so what it did has to be saved. */
  keep?(session: Session): void;
  /** A checkpoint by the clock, or the final one, found no room. The trial counts all the same, and the next one may find some. */
  unsaved(step: number, error: RegulusError): void;
}

/** Works on a trial to its end. Never throws for what a session does; the outcome says what happened. */
export async function train(open: () => Promise<Session>, plan: TrainPlan, listener: TrainListener): Promise<Outcome> {
  const progress: Progress = { step: 0, newest: undefined };
  let session: Session | undefined;
  let kept = false;
  try {
    session = await open();
    listener.alive(session.stepsDone);
    const reason = await loop(session, plan, listener, progress);
    const ends = reason === "stopped-early" || (reason === "done" && plan.final);
    const pauses = reason === "done" && !plan.final;
    const leaves = ends ? session.results : pauses ? session.resultsAtPause : undefined;
    const left = leaves === undefined ? nothingLeft : await resultsOf(leaves.bind(session));
    kept = !ends && session.resume !== undefined && listener.keep !== undefined;
    if (kept) listener.keep?.(session);
    return { reason, ...left, step: session.stepsDone, final: progress.newest };
  } catch (error) {
    const step = session?.stepsDone ?? progress.step;
    return { ...failure(error, plan.userCode), step, final: progress.newest, results: [] };
  } finally {
    if (!kept) session?.close();
  }
}

const nothingLeft = { results: [], message: "" };

/** What a session leaves, or words about why it could not: the trial's numbers count all the same. */
async function resultsOf(leaves: () => Promise<readonly SessionResult[]>): Promise<Pick<Outcome, "results" | "message">> {
  try {
    const results = await leaves();
    const strange = results.find(({ kind }) => !resultKind.test(kind));
    if (strange !== undefined) throw new Error(`saw the kind ${JSON.stringify(strange.kind)}, expected ${resultKind.source}`);
    if (results.length > resultsMax) throw new Error(`saw ${results.length} of them, expected at most ${resultsMax}`);
    return { results, message: "" };
  } catch (error) {
    return { results: [], message: `its results could not be made: ${error instanceof Error ? error.message : String(error)}` };
  }
}

interface Progress {
  step: number;
  newest: Measurement | undefined;
}

async function loop(
  session: Session,
  plan: TrainPlan,
  listener: TrainListener,
  progress: Progress,
): Promise<"done" | StopReason> {
  const every = plan.measureEverySteps || Math.max(1, session.measureEverySteps);
  const startedMs = performance.now();
  const seconds = () => plan.secondsBefore + (performance.now() - startedMs) / 1000;
  let yieldedMs = startedMs;
  let savedMs = startedMs - plan.unsavedMs;
  let savedStep = -1;
  const reached = () => (plan.untilStep > 0 && session.stepsDone >= plan.untilStep) || session.ended;

  while (!reached()) {
    const stop = listener.stopReason();
    if (stop !== undefined) {
      if (stop === "preempted") await listener.saved(session.stepsDone, seconds(), await session.save());
      else if (session.trainsModel === true && savedStep !== session.stepsDone) await saveIfRoom(session, seconds(), listener);
      return stop;
    }
    const before = session.stepsDone;
    await session.step();
    progress.step = session.stepsDone;
    listener.alive(session.stepsDone);
    const isDue = session.stepsDone > before && session.stepsDone % every === 0;
    if (isDue && !reached()) await measure(session, plan, seconds(), listener, progress);
    const nowMs = performance.now();
    if (nowMs - savedMs >= plan.checkpointEveryMs && listener.mayBeSaved() && !reached()) {
      await saveIfRoom(session, seconds(), listener);
      savedMs = performance.now();
      savedStep = session.stepsDone;
    }
    if (nowMs - yieldedMs >= yieldEveryMs) {
      await new Promise((resolve) => setImmediate(resolve));
      yieldedMs = performance.now();
    }
  }
  // Saved first: whoever hears of the last measurement of a trial that pauses may count on its checkpoint.
  // Both tell the same seconds, so that the time of a trial that is resumed never goes back, however long saving took.
  const trained = seconds();
  const isDue = performance.now() - savedMs >= plan.checkpointEveryMs;
  const mayStay = session.mayPauseUnsaved === true && session.resume !== undefined && listener.keep !== undefined;
  if (!plan.final && (isDue || !mayStay)) await listener.saved(session.stepsDone, trained, await session.save());
  // The final model. Its trial counts without it, too.
  if (plan.final && session.trainsModel === true) await saveIfRoom(session, trained, listener);
  await measure(session, plan, trained, listener, progress);
  return "done";
}

/** Saves, unless there is no room, which is told. */
async function saveIfRoom(session: Session, seconds: number, listener: TrainListener): Promise<void> {
  const bytes = await session.save();
  try {
    await listener.saved(session.stepsDone, seconds, bytes);
  } catch (thrown) {
    const error = RegulusError.from(thrown);
    if (error.code !== "exhausted") throw thrown;
    listener.unsaved(session.stepsDone, error);
  }
}

async function measure(
  session: Session,
  plan: TrainPlan,
  seconds: number,
  listener: TrainListener,
  progress: Progress,
): Promise<void> {
  const measurement: Measurement = { vectors: {}, ...(await session.measure()), seconds };
  progress.newest = measurement;
  listener.measured(measurement);
  listener.alive(session.stepsDone);
  const value = metricOf(measurement.metrics, plan.objective);
  if (value !== undefined && !Number.isFinite(value)) {
    throw new TrialFailure(
      "diverged",
      `${plan.objective} is ${value} at step ${measurement.step}: training stopped being finite`,
    );
  }
}

/** What something thrown means for the trial. Codes that say "the request is wrong" are the user's; what memory lacks is out of memory. */
export function failure(error: unknown, userCode: boolean): { reason: OutcomeReason; message: string } {
  if (error instanceof TrialFailure) return { reason: error.reason, message: error.message };
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (/out of memory|allocation failed|cannot enlarge memory|invalid array buffer length/i.test(words)) {
    return { reason: "out-of-memory", message: words };
  }
  if (error instanceof RegulusError) {
    const mendable = error.code === "invalid-argument" || error.code === "failed-precondition" || error.code === "not-found";
    return { reason: mendable ? "user-error" : "lost", message: error.message };
  }
  // A full disk is the agent's trouble, whoever's code met it.
  const { code, message } = RegulusError.from(error);
  if (code === "exhausted") return { reason: "lost", message: `the agent has no room: ${message}` };
  return { reason: userCode ? "user-error" : "lost", message: words };
}
