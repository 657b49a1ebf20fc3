/** What the catalog makes of a search that runs programs. That programs run, and what becomes of them, is tested where they are started (agent/src/command). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearchDocument, RegulusError } from "@regulus/proto";
import { resolveSpec, strategyContext } from "../../catalog/index.js";
import { spec } from "./spec.js";

const document = {
  name: "programs",
  command: { argv: ["python3", "train.py"] },
  objective: { metric: "loss" },
  strategy: "random",
  space: { rate: { type: "double", min: 0.1, max: 1 } },
  budget: { trials: 3 },
};

test("a search with a program has its trials run by it, with what the search file says and nothing else", () => {
  const resolved = resolveSpec(parseSearchDocument(document));
  assert.equal(strategyContext(resolved).plainProcedure, spec.name);
  assert.deepEqual(resolved.command?.argv, ["python3", "train.py"]);
  assert.deepEqual(spec.options.parse({}), {});
  assert.throws(() => spec.options.parse({ argv: ["other"] }), /argv/, "the program stands in the search's command");
});

test("what happens inside training is refused with a message that says why: a program's training is its own", () => {
  assert.equal(spec.learnsInside, false);
  const refused = (more: object, words: RegExp) =>
    assert.throws(
      () => resolveSpec(parseSearchDocument({ ...document, ...more })),
      (error) => error instanceof RegulusError && error.code === "invalid-argument" && words.test(error.message),
    );
  const budget = { trials: 1, stepsPerTrial: 10 };
  refused(
    { strategy: "self-tuning-network", budget },
    /^command: saw a program, expected a workload: .*a program trains by itself$/,
  );
  refused({ techniques: ["dropout"] }, /^techniques: saw a list of 1, expected none with a command/);
});
