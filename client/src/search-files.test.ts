/** Search files that name a schedule by its file, beside them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { readSearchFile } from "./search-files.js";

test("a schedule named by its path stands in the search, and one that is not there or is none is told", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-search-file-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const search = join(folder, "search.yaml");
  const text = "name: replay\nworkload: mnist-mlp\nobjective: {metric: validLoss}\nstrategy: random\ntechniques: [dropout]\n";
  writeFileSync(search, `${text}budget: {trials: 2}\nschedule: learned.json\n`);
  await assert.rejects(readSearchFile(search), (error) => {
    return (
      error instanceof RegulusError && error.code === "not-found" && /schedule .*learned\.json: no such file/.test(error.message)
    );
  });
  writeFileSync(join(folder, "learned.json"), '{"steps": [0, 5], "values": {"inputDropout": [0.1, 0.2]}, "scales": {}}');
  const { schedule } = await readSearchFile(search);
  assert.deepEqual(schedule, { steps: [0, 5], values: { inputDropout: { values: [0.1, 0.2] } } });
  writeFileSync(join(folder, "learned.json"), '{"steps": [3], "values": {"inputDropout": [0.1]}}');
  await assert.rejects(readSearchFile(search), /schedule\.steps\[0\]: saw 3, expected 0/);
});
