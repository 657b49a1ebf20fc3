/** Which agents can run a trial: each need by itself, at its bound, and the words where none can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearchDocument } from "@regulus/proto";
import { canRun, inUse, missing, type Needs, needsOf, type PlanAgent } from "./match.js";

const none: Needs = { slots: 1, backend: "", labels: {}, memoryBytes: 0, command: false, module: false };
const agent = (more: Partial<PlanAgent> = {}): PlanAgent => {
  const can = { backends: ["cpu", "wasm"], labels: { zone: "a" }, allowsCommands: false, allowsModules: false };
  return { agentId: "x", slots: 2, slotsFree: 0, memoryBytes: 2 ** 30, ...can, ...more };
};

/** A need, an agent that meets it just so, one that just does not, and what is said of that one. */
const needs: Record<string, readonly [Partial<Needs>, Partial<PlanAgent>, Partial<PlanAgent>, string]> = {
  "spec.resources.slots": [{ slots: 3 }, { slots: 3 }, { slots: 2 }, "no connected agent has 3 slots (the largest has 2)"],
  "spec.resources.backend": [
    { backend: "webgpu" },
    { backends: ["cpu", "webgpu"] },
    { backends: [] },
    "no connected agent has the backend webgpu (they have none)",
  ],
  "spec.resources.agent_labels.zone": [
    { labels: { zone: "b" } },
    { labels: { zone: "b", more: "c" } },
    {},
    "no connected agent has the label zone=b (start one with --label zone=b)",
  ],
  "spec.resources.agent_labels.toString": [
    { labels: { toString: "b" } },
    { labels: { toString: "b" } },
    {},
    "no connected agent has the label toString=b (start one with --label toString=b)",
  ],
  "spec.resources.memory_bytes": [
    { memoryBytes: 2 ** 31 },
    { memoryBytes: 2 ** 31 },
    { memoryBytes: 2 ** 31 - 1 },
    "no connected agent has 2GiB of memory (the largest has 2.0 GiB)",
  ],
  "spec.command": [
    { command: true },
    { allowsCommands: true },
    { allowsModules: true },
    "no connected agent allows commands (start one with --allow-commands)",
  ],
  "spec.workload.module": [
    { module: true },
    { allowsModules: true },
    { allowsCommands: true },
    "no connected agent allows modules (start one with --allow-modules DIR)",
  ],
};

for (const [field, [more, meets, lacks, reason]] of Object.entries(needs)) {
  test(`an agent meets ${field} or is told to lack it`, () => {
    const wanted = { ...none, ...more };
    assert.ok(canRun(agent(meets), wanted));
    assert.ok(canRun(agent(), none));
    assert.ok(!canRun(agent(lacks), wanted));
    assert.deepEqual(missing([agent(lacks), agent(lacks)], wanted), { field, reason });
  });
}

test("what the agents have instead is told of all of them", () => {
  const two = [
    agent({ slots: 3, memoryBytes: 2 ** 29, backends: ["cpu"] }),
    agent({ slots: 1, memoryBytes: 2 ** 30, backends: ["wasm", "cpu"] }),
  ];
  const { reason } = missing(two, { ...none, slots: 9, backend: "webgpu", memoryBytes: 2 ** 40 });
  assert.equal(
    reason,
    "no connected agent has 9 slots (the largest has 3); no connected agent has the backend webgpu (they have cpu, wasm); " +
      "no connected agent has 1TiB of memory (the largest has 1.0 GiB)",
  );
});

test("an agent that does not say how much memory it has is taken at its word", () => {
  assert.ok(canRun(agent({ memoryBytes: 0 }), { ...none, memoryBytes: 2 ** 40 }));
});

test("messages list every need that no agent meets, and needs that no agent meets together", () => {
  const wanted = { ...none, slots: 4, command: true };
  const both = missing([agent()], wanted);
  assert.equal(both.field, "");
  assert.match(both.reason, /^no connected agent has 4 slots .*; no connected agent allows commands /);
  const apart = missing([agent({ slots: 4 }), agent({ allowsCommands: true })], wanted);
  assert.match(apart.reason, /no agent meets all: has 4 slots and allows commands$/);
  const one = missing([agent(), agent({ labels: {}, allowsCommands: true })], { ...none, labels: { zone: "a" }, command: true });
  assert.match(one.reason, /meets all: has 1 slot and has the label zone=a and allows commands$/);
  assert.match(missing([], none).reason, /^no agent takes leases; start one \(regulus agent\)$/);
});

test("slots in use are counted over the agents that could run it", () => {
  assert.equal(inUse([agent()], none), "all 2 slots of the one agent that could run it are in use");
  assert.equal(inUse([agent({ slots: 1 })], none), "all slots of the one agent that could run it are in use");
  assert.equal(inUse([agent(), agent({ slots: 3 })], none), "all 5 slots of the 2 agents that could run it are in use");
  const words = "needs 2 slots of one agent; of the 4 of the 2 agents that could run it too many are in use";
  assert.equal(inUse([agent(), agent()], { ...none, slots: 2 }), words);
});

test("the needs of a search are those of its file, and a slot where it says none", () => {
  const document = {
    name: "n",
    objective: { metric: "loss" },
    strategy: "random",
    space: { rate: { type: "double", min: 0, max: 1 } },
  };
  const resources = { slots: 2, backend: "cpu", memory: "1GiB", agentLabels: { zone: "a" } };
  const program = needsOf(parseSearchDocument({ ...document, command: { argv: ["train"] }, resources }));
  assert.deepEqual(program, {
    slots: 2,
    backend: "cpu",
    labels: { zone: "a" },
    memoryBytes: 2 ** 30,
    command: true,
    module: false,
  });
  const module = needsOf(parseSearchDocument({ ...document, workload: { module: "mine.mjs" } }));
  assert.deepEqual(module, { ...none, module: true });
  assert.deepEqual(needsOf(parseSearchDocument({ ...document, workload: "ridge" })), none);
});
