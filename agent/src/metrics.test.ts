import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { countingProcedure } from "./testing/counting-procedure.js";
import { startTestAgent } from "./testing/test-agent.js";
import { TestCoordinator } from "./testing/test-coordinator.js";

test("docs/metrics.md names every metric of the agent and no other, with its labels", async () => {
  const coordinator = await TestCoordinator.start();
  const tested = await startTestAgent(coordinator.address, {
    isolation: "inline",
    procedures: async () => countingProcedure,
    metricsListen: "127.0.0.1:0",
  });
  try {
    await tested.agent.registered;
    const response = await fetch(`http://${tested.agent.metricsAddress}/metrics`);
    const page = await response.text();
    const exported = [...page.matchAll(/^# TYPE (regulus_agent_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`).sort();
    const docs = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
    const documented = [...docs.matchAll(/^\| `(regulus_agent_\w+)` *\| (\w+)/gm)]
      .map(([, name, type]) => `${name} ${type}`)
      .sort();
    assert.deepEqual(documented, exported);
    assert.match(page, /^regulus_agent_info\{version="[\d.]+",backend="cpu",gpu="[^"]*"\} 1$/m);
    assert.equal((await fetch(`http://${tested.agent.metricsAddress}/other`)).status, 404);
  } finally {
    await tested.end();
    coordinator.close();
  }
});
