import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session, TrialRequest } from "@regulus/algorithms/training";
import { Lease, type Measurement, RegulusError } from "@regulus/proto";
import { countingProcedure } from "../testing/counting-procedure.js";
import { testSpec } from "../testing/test-agent.js";
import { failure, type StopReason, type TrainListener, type TrainPlan, train } from "./trainer.js";

const plan: TrainPlan = {
  untilStep: 55,
  final: true,
  measureEverySteps: 0,
  checkpointEveryMs: 1e9,
  secondsBefore: 0,
  unsavedMs: 0,
  objective: "validLoss",
  userCode: false,
};

function request(parameters: Record<string, unknown>, checkpoint?: Uint8Array): TrialRequest {
  const work = Lease.fromPartial({ work: { procedure: "fit", parameters } }).work;
  assert.ok(work);
  const found = () => undefined;
  return { spec: testSpec(), work, seed: 7, found, ...(checkpoint === undefined ? {} : { checkpoint }) };
}

/** Runs to the end, stopping at a step where told; answers what was measured and saved. */
async function run(
  over: Partial<TrainPlan>,
  options: { stopAt?: number; stop?: StopReason; checkpoint?: Uint8Array; parameters?: object; trainsModel?: boolean } = {},
) {
  const measured: Measurement[] = [];
  const saved: { step: number; seconds: number; bytes: Uint8Array }[] = [];
  let step = 0;
  const listener: TrainListener = {
    stopReason: () => (options.stopAt !== undefined && step >= options.stopAt ? (options.stop ?? "preempted") : undefined),
    alive: (at) => {
      step = at;
    },
    measured: (measurement) => void measured.push(measurement),
    mayBeSaved: () => true,
    saved: (at, seconds, bytes) => void saved.push({ step: at, seconds, bytes }),
    unsaved: () => assert.fail("nothing is full here"),
  };
  const open = async (): Promise<Session> => {
    const session = await countingProcedure.open(request({ ...options.parameters }, options.checkpoint));
    return Object.assign(session, { trainsModel: options.trainsModel === true });
  };
  const outcome = await train(open, { ...plan, ...over }, listener);
  return { outcome, measured, saved };
}

test("a trained model is saved once where its trial ends, done or stopped; what is not a model is not", async () => {
  const stepsSaved = async (...args: Parameters<typeof run>) => (await run(...args)).saved.map(({ step }) => step);
  assert.deepEqual(await stepsSaved({}, { trainsModel: true }), [55]);
  assert.deepEqual(await stepsSaved({}, { trainsModel: true, stopAt: 20, stop: "stopped-early" }), [20]);
  assert.deepEqual(await stepsSaved({ final: false }, { trainsModel: true }), [55]);
  assert.deepEqual(await stepsSaved({}), []);
  assert.deepEqual(await stepsSaved({}, { stopAt: 20, stop: "stopped-early" }), []);
});

test("a timed checkpoint without room is a finding, and training continues; one that a pause needs ends the attempt as lost", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const unsaved: number[] = [];
  const listener: TrainListener = {
    stopReason: () => undefined,
    alive: () => undefined,
    measured: () => undefined,
    mayBeSaved: () => true,
    saved: () => Promise.reject(full),
    unsaved: (step, error) => {
      assert.equal(error.code, "exhausted");
      unsaved.push(step);
    },
  };
  const open = (): Promise<Session> => countingProcedure.open(request({}));
  const outcome = await train(open, { ...plan, checkpointEveryMs: 0 }, listener);
  assert.equal(outcome.reason, "done");
  assert.equal(unsaved.length, 54);
  const paused = await train(open, { ...plan, final: false, userCode: true }, listener);
  assert.deepEqual([paused.reason, paused.message], ["lost", `the agent has no room: ${full.message}`]);
});

const numbers = (measured: readonly Measurement[]) => measured.map(({ step, metrics }) => [step, metrics.validLoss]);

test("a trial measures at every Nth step and at its end, once each", async () => {
  const { outcome, measured, saved } = await run({});
  assert.equal(outcome.reason, "done");
  assert.equal(outcome.step, 55);
  assert.deepEqual(
    measured.map(({ step }) => step),
    [10, 20, 30, 40, 50, 55],
  );
  assert.equal(outcome.final?.step, 55);
  assert.equal(saved.length, 0, "a trial that ends needs no checkpoint");
  const even = await run({ untilStep: 40, measureEverySteps: 20 });
  assert.deepEqual(
    even.measured.map(({ step }) => step),
    [20, 40],
  );
});

test("stopped and resumed twice, a trial measures the same numbers to the last bit", async () => {
  const whole = await run({});
  const first = await run({}, { stopAt: 13 });
  assert.equal(first.outcome.reason, "preempted");
  assert.equal(first.saved[0]?.step, 13);
  const second = await run({}, { stopAt: 34, checkpoint: first.saved[0]?.bytes ?? new Uint8Array() });
  const third = await run({}, { checkpoint: second.saved[0]?.bytes ?? new Uint8Array() });
  assert.deepEqual(numbers([...first.measured, ...second.measured, ...third.measured]), numbers(whole.measured));
});

test("a trial that pauses at its step saves there, and seconds add up over attempts", async () => {
  const paused = await run({ final: false, untilStep: 20, secondsBefore: 100 });
  assert.deepEqual([paused.outcome.reason, paused.saved[0]?.step], ["done", 20]);
  assert.ok((paused.saved[0]?.seconds ?? 0) >= 100);
  assert.ok((paused.outcome.final?.seconds ?? 0) >= 100);
});

test("a trial resumed at its step measures once and ends", async () => {
  const paused = await run({ final: false, untilStep: 20 });
  const again = await run({ untilStep: 20 }, { checkpoint: paused.saved[0]?.bytes ?? new Uint8Array() });
  assert.deepEqual(numbers(again.measured), numbers(paused.measured.slice(-1)));
});

test("stopping early neither saves nor measures again", async () => {
  const { outcome, measured, saved } = await run({}, { stopAt: 25, stop: "stopped-early" });
  assert.deepEqual([outcome.reason, outcome.step, outcome.final?.step, saved.length], ["stopped-early", 25, 20, 0]);
  assert.equal(measured.length, 2);
});

test("checkpoints come by the clock and change no number", async () => {
  const often = await run({ checkpointEveryMs: 0 });
  assert.equal(often.saved.length, 54, "after every step but the last");
  assert.deepEqual(numbers(often.measured), numbers((await run({})).measured));
});

test("a trial leaves its results where it ends, and what fails there costs no number", async () => {
  const text = ({ results }: Awaited<ReturnType<typeof run>>["outcome"]) =>
    results.map(({ kind, bytes }) => `${kind}: ${Buffer.from(bytes).toString("utf8")}`);
  const leaves = { parameters: { leaves: "words" } };
  assert.deepEqual(text((await run({}, leaves)).outcome), ["report: words at 55"]);
  const stopped = await run({}, { ...leaves, stopAt: 25, stop: "stopped-early" });
  assert.deepEqual(text(stopped.outcome), ["report: words at 25"]);
  assert.deepEqual(text((await run({ final: false }, leaves)).outcome), [], "a paused trial continues");
  const atPause = { parameters: { leaves: "words", leavesAtPause: "so far" } };
  assert.deepEqual(text((await run({ final: false }, atPause)).outcome), ["report: so far at 55"]);
  assert.deepEqual(text((await run({ final: false }, { ...atPause, stopAt: 25 })).outcome), [], "preempted before its pause");
  assert.deepEqual(text((await run({}, { ...leaves, stopAt: 25 })).outcome), [], "so does a preempted one");
  const failed = (await run({}, { parameters: { leaves: "fail" } })).outcome;
  assert.deepEqual([failed.reason, failed.final?.step, failed.results.length], ["done", 55, 0]);
  assert.match(failed.message, /results could not be made: no paper/);
});

test("a loss that is not finite ends the trial as diverged, with the measurement that shows it", async () => {
  const { outcome } = await run({}, { parameters: { at: 25, fault: "nan" } });
  assert.equal(outcome.reason, "diverged");
  assert.equal(outcome.step, 30);
  assert.ok(Number.isNaN(outcome.final?.metrics.validLoss));
  assert.match(outcome.message, /validLoss is NaN at step 30/);
});

test("what a session throws becomes a reason that the coordinator's retries fit", async () => {
  assert.equal((await run({}, { parameters: { at: 5, fault: "infeasible" } })).outcome.reason, "infeasible");
  assert.equal((await run({}, { parameters: { at: 5, fault: "throw" } })).outcome.reason, "lost", "our code: tried again");
  const users = await run({ userCode: true }, { parameters: { at: 5, fault: "throw" } });
  assert.equal(users.outcome.reason, "user-error", "the user's code: not tried again");
  assert.match(users.outcome.message, /the test's own failure/);
  assert.equal(failure(new RangeError("Array buffer allocation failed"), true).reason, "out-of-memory");
  assert.equal(failure(new RegulusError("invalid-argument", "no such option"), false).reason, "user-error");
  assert.equal(failure(new RegulusError("data-loss", "cut short"), false).reason, "lost");
});

test("a stop that comes while a session computes is heard within a few steps", async () => {
  let stop: StopReason | undefined;
  setTimeout(() => {
    stop = "stopped-early";
  }, 30);
  const open = () => countingProcedure.open(request({}));
  const outcome = await train(
    open,
    { ...plan, untilStep: 1e9, measureEverySteps: 1e9 },
    {
      stopReason: () => stop,
      alive: () => undefined,
      measured: () => undefined,
      mayBeSaved: () => true,
      saved: () => undefined,
      unsaved: () => undefined,
    },
  );
  // Steps here never wait, so only the loop's own yielding lets the timer run.
  assert.equal(outcome.reason, "stopped-early");
});
