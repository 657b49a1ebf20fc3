/** What programs and modules of a user's own find in their environment: slots and devices of their own, passed variables, and nothing else. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startTestAgent, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-environment-"));
after(() => rmSync(folder, { recursive: true, force: true }));
Object.assign(process.env, { CUDA_VISIBLE_DEVICES: "4,GPU-5", REGULUS_TEST_KEY: "k", TEST_KEY: "given", TEST_SECRET: "hush" });

test("programs side by side have slots and devices of their own, one that runs alone on two slots has both", async (t) => {
  const coordinator = await TestCoordinator.start();
  const tested = await startTestAgent(coordinator.address, { passEnv: ["TEST_KEY"] });
  t.after(async () => {
    await tested.end();
    coordinator.close();
  });
  await tested.agent.registered;
  const gate = join(folder, "gate");
  const wait = `until [ -e ${gate} ]; do sleep 0.05; done; `;
  const say = 'env; echo "{\\"step\\": 1, \\"validLoss\\": 1}"';
  const give = (trial: number, text: string, slots: number) =>
    coordinator.lease(
      testLease(trial, {
        key: { searchId: `s-${trial}` },
        spec: testSpec({ command: { argv: ["sh", "-c", text] }, resources: { slots } }),
        work: { procedure: "command", untilStep: 0, final: true },
      }),
    );
  const environmentOf = async (trial: number): Promise<string[]> => {
    const end = await coordinator.finished(trial);
    return (coordinator.artifacts.get(end.artifacts[0]?.sha256 ?? "")?.toString("utf8") ?? "").split("\n");
  };
  give(0, `${wait}${say}`, 1);
  give(1, `${say}; ${wait}`, 1);
  writeFileSync(gate, "");
  const [first, second] = [await environmentOf(0), await environmentOf(1)];
  for (const [lines, slot, device] of [
    [first, "0", "4"],
    [second, "1", "GPU-5"],
  ] as const) {
    assert.ok(lines.includes(`REGULUS_SLOT=${slot}`), lines.join("\n"));
    assert.ok(lines.includes(`CUDA_VISIBLE_DEVICES=${device}`));
    assert.ok(lines.includes("TEST_KEY=given"));
    assert.ok(!lines.join("\n").includes("hush"));
  }
  give(2, say, 2);
  const both = await environmentOf(2);
  assert.ok(both.includes("REGULUS_SLOT=0,1") && both.includes("CUDA_VISIBLE_DEVICES=4,GPU-5"), both.join("\n"));
});

test("a workload module finds what a program would, and no secret of the agent's", async (t) => {
  writeFileSync(
    join(folder, "tells.mjs"),
    `import { readFileSync } from "node:fs";
    export const workload = { open() {
      const { REGULUS_SLOT, CUDA_VISIBLE_DEVICES, TEST_KEY, TEST_SECRET, PATH } = process.env;
      const begun = readFileSync("/proc/self/environ", "utf8").includes("hush");
      throw new Error(JSON.stringify({ REGULUS_SLOT, CUDA_VISIBLE_DEVICES, TEST_KEY, TEST_SECRET, path: PATH !== undefined, begun }));
    } };`,
  );
  const coordinator = await TestCoordinator.start();
  const trialMain = new URL("../trial/main.js", import.meta.url);
  const tested = await startTestAgent(coordinator.address, { allowModules: folder, slots: 2, trialMain, passEnv: ["TEST_KEY"] });
  t.after(async () => {
    await tested.end();
    coordinator.close();
  });
  await tested.agent.registered;
  coordinator.lease(testLease(0, { spec: testSpec({ workload: { module: "tells.mjs" } }) }));
  const { message } = await coordinator.finished(0);
  const seen = { REGULUS_SLOT: "0", CUDA_VISIBLE_DEVICES: "4", TEST_KEY: "given", path: true, begun: false };
  assert.ok(message.includes(JSON.stringify(seen)), message);
});
