/** Searches and agents in every state that commands tell of, on a coordinator's twin. */
import { Agent, type ArtifactRef, Measurement, Search, SearchSpec, StrategyStepped, Trial, Work } from "@regulus/proto";
import type { CoordinatorTwin } from "../../testing/coordinator-twin.js";

const createdMs = Date.UTC(2026, 0, 5, 9, 30);
const hour = 3_600_000;

function ref(kind: string, letter: string, size: number): ArtifactRef {
  return { kind, sha256: letter.repeat(64), size };
}

const double = (name: string, min: number, max: number, scale: "SCALE_LOG" | "SCALE_LINEAR") => ({
  name,
  domain: { $case: "double" as const, value: { min, max, scale } },
});

const digits = SearchSpec.fromPartial({
  name: "digits",
  workload: { name: "mnist-mlp" },
  objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
  strategy: { name: "asha" },
  space: [double("learningRate", 1e-5, 1, "SCALE_LOG"), double("dropout", 0, 0.8, "SCALE_LINEAR")],
  budget: { trials: 6, stepsPerTrial: 4000 },
  seed: 7,
  labels: { team: "vision" },
});

const program = SearchSpec.fromPartial({
  name: "grid",
  command: { argv: ["python3", "train.py", "--fast"] },
  objectives: [{ metric: "val/acc", direction: "DIRECTION_MAXIMIZE", value: "OBJECTIVE_VALUE_LAST" }],
  strategy: { name: "grid" },
  budget: { trials: 12 },
});

function measured(step: number, validLoss: number, more: Parameters<typeof Measurement.fromPartial>[0] = {}): Measurement {
  return Measurement.fromPartial({
    step,
    metrics: { validLoss, validError: validLoss / 3 },
    seconds: step / 8,
    attempt: 1,
    ...more,
  });
}

/** A search that has ended, with a trial of every kind. */
export function addDigits(twin: CoordinatorTwin): void {
  const failure = 'Traceback (most recent call last):\n  File "train.py", line 3\nRuntimeError: out of patience';
  const kept = twin.add("7f3a0001", digits, {
    ...Search.fromPartial({
      searchId: "7f3a0001",
      spec: digits,
      status: "SEARCH_STATUS_ENDED",
      outcome: "SEARCH_OUTCOME_COMPLETED",
      reason: "budget spent: 6 of 6 trials",
      createdMs,
      endedMs: createdMs + 2 * hour,
      ranMs: hour + 90_000,
      counts: { done: 2, stopped: 1, failed: 2, paused: 1 },
      bestTrial: 1,
      bestValue: 0.1193456789,
      steps: 123_456,
      slotSeconds: 7500,
      wastedSlotSeconds: 1500,
      wastedByReason: { user_error: 300, out_of_memory: 1200 },
      strategyStepsAccepted: 1200,
      strategyStepsRefused: 3,
      arms: [
        { name: "", trials: 3, steps: 9000, bestTrial: 1, bestValue: 0.12 },
        { name: "control", trials: 1, steps: 4000, bestTrial: 0, bestValue: 0.1 },
        { name: "replay", trials: 1, steps: 400 },
      ],
      failureGroups: [{ reason: "END_REASON_USER_ERROR", message: failure, trials: 2, firstTrial: 3 }],
    }),
  });
  const work = (learningRate: number, more: Parameters<typeof Work.fromPartial>[0] = {}) =>
    Work.fromPartial({
      procedure: "fit",
      parameters: { learningRate, optimizer: "adam", layers: [64, 32] },
      untilStep: 4000,
      ...more,
    });
  const trial = (number: number, more: Parameters<typeof Trial.fromPartial>[0]) =>
    Trial.fromPartial({
      searchId: "7f3a0001",
      trial: number,
      attempts: 1,
      agentId: "gpu-1",
      work: work(0.01 * (number + 1)),
      ...more,
    });
  const best = measured(3000, 0.1193456789, { learned: { dropout: 0.25 }, scales: { dropout: 0.5 } });
  const last = measured(4000, 0.125, { learned: { dropout: 0.3 }, attempt: 2 });
  const ended = { status: "TRIAL_STATUS_ENDED" } as const;
  const trials = [
    trial(0, {
      ...ended,
      reason: "END_REASON_DONE",
      last: measured(4000, 0.2),
      best: measured(4000, 0.2),
      value: 0.2,
      valueStep: 4000,
    }),
    trial(1, {
      ...ended,
      reason: "END_REASON_DONE",
      attempts: 2,
      last,
      best,
      value: 0.1193456789,
      valueStep: 3000,
      artifacts: [ref("image", "a", 12_345), ref("image", "b", 3), ref("schedule", "c", 1)],
      checkpoint: ref("", "d", 1_000_000),
      checkpointStep: 4000,
      bestCheckpoint: ref("", "e", 999),
      bestCheckpointStep: 3000,
    }),
    trial(2, {
      ...ended,
      reason: "END_REASON_STOPPED_EARLY",
      last: measured(500, 0.7),
      best: measured(400, 0.6),
      value: 0.6,
      valueStep: 400,
    }),
    trial(3, { ...ended, reason: "END_REASON_USER_ERROR", message: failure, agentId: "" }),
    trial(4, { ...ended, reason: "END_REASON_OUT_OF_MEMORY", message: "killed at 8 GiB", last: measured(10, 0.01) }),
    trial(5, {
      status: "TRIAL_STATUS_PAUSED",
      last: measured(1500, 0.31),
      best: measured(1500, 0.31),
      value: 0.31,
      valueStep: 1500,
    }),
  ];
  kept.exported.push(
    ...trials.map((one) => ({ trial: one, measurements: [one.best, one.last].flatMap((measurement) => measurement ?? []) })),
  );
  let timeMs = createdMs;
  const tell = (kind: NonNullable<(typeof kept.facts)[number]["kind"]>, afterMs = 1000) => {
    timeMs += afterMs;
    kept.facts.push({ searchId: "7f3a0001", position: kept.facts.length + 1, timeMs, kind });
  };
  const stepped = (step: number, more: Parameters<typeof StrategyStepped.fromPartial>[0]) =>
    tell({
      $case: "strategyStepped",
      value: StrategyStepped.fromPartial({ step, accepted: true, metrics: { upperLoss: 1 / step }, ...more }),
    });
  for (let step = 1; step <= 4; step += 1) stepped(step, { accepted: false, message: `refused for the ${step}. time` });
  for (let step = 5; step <= 12; step += 1) stepped(step, {});
  stepped(1234, { metrics: {}, message: "another trial takes over" });
  tell(
    {
      $case: "trialProposed",
      value: {
        trial: 1,
        work: work(0.02, {
          arm: "control",
          fromTrial: 0,
          inputs: [{ searchId: "", trial: 0, artifact: ref("schedule", "c", 1) }],
        }),
      },
    },
    30_000,
  );
  tell({ $case: "attemptStarted", value: { trial: 1, attempt: 1, agentId: "gpu-1", fromStep: 0 } });
  for (let step = 500; step <= 4000; step += 500)
    tell(
      {
        $case: "trialMeasured",
        value: { trial: 1, attempt: 1, measurement: step === 3000 ? best : measured(step, 0.125 + 1 / step) },
      },
      60_000,
    );
  for (let step = 1; step <= 22; step += 1)
    tell({
      $case: "trialCheckpointed",
      value: { trial: 1, attempt: 1, step: 100 * step, checkpoint: ref("checkpoint", "f", 1) },
    });
  tell({
    $case: "trialEnded",
    value: { trial: 1, attempt: 2, reason: "END_REASON_DONE", message: "", final: last, artifacts: [], startedMs: 0 },
  });
  for (let index = 1; index <= 13; index += 1) {
    const about = index % 2 === 0 ? undefined : index;
    tell({
      $case: "findingReported",
      value: { trial: about, source: "scale-watch", severity: "warning", message: `finding ${index}`, key: undefined },
    });
  }
  twin.outputs.set("7f3a0001/1", {
    text: `${Array.from({ length: 23 }, (_, line) => `epoch ${line + 1}`).join("\n")}\n\n`,
    ended: true,
    attempt: 2,
  });
  twin.outputs.set("7f3a0001/0", { text: "one line", ended: true, attempt: 1 });
}

/** Searches that run, wait, end or have failed. */
export function addOthers(twin: CoordinatorTwin): void {
  const now = Date.now();
  const running = twin.add("aa110000", program, {
    createdMs: now - 2 * hour,
    ranMs: hour,
    runningSinceMs: now - hour - 5000,
    counts: { pending: 3, running: 2, paused: 0, done: 0, stopped: 0, failed: 0 },
    slotSeconds: 10,
  });
  const accuracies = [undefined, 0.5, 0.75];
  running.exported.push(
    ...accuracies.map((value, trial) => {
      const last = Measurement.fromPartial({ step: 100, metrics: value === undefined ? {} : { "val/acc": value } });
      const parameters = {
        "a hyperparameter of a long name": trial / 3,
        "another one of a long name": "x".repeat(30),
        third: true,
      };
      const state = { searchId: "aa110000", trial, status: "TRIAL_STATUS_RUNNING", attempts: 1, work: { parameters } } as const;
      const more = value === undefined ? {} : { last, best: last, value, valueStep: 100 };
      return { trial: Trial.fromPartial({ ...state, ...more }), measurements: [] };
    }),
  );
  twin.add("aa220000", program, {
    status: "SEARCH_STATUS_PAUSED",
    reason: "noon",
    ranMs: 59_400,
    bestTrial: 4,
    bestValue: 0.875,
  });
  const failed = { status: "SEARCH_STATUS_ENDED", outcome: "SEARCH_OUTCOME_FAILED" } as const;
  twin.add("bb330000", digits, {
    ...failed,
    reason: "the first 3 trials failed alike",
    ranMs: 2000,
    counts: { pending: 0, running: 0, paused: 0, done: 0, stopped: 0, failed: 3 },
    failureGroups: [{ reason: "END_REASON_USER_ERROR", message: "no such file", trials: 3, firstTrial: 0 }],
    slotSeconds: 3,
    wastedSlotSeconds: 3,
    wastedByReason: { user_error: 3 },
  });
  twin.add("cc440000", SearchSpec.fromPartial({ name: "", workload: { module: "own/model.js" } }), {
    status: "SEARCH_STATUS_STOPPING",
  });
}

export function addAgents(twin: CoordinatorTwin): void {
  const heardMs = Date.now() - 2 * hour - 5000;
  twin.agents.push(
    Agent.fromPartial({
      agentId: "gpu-1",
      slots: 4,
      slotsUsed: 3,
      backends: ["cuda", "cpu"],
      gpu: "H200",
      memoryBytes: 128 * 2 ** 30,
      heardMs,
      allowsCommands: true,
      allowsModules: true,
      labels: { zone: "a", disk: "fast" },
    }),
    Agent.fromPartial({ agentId: "laptop", slots: 1, backends: ["wasm"], memoryBytes: 1.5 * 2 ** 30, heardMs, draining: true }),
  );
}
