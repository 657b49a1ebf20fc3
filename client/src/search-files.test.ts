/** Search files that name a schedule by its file, beside them. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { parseSearchText, readSearchFile } from "./search-files.js";

test("a schedule named by its path is put into the search; a missing or invalid one is an error", async (t) => {
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

test("a whole number that would lose digits is refused wherever it stands, as it is written", async () => {
  const large = "9007199254740993";
  const text = `
name: large
command: { argv: [a] }
objective: { metric: loss }
strategy: { name: random, options: { n: ${large} } }
space:
  a: { type: int, min: -${large}, max: 3 }
  b: { type: int, min: 0, max: 3, initial: ${large} }
  c: { type: categorical, choices: [${large}, 9007199254740991] }
  d: { type: double, min: 0, max: ${large} }
  e: { type: double, min: 0, max: 10000000000000000000 }
budget: { trials: 2, stepsPerTrial: ${large} }
seed: ${large}
`;
  await assert.rejects(
    async () => parseSearchText(text, "large.yaml"),
    (error: unknown) => {
      assert.ok(error instanceof RegulusError);
      const fields = error.problems.filter(({ seen }) => seen.endsWith(large)).map(({ field }) => field);
      const expected = [
        "strategy.options.n",
        "space.a.min",
        "space.b.initial",
        "space.c.choices[0]",
        "space.d.max",
        "budget.stepsPerTrial",
        "seed",
      ];
      assert.deepEqual(fields.sort(), expected.sort());
      return true;
    },
  );
});

test("a file in another encoding and a file of two searches say so", () => {
  const refusal = (text: string) => {
    try {
      parseSearchText(text, "f.yaml");
    } catch (thrown) {
      return thrown instanceof RegulusError && thrown.code === "invalid-argument" ? thrown.message : thrown;
    }
    return "nothing";
  };
  const utf16 = Buffer.from("\ufeffname: a\n", "utf16le").toString("utf8");
  assert.equal(refusal(utf16), "f.yaml: the file is not UTF-8 (UTF-16?); save it as UTF-8");
  assert.match(String(refusal("name: a\n---\nname: b\n")), /saw 2 documents .*expected one search a file/);
});
