/** What a process is to be like for a trial, by what the trial runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testLease, testSpec } from "../testing/test-agent.js";
import { beginOf, isCommand, kindOf, runsUserCode } from "./attempt-work.js";
import type { Assignment } from "./running-attempt.js";

const share = {
  backend: "webgpu",
  memoryBytes: 5,
  devices: { CUDA_VISIBLE_DEVICES: "4" },
  backendUsesDevices: true,
  passed: { MINE: "1", CUDA_VISIBLE_DEVICES: "all" },
};

function assignmentOf(procedure: string, spec: Parameters<typeof testSpec>[0] = {}): Assignment {
  const { key, work } = testLease(3, { key: { attempt: 2 }, work: { procedure } });
  assert.ok(key && work);
  return { key, work, spec: testSpec(spec), seed: 7, resumeFrom: undefined, slots: [1, 3] };
}

const command = { argv: ["true"] };
const cases: readonly (readonly [string, Assignment, isProgram: boolean, isUsers: boolean])[] = [
  ["ours", assignmentOf("fit"), false, false],
  ["a module", assignmentOf("fit", { workload: { name: "x", module: "/x.mjs" } }), false, true],
  ["a program", assignmentOf("command", { command }), true, true],
  ["a program that answers", assignmentOf("respond", { command }), true, true],
  ["a program that its search lacks", assignmentOf("command"), true, true],
];
for (const [what, assignment, isProgram, isUsers] of cases) {
  test(`${what}: ${isProgram ? "a process for programs, without a backend" : "a process of the backend, with its devices"}`, () => {
    assert.deepEqual([isCommand(assignment), runsUserCode(assignment)], [isProgram, isUsers]);
    const { memoryBytes, devices } = share;
    const trains = { backend: "webgpu", memoryBytes, devices };
    assert.deepEqual(kindOf(assignment, share), isProgram ? { backend: "command", memoryBytes, devices: {} } : trains);
    assert.deepEqual(kindOf(assignment, { ...share, backendUsesDevices: false }).devices, {});
  });
}

test("a process gets its trial, slots and devices, which win over what the owner passes", () => {
  const { environment, searchId, trial, attempt, seed } = beginOf(assignmentOf("fit"), share);
  assert.deepEqual(environment, { MINE: "1", CUDA_VISIBLE_DEVICES: "4", REGULUS_SLOT: "1,3" });
  assert.deepEqual([searchId, trial, attempt, seed], ["s", 3, 2, 7]);
});
