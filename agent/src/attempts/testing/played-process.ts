/** An attempt with a trial process that a test plays: what it says, what it saves, and the look that the agent takes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { ArtifactRef, Measurement, ReportEvent } from "@regulus/proto";
import { pino } from "pino";
import { MemoryArtifacts, ScriptedChild } from "../../testing/scripted-trial.js";
import { testLease, testSpec } from "../../testing/test-agent.js";
import type { FromTrial } from "../../trial/messages.js";
import { OverrunningSearches } from "../overrunning-searches.js";
import { ProcessAttempt } from "../process-attempt.js";
import { Residents } from "../residents.js";
import type { Assignment } from "../running-attempt.js";

export const scratch = mkdtempSync(join(tmpdir(), "regulus-life-"));

after(() => rmSync(scratch, { recursive: true, force: true }));

export const turn = () => new Promise((resolve) => setImmediate(resolve));

export async function until(holds: () => boolean): Promise<void> {
  const beganMs = performance.now();
  while (!holds()) {
    assert.ok(performance.now() < beganMs + 60_000, `waited a minute for: ${holds}`);
    await turn();
  }
}

/** One agent's worth of what attempts share. */
export function machine() {
  const artifacts = new MemoryArtifacts();
  const residents = new Residents({ slots: 4, memoryBytes: 2 ** 40, runningBytes: () => 0 });
  const overrunning = new OverrunningSearches();
  return { artifacts, residents, overrunning };
}

export interface Given {
  readonly spec?: Parameters<typeof testSpec>[0];
  readonly work?: NonNullable<Parameters<typeof testLease>[1]>["work"];
  readonly key?: { trial: number; attempt: number };
  readonly resumeFrom?: ArtifactRef;
  readonly on?: ReturnType<typeof machine>;
  readonly stderr?: string;
}

export let trials = 0;

/** Begins an attempt. Resolves when its process has its work, or the attempt is over. */
export async function begin({ spec = {}, work, key, resumeFrom, on = machine(), stderr = "" }: Given = {}) {
  trials += 1;
  const lease = testLease(trials, { ...(key && { key }), ...(work && { work }) });
  assert.ok(lease.key && lease.work);
  const assignment: Assignment = { key: lease.key, work: lease.work, spec: testSpec(spec), seed: 7, resumeFrom, slots: [1] };
  const child = new ScriptedChild();
  let taken = 0;
  const events: ReportEvent[] = [];
  const stood: number[] = [];
  let closed = 0;
  const log = pino({ level: "silent" });
  const options = {
    ...on,
    scratch,
    log,
    backend: "cpu",
    memoryBytes: 2 ** 30,
    devices: {},
    backendUsesDevices: false,
    passed: { MINE: "1" },
    spares: {
      take: (kind: Parameters<ScriptedChild["asProcess"]>[0]) => {
        taken += 1;
        return child.asProcess(kind, stderr);
      },
    },
  };
  const listener = {
    event: (event: ReportEvent) => void events.push(event),
    standsAt: (step: number) => void stood.push(step),
    closed: () => {
      closed += 1;
    },
  };
  const attempt = new ProcessAttempt(assignment, listener, options);
  const folder = join(scratch, `${lease.key.searchId}-${lease.key.trial}-${lease.key.attempt}`);
  return {
    attempt,
    child,
    events,
    stood,
    folder,
    artifacts: on.artifacts,
    taken: () => taken,
    closed: () => closed,
    /** What was told, by kind. */
    kinds: () => events.map(({ $case }) => $case),
    found: () => events.flatMap((event) => (event.$case === "found" ? [event.value.message] : [])),
    end: async () => {
      await until(() => closed > 0);
      const last = events.at(-1);
      assert.ok(last?.$case === "finished", JSON.stringify(last));
      assert.equal(events.filter(({ $case }) => $case === "finished").length, 1);
      assert.deepEqual([closed, existsSync(folder)], [1, false]);
      return last.value;
    },
  };
}

export type Begun = Awaited<ReturnType<typeof begin>>;

export async function working(given: Given = {}): Promise<Begun> {
  const begun = await begin(given);
  await until(() => begun.child.heard.length > 0);
  return begun;
}

export const measured = (step: number): FromTrial => {
  const measurement: Measurement = {
    step,
    metrics: { validLoss: step },
    learned: {},
    scales: {},
    hypergradients: {},
    vectors: {},
    seconds: 0,
  };
  return { kind: "measured", measurement };
};

export const done: Extract<FromTrial, { kind: "finished" }> = {
  kind: "finished",
  reason: "done",
  message: "",
  step: 5,
  final: undefined,
  leaves: [],
};

/** Writes a checkpoint as the trial process does, and says so. `sum`: what it says of its content. */
export function save({ child, folder }: Begun, name: string, step: number, sum?: string): string {
  const path = join(folder, name);
  writeFileSync(path, `content of ${name}`);
  const sha256 = createHash("sha256").update(`content of ${name}`).digest("hex");
  child.say({ kind: "saved", step, path, sha256: sum ?? sha256 });
  return sha256;
}

export const program = { argv: ["true"], stopGraceMs: 60_000 };
