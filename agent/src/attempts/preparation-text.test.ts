/** The argument of a trial process is short enough for an operating system, whatever its trial is given. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { limits, Work } from "@regulus/proto";
import { testSpec } from "../testing/test-agent.js";
import { preparationText } from "./spares.js";

test("a trial with as many inputs, or as long a schedule, as there may be gives an argument that a process can have", () => {
  const artifact = { sha256: "a".repeat(64), size: 1, kind: "predictions-valid" };
  const inputs = Array.from({ length: limits.trialInputsMax }, (_, trial) => ({ searchId: "s".repeat(16), trial, artifact }));
  const given = { spec: testSpec(), work: Work.fromPartial({ procedure: "combine", inputs }), seed: 1 };
  const rows = Array.from({ length: limits.scheduleRowsMax }, (_, row) => row + 0.123456789);
  const values = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`h${at}`, { values: rows }]));
  const scheduled = { ...given, spec: { ...testSpec(), schedule: { steps: rows, values } } };
  for (const [likely, isOpenedAhead] of [
    [given, true],
    [scheduled, false],
  ] as const) {
    const text = preparationText("wasm", likely);
    assert.equal(text.includes('"likely"'), isOpenedAhead);
    assert.equal(spawnSync(process.execPath, ["-e", "0", text]).error, undefined);
  }
});
