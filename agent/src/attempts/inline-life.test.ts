/** The life of an attempt in the agent's own process: it ends as one in a process of its own does. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ProcedureModule, TrialRequest } from "@regulus/algorithms/training";
import { type ArtifactRef, EndReason, RegulusError, type ReportEvent } from "@regulus/proto";
import { countingProcedure } from "../testing/counting-procedure.js";
import { MemoryArtifacts } from "../testing/scripted-trial.js";
import { testLease, testSpec } from "../testing/test-agent.js";
import { InlineAttempt } from "./inline-attempt.js";

const scratch = mkdtempSync(join(tmpdir(), "regulus-inline-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

type Work = NonNullable<NonNullable<Parameters<typeof testLease>[1]>["work"]>;

interface Given {
  readonly work?: Work;
  readonly artifacts?: MemoryArtifacts;
  readonly resumeFrom?: ArtifactRef;
  readonly checkpointEveryMs?: number;
  /** Called at every event. */
  readonly on?: (event: ReportEvent, attempt: InlineAttempt) => void;
}

/** Works on a trial to its end. */
async function live({ work = {}, artifacts = new MemoryArtifacts(), resumeFrom, checkpointEveryMs = 0, on }: Given = {}) {
  const lease = testLease(1, { work });
  assert.ok(lease.key && lease.work);
  const spec = testSpec({ reporting: { checkpointEveryMs } });
  const assignment = { key: lease.key, work: lease.work, spec, seed: 7, resumeFrom, slots: [0] };
  const events: ReportEvent[] = [];
  const requests: TrialRequest[] = [];
  const procedure: ProcedureModule = {
    ...countingProcedure,
    open: (request) => {
      requests.push(request);
      return countingProcedure.open(request);
    },
  };
  const beganMs = Date.now();
  await new Promise<void>((resolve) => {
    const listener = {
      event: (event: ReportEvent) => {
        events.push(event);
        on?.(event, attempt);
      },
      standsAt: () => undefined,
      closed: resolve,
    };
    const options = { procedures: async () => procedure, artifacts, scratch };
    const attempt: InlineAttempt = new InlineAttempt(assignment, listener, options);
  });
  assert.equal(existsSync(join(scratch, "s-1-1")), false, "its folder is gone");
  const kinds = events.map(({ $case }) => $case);
  const last = events.at(-1);
  const end = last?.$case === "finished" ? last.value : undefined;
  if (end !== undefined) assert.ok(end.startedMs >= beganMs && end.startedMs <= Date.now());
  return { events, kinds, end, requests, artifacts };
}

test("it measures, saves what will continue elsewhere, and continues from there with the same numbers", async () => {
  const whole = await live();
  assert.deepEqual([whole.end?.reason, whole.end?.step, whole.end?.message], [EndReason.END_REASON_DONE, 100, ""]);
  assert.equal(whole.kinds.filter((kind) => kind === "measured").length, 10);
  const artifacts = new MemoryArtifacts();
  const schedule = artifacts.keep(Buffer.from("lr"), "schedule");
  const paused = await live({
    work: { untilStep: 40, final: false, inputs: [{ searchId: "", trial: 3, artifact: schedule }] },
    artifacts,
  });
  const saved = paused.events.find((event) => event.$case === "checkpointed");
  assert.ok(saved?.$case === "checkpointed" && saved.value.checkpoint);
  assert.deepEqual([saved.value.step, saved.value.checkpoint.kind, paused.kinds.at(-1)], [40, "checkpoint", "finished"]);
  const [given] = paused.requests[0]?.inputs ?? [];
  assert.deepEqual([given?.trial, given?.kind, given?.bytes.size], [3, "schedule", 2]);
  const rest = await live({ artifacts, resumeFrom: saved.value.checkpoint });
  assert.deepEqual([rest.end?.final?.step, rest.end?.final?.metrics.validLoss], [100, whole.end?.final?.metrics.validLoss]);
  assert.ok((rest.end?.final?.seconds ?? 0) > (paused.end?.final?.seconds ?? 1), "its time continues");
  assert.deepEqual([rest.requests[0]?.inputs, whole.requests[0]?.checkpoint], [[], undefined]);
});

test("a checkpoint of another procedure, or one that the store has lost, ends it; only the lost one is reported", async () => {
  const artifacts = new MemoryArtifacts();
  const paused = await live({ work: { untilStep: 40, final: false }, artifacts });
  const saved = paused.events.find((event) => event.$case === "checkpointed");
  const resumeFrom = saved?.$case === "checkpointed" ? saved.value.checkpoint : undefined;
  assert.ok(resumeFrom);
  const foreign = await live({ work: { procedure: "other" }, artifacts, resumeFrom });
  assert.deepEqual(foreign.kinds, ["finished"]);
  assert.match(foreign.end?.message ?? "", /fit/);
  for (const code of ["not-found", "data-loss", "unavailable"] as const) {
    artifacts.failure = new RegulusError(code, "the test's");
    const { kinds, events, end } = await live({ artifacts, resumeFrom });
    assert.deepEqual(kinds, code === "unavailable" ? ["finished"] : ["unrestorable", "finished"]);
    if (events[0]?.$case === "unrestorable") assert.deepEqual(events[0].value, { checkpoint: resumeFrom, message: "the test's" });
    assert.match(end?.message ?? "", /the test's/);
    assert.notEqual(end?.reason, EndReason.END_REASON_DONE);
  }
});

test("what it leaves is stored with its end; a refusal by the store becomes a warning, and the end is the same", async () => {
  const { end, artifacts } = await live({ work: { parameters: { leaves: "words" } } });
  assert.deepEqual(end?.artifacts, [artifacts.keep(Buffer.from("words at 100"), "report")]);
  artifacts.failure = new RegulusError("permission-denied", "no more room for you");
  const refused = await live({ work: { parameters: { leaves: "words" } }, artifacts });
  assert.deepEqual([refused.end?.reason, refused.end?.artifacts], [EndReason.END_REASON_DONE, []]);
  assert.equal(refused.end?.message, "a result could not be stored: no more room for you");
});

test("a stop ends it with its reason and words, the first one; what it does wrong has its own", async () => {
  const stopped = await live({
    work: { untilStep: 100_000, final: true },
    on: (_, attempt) => {
      attempt.stop("preempted", "room");
      attempt.stop("stopped-early", "late");
    },
  });
  assert.deepEqual([stopped.end?.reason, stopped.end?.message], [EndReason.END_REASON_PREEMPTED, "room"]);
  assert.equal(stopped.kinds.at(-2), "checkpointed", "what it did is saved");
  for (const [fault, reason] of [
    ["throw", EndReason.END_REASON_LOST],
    ["nan", EndReason.END_REASON_DIVERGED],
    ["infeasible", EndReason.END_REASON_INFEASIBLE],
  ] as const)
    assert.equal((await live({ work: { parameters: { at: 15, fault } } })).end?.reason, reason, fault);
});

test("taken away, it tells nothing more, stores nothing more and is over", async () => {
  const { kinds, artifacts } = await live({
    work: { untilStep: 100_000, final: true },
    on: (_, attempt) => attempt.revoke(),
  });
  assert.deepEqual([kinds, artifacts.kept.size], [["measured"], 0]);
});
