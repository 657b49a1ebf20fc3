import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { EndReason } from "@regulus/proto";
import { startTestAgent, testLease, testSpec } from "../testing/test-agent.js";
import { TestCoordinator } from "../testing/test-coordinator.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-modules-"));
after(() => rmSync(folder, { recursive: true }));

test("an error in a user's module is a user error with its message", async () => {
  writeFileSync(join(folder, "throws.mjs"), 'export const workload = { open() { throw new Error("no data at /mine"); } };');
  writeFileSync(join(folder, "exits.mjs"), 'console.error("giving up"); process.exit(7);');
  writeFileSync(join(folder, "empty.mjs"), "export const other = 1;");
  const coordinator = await TestCoordinator.start();
  const trialMain = new URL("./main.js", import.meta.url);
  const tested = await startTestAgent(coordinator.address, { allowModules: folder, slots: 3, trialMain });
  try {
    await tested.agent.registered;
    const expected = [
      ["throws.mjs", /no data at \/mine/],
      ["exits.mjs", /exit code 7; its last lines:\ngiving up/],
      ["empty.mjs", /exports no workload/],
    ] as const;
    for (const [trial, [module]] of expected.entries()) {
      coordinator.lease(testLease(trial, { key: { searchId: `s-${trial}` }, spec: testSpec({ workload: { module } }) }));
    }
    for (const [trial, [, words]] of expected.entries()) {
      const end = await coordinator.finished(trial);
      assert.equal(end.reason, EndReason.END_REASON_USER_ERROR, end.message);
      assert.match(end.message, words);
    }
  } finally {
    await tested.end();
    coordinator.close();
  }
});
