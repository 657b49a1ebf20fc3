/**
 * A search file that is wrong in every way at once, against a real coordinator: one answer tells all of it, with paths as in the file,
 * from `validate` and from `submit`; and so does CreateSearch for a client that sends the message itself.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect } from "@regulus/client";
import { RegulusError, SearchSpec } from "@regulus/proto";
import { scratch, startProgram } from "./cluster/index.js";

const command = join(dirname(fileURLToPath(import.meta.url)), "../../client/bin/regulus.js");
const file = `
name: wrong everywhere
workload: mnist-mpl
objective: {metric: validLoss}
strategy: {name: randon, options: {}, optionz: {}}
space:
  learningRate: {type: double, min: 0, max: 0.1, scale: log}
techniques:
  - {name: weight-decay, options: {weightDecai: 0.001}}
  - dropout
diagnostics: [scale-wach]
budget: {stepsPerTrial: 100}
parallelism: lots
colour: red
`;

test("every error of a file comes in one answer", async (t) => {
  const folder = scratch("wrong-file");
  const data = join(folder.path, "data");
  const coordinator = await startProgram("coordinator", ["--data", data, "--listen", "127.0.0.1:0", "--metrics-listen", "off"]);
  t.after(async () => {
    await coordinator.kill();
    folder.remove();
  });
  const path = join(folder.path, "wrong.yaml");
  writeFileSync(path, file);
  const address = coordinator.ready.address ?? "";

  const expected = [
    [/^colour$/, /unknown field/, /one of/],
    [/^strategy\.optionz$/, /unknown field/, /did you mean options\?/],
    [/^parallelism$/, /"lots"/, /a finite number/],
    [/^space\.learningRate\.min$/, /^0$/, /above 0 on a log scale/],
    [/^strategy\.name$/, /randon/, /did you mean random\?/],
    [/^workload$/, /mnist-mpl/, /did you mean mnist-mlp\?/],
    [/^techniques\[0\]\.options\.weightDecai$/, /weightDecai/, /did you mean weightDecay\?/],
    [/^diagnostics\[0\]$/, /scale-wach/, /did you mean scale-watch\?/],
    [/^budget$/, /no limit/, /trials, steps or wallTime/],
  ] as const;
  for (const words of ["validate", "submit"]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, words, path, "-c", address, "--json"], {
      encoding: "utf8",
    });
    assert.equal(status, 2, stderr);
    const answer = JSON.parse(words === "validate" ? stdout : stderr);
    const { problems } = words === "validate" ? answer : answer.error;
    assert.equal(problems.length, expected.length, JSON.stringify(problems, undefined, 1));
    for (const [index, [field, seen, wanted]] of expected.entries()) {
      assert.match(problems[index].field, field);
      assert.match(problems[index].seen, seen);
      assert.match(problems[index].expected, wanted);
    }
  }

  const client = connect(address);
  t.after(() => client.close());
  const spec = SearchSpec.fromPartial({
    workload: { name: "mnist-mpl" },
    strategy: { name: "randon" },
    objectives: [{ metric: "validLoss" }],
    techniques: [{ name: "weight-decay", options: { weightDecai: 0.001 } }],
  });
  await assert.rejects(client.createSearch({ spec }), (thrown) => {
    assert.ok(thrown instanceof RegulusError);
    const fields = thrown.problems.map(({ field }) => field);
    assert.deepEqual(fields, ["name", "strategy.name", "workload.name", "techniques[0].options.weightDecai", "budget"]);
    return true;
  });
  assert.deepEqual((await client.listSearches()).searches, []);
});
