/** A search that no connected agent can run is warned of, and no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SearchSpec } from "@regulus/proto";
import fc from "fast-check";
import type { PlanAgent } from "../../plan/match.js";
import { searchWarnings } from "./search-warnings.js";

type Asked = Parameters<typeof SearchSpec.fromPartial>[0];
const backends = ["tensorflow", "wasm", "cpu"] as const;
const agentOf = fc.record({
  agentId: fc.string(),
  slots: fc.integer({ min: 1, max: 4 }),
  slotsFree: fc.nat(4),
  backends: fc.subarray([...backends]),
  labels: fc.dictionary(fc.constantFrom("room", "zone"), fc.constantFrom("a", "b")),
  memoryBytes: fc.constantFrom(0, 2 ** 30, 2 ** 34),
  allowsCommands: fc.boolean(),
  allowsModules: fc.boolean(),
});
const asked = fc.record({
  slots: fc.integer({ min: 0, max: 4 }),
  backend: fc.constantFrom("", ...backends),
  memoryBytes: fc.constantFrom(0, 2 ** 31),
  agentLabels: fc.dictionary(fc.constantFrom("room", "zone"), fc.constantFrom("a", "b")),
});
const runs = fc.constantFrom<NonNullable<Asked>>(
  { command: { argv: ["a"] } },
  { workload: { module: "m.mjs" } },
  { workload: { name: "ridge" } },
);

/** The rule, told again in the plainest way. */
function could(agent: PlanAgent, spec: SearchSpec): boolean {
  const { slots = 1, backend = "", memoryBytes = 0, agentLabels = {} } = spec.resources ?? {};
  if (agent.slots < slots) return false;
  if (backend !== "" && !agent.backends.includes(backend)) return false;
  if (agent.memoryBytes !== 0 && agent.memoryBytes < memoryBytes) return false;
  if (spec.command !== undefined && !agent.allowsCommands) return false;
  if (spec.workload?.module && !agent.allowsModules) return false;
  return Object.entries(agentLabels).every(([name, value]) => agent.labels[name] === value);
}

test("there is a warning exactly where no agent could ever run a trial, and it names what they lack", () => {
  fc.assert(
    fc.property(asked, runs, fc.array(agentOf, { maxLength: 4 }), (resources, what, agents) => {
      const partial: Asked = { ...what, resources };
      const spec = SearchSpec.fromPartial(partial);
      const warnings = searchWarnings(spec, agents);
      assert.equal(warnings.length, agents.some((agent) => could(agent, spec)) ? 0 : 1);
      const [warning] = warnings;
      if (warning === undefined || agents.length === 0) return;
      if (spec.command !== undefined && !agents.some(({ allowsCommands }) => allowsCommands))
        assert.match(warning.message, /allows commands/);
      if (agents.every(({ slots }) => slots < resources.slots)) assert.match(warning.message, /the largest has \d/);
    }),
  );
});

test("a single cause gives its field and what to do", () => {
  const agent: PlanAgent = {
    agentId: "a",
    slots: 2,
    slotsFree: 0,
    backends: ["wasm"],
    labels: {},
    memoryBytes: 0,
    allowsCommands: false,
    allowsModules: false,
  };
  const command = { command: { argv: ["a"] } };
  assert.deepEqual(searchWarnings(SearchSpec.fromPartial(command), [agent]), [
    {
      field: "spec.command",
      message: "no trial can start now: no connected agent allows commands (start one with --allow-commands)",
    },
  ]);
  const slots = SearchSpec.fromPartial({ ...command, resources: { slots: 3 } });
  assert.deepEqual(searchWarnings(slots, [{ ...agent, allowsCommands: true }])[0]?.field, "spec.resources.slots");
  assert.match(searchWarnings(SearchSpec.fromPartial({}), [])[0]?.message ?? "", /no agent is connected/);
});

test("objectives beyond the first are warned of, since nothing searches for them", () => {
  const objectives = [{ metric: "loss" }, { metric: "size" }, { metric: "latency" }];
  const about = (count: number) =>
    searchWarnings(SearchSpec.fromPartial({ objectives: objectives.slice(0, count), command: { argv: ["a"] } }), [])
      .filter(({ field }) => field === "objectives[1]")
      .map(({ message }) => message);
  assert.deepEqual(about(1), []);
  assert.deepEqual(about(2), ["only loss is searched for; size is recorded and has no influence"]);
  assert.deepEqual(about(3), ["only loss is searched for; size, latency are recorded and have no influence"]);
});
