/** The agent's attempts against a plain model: scripted attempts in place of processes, so that every order of events can be tried. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, EndReason, type Lease, type LeaseKey, outputPieceBytesMax, type Report } from "@regulus/proto";
import fc from "fast-check";
import { pino } from "pino";
import { testLease, testSpec } from "../testing/test-agent.js";
import { Attempts } from "./attempts.js";
import { keyText } from "./lease-key.js";
import { Permissions } from "./permissions.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./running-attempt.js";
import { Slots } from "./slots.js";

const slotsMax = 4;

/** An attempt that does what its test says, and remembers what it was asked. */
class Scripted implements RunningAttempt {
  memoryBytes = 10;
  readonly asked: string[] = [];
  isOver = false;

  constructor(
    readonly assignment: Assignment,
    readonly listener: AttemptListener,
  ) {}

  stop(reason: string, message: string): void {
    this.asked.push(`${reason}: ${message}`);
  }

  revoke(): void {
    this.asked.push("revoke");
  }

  async output(offset: number, bytesMax: number) {
    return { data: new Uint8Array(), offset, nextOffset: offset, totalBytes: bytesMax };
  }

  tick(): void {
    this.asked.push("tick");
  }

  measure(step: number): void {
    const value = { step, metrics: {}, learned: {}, scales: {}, hypergradients: {}, vectors: {}, seconds: 0 };
    this.listener.event({ $case: "measured", value });
  }

  finish(reason: EndReason, step: number): void {
    this.listener.event({
      $case: "finished",
      value: { reason, message: "", step, final: undefined, artifacts: [], startedMs: 0 },
    });
  }

  close(): void {
    this.isOver = true;
    this.listener.closed();
  }
}

interface Logged {
  readonly level: number;
  readonly msg: string;
  readonly search?: string;
  readonly trial?: number;
  readonly attempt?: number;
}

function setUp(watched = false) {
  const logged: Logged[] = [];
  const reports: Report[] = [];
  const begun: Scripted[] = [];
  const slots = new Slots(slotsMax);
  let freed = 0;
  const attempts = new Attempts({
    slots,
    permissions: new Permissions({ allowCommands: true, allowModules: undefined }),
    report: (report) => void reports.push(report),
    freed: () => {
      freed += 1;
    },
    begin: (assignment, listener) => {
      const attempt = new Scripted(assignment, listener);
      begun.push(attempt);
      return attempt;
    },
    watched,
    log: pino({ level: "debug" }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
  });
  const refusals = () => reports.filter(({ event }) => event?.$case === "finished" && event.value.startedMs > 0).length;
  return { attempts, reports, begun, slots, refusals, logged, freed: () => freed };
}

const leaseOf = (trial: number, parts: { resumeStep?: number } = {}): Lease => testLease(trial, parts);
const keyOf = (trial: number): LeaseKey => ({ searchId: "s", trial, attempt: 1 });
const spec = (slots: number) => testSpec({ resources: { slots } });

const deed = fc.record({
  kind: fc.constantFrom("lease", "lease", "lease", "finish", "finish", "close", "close", "measure", "stop", "revoke"),
  trial: fc.nat(4),
  slots: fc.nat(3),
  step: fc.nat(50),
});

test("slots, active attempts and ends agree with a plain model, whatever comes in whatever order", () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60, size: "max" }), (deeds) => {
      const { attempts, begun, refusals, freed, reports } = setUp();
      const running = new Map<string, { attempt: Scripted; slots: number; isTold: boolean; step: number }>();
      let [refused, untold, ends, steps] = [0, 0, 0, 0];
      const used = () => [...running.values()].reduce((sum, { isTold, slots }) => sum + (isTold ? 0 : slots), 0);
      for (const { kind, trial, slots, step } of deeds) {
        const text = keyText(keyOf(trial));
        const now = running.get(text);
        const advance = () => {
          if (now === undefined) return;
          steps += Math.max(0, step - now.step);
          now.step = Math.max(now.step, step);
        };
        if (kind === "lease") {
          const wanted = Math.max(1, slots);
          const count = begun.length;
          attempts.start(leaseOf(trial, { resumeStep: step }), spec(slots));
          if (now !== undefined) assert.equal(begun.length, count, "a lease that comes again begins nothing");
          else if (used() + wanted > slotsMax) {
            refused += 1;
            const end = reports.at(-1)?.event;
            const words = `${counted(wanted, "slot")} asked for, ${slotsMax - used()} free`;
            assert.deepEqual(end?.$case === "finished" && [end.value.reason, end.value.message], [
              EndReason.END_REASON_PREEMPTED,
              words,
            ]);
          } else {
            const attempt = begun.at(-1);
            assert.ok(attempt !== undefined && begun.length === count + 1);
            assert.equal(attempt.assignment.slots.length, wanted);
            running.set(text, { attempt, slots: wanted, isTold: false, step });
          }
        } else if (kind === "stop") {
          attempts.stop({ lease: keyOf(trial), reason: EndReason.END_REASON_PREEMPTED, message: "m" });
          if (now !== undefined) assert.equal(now.attempt.asked.at(-1), "preempted: m");
        } else if (kind === "revoke") {
          attempts.stop({ lease: keyOf(trial), reason: EndReason.END_REASON_UNSPECIFIED, message: "" });
          if (now !== undefined) assert.equal(now.attempt.asked.at(-1), "revoke");
        } else if (now !== undefined && kind === "measure" && !now.isTold) {
          now.attempt.measure(step);
          advance();
        } else if (now !== undefined && kind === "finish" && !now.isTold) {
          now.attempt.finish(EndReason.END_REASON_DONE, step);
          advance();
          now.isTold = true;
          ends += 1;
        } else if (now !== undefined && kind === "close") {
          if (!now.isTold) untold += 1;
          running.delete(text);
          now.attempt.close();
        }
        assert.equal(attempts.used, used());
        assert.deepEqual(
          attempts.active().map(keyText).toSorted(),
          [...running].flatMap(([one, { isTold }]) => (isTold ? [] : [one])).toSorted(),
        );
        assert.equal(attempts.memoryBytes(), 10 * running.size);
        assert.deepEqual([refusals(), freed(), attempts.stepsTotal], [refused, untold, steps]);
        assert.equal(attempts.endedTotal.get(EndReason.END_REASON_DONE) ?? 0, ends);
      }
      const numbers = [...running.values()].flatMap(({ isTold, attempt }) => (isTold ? [] : attempt.assignment.slots));
      assert.equal(new Set(numbers).size, numbers.length, "no two attempts have one slot");
    }),
    { numRuns: 300 },
  );
});

test("only what was not known before counts as a step: not what a checkpoint, or a process that waited, holds", () => {
  const { attempts, begun } = setUp();
  attempts.start(leaseOf(0, { resumeStep: 40 }), spec(1));
  begun[0]?.measure(50);
  assert.equal(attempts.stepsTotal, 10);
  attempts.start(leaseOf(1, { resumeStep: 40 }), spec(1));
  begun[1]?.listener.standsAt(60);
  begun[1]?.measure(65);
  assert.equal(attempts.stepsTotal, 15);
});

test("a stop says whether to save the trial, and does not reach another attempt", () => {
  const { attempts, begun } = setUp();
  attempts.start(leaseOf(0), spec(1));
  attempts.stop({ lease: { ...keyOf(0), attempt: 2 }, reason: EndReason.END_REASON_UNSPECIFIED, message: "" });
  attempts.stop({ lease: undefined, reason: EndReason.END_REASON_UNSPECIFIED, message: "" });
  for (const reason of [EndReason.END_REASON_STOPPED_EARLY, EndReason.END_REASON_TIMED_OUT, EndReason.END_REASON_PREEMPTED])
    attempts.stop({ lease: keyOf(0), reason, message: "why" });
  assert.deepEqual(begun[0]?.asked, ["stopped-early: why", "stopped-early: why", "preempted: why"]);
  attempts.revoke(keyOf(0));
  assert.equal(begun[0]?.asked.at(-1), "revoke");
});

test("a drain refuses what comes later with its reason, preempts what runs, and is over when the last is", async () => {
  const { attempts, begun, reports } = setUp();
  for (const trial of [0, 1]) attempts.start(leaseOf(trial), spec(1));
  let isOver = false;
  const drained = attempts.drain("maintenance", 60_000).then(() => {
    isOver = true;
  });
  attempts.start(leaseOf(2), spec(1));
  const end = reports.at(-1)?.event;
  assert.deepEqual(end?.$case === "finished" && [end.value.reason, end.value.message], ["END_REASON_PREEMPTED", "maintenance"]);
  assert.deepEqual(reports.at(-1)?.lease, keyOf(2));
  for (const attempt of begun) assert.deepEqual(attempt.asked, ["preempted: maintenance"]);
  for (const attempt of begun) {
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isOver, false);
    attempt.finish(EndReason.END_REASON_PREEMPTED, 1);
    attempt.close();
  }
  await drained;
  // One that does not end in time is ended.
  const late = setUp();
  late.attempts.start(leaseOf(0), spec(1));
  await late.attempts.drain("maintenance", 1);
  assert.deepEqual(late.begun[0]?.asked, ["preempted: maintenance", "revoke"]);
  await setUp().attempts.drain("nothing runs", 60_000);
});

test("a piece of output is bounded, and is asked of the very attempt that is named", async () => {
  const { attempts } = setUp();
  attempts.start(leaseOf(0), spec(1));
  const part = await attempts.output(keyOf(0), 7, Number.MAX_SAFE_INTEGER);
  assert.deepEqual([part?.offset, part?.totalBytes], [7, outputPieceBytesMax]);
  assert.equal((await attempts.output(keyOf(0), 7, 5))?.totalBytes, 5);
  assert.equal(await attempts.output({ ...keyOf(0), attempt: 2 }, 0, 5), undefined);
  assert.equal(await attempts.output(undefined, 0, 5), undefined);
});

test("a late check, after this process was blocked, ends no attempt", async () => {
  const { attempts, begun } = setUp(true);
  attempts.start(leaseOf(0), spec(1));
  const asked = begun[0]?.asked ?? [];
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  while (asked.length === 0) await turn();
  const before = asked.length;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  await turn();
  assert.equal(asked.length, before);
  while (asked.length === before) await turn();
  attempts.close();
  assert.equal(asked.at(-1), "revoke");
});

test("an end that nobody planned is a warning with its trial's name, and so is a refusal; a planned one is not", () => {
  const { attempts, begun, logged } = setUp();
  const reasons = Object.values(EndReason).filter((reason) => reason !== EndReason.END_REASON_UNSPECIFIED);
  for (const [trial, reason] of reasons.entries()) {
    attempts.start(leaseOf(trial), spec(1));
    begun[trial]?.finish(reason, 1);
    begun[trial]?.close();
  }
  const warned = logged.filter(({ level }) => level === 40).map(({ trial = -1 }) => reasons[trial]);
  const planned: readonly (EndReason | undefined)[] = [EndReason.END_REASON_DONE, EndReason.END_REASON_STOPPED_EARLY];
  assert.deepEqual(
    warned,
    reasons.filter((reason) => !planned.includes(reason)),
  );
  assert.equal(logged.length, reasons.length);
  attempts.start(leaseOf(99), spec(slotsMax + 1));
  const { level, msg, search, trial, attempt } = logged.at(-1) ?? {};
  assert.deepEqual([level, search, trial, attempt], [40, "s", 99, 1]);
  assert.match(msg ?? "", /^lease refused: 5 slots asked for, 4 free$/);
});
