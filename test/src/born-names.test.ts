/**
 * Names that JavaScript objects have from birth (`toString`, `constructor` ...) are names like any other: of parameters, conditions, labels and
 * metrics, from the search file to the program and back to every view.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root, scratch, startProgram } from "./cluster/index.js";

const run = promisify(execFile);

const file = {
  name: "names from birth",
  command: { argv: ["sh", "-c", 'echo "{\\"step\\": 1, \\"valueOf\\": $REGULUS_PARAM_toString}"', "--", "--c=${constructor}"] },
  objective: { metric: "valueOf" },
  strategy: "grid",
  space: {
    toString: { type: "int", min: 1, max: 3 },
    hasOwnProperty: { type: "boolean" },
    constructor: { type: "categorical", choices: ["a", "b"], when: { parameter: "hasOwnProperty", equals: true } },
  },
  labels: { constructor: "of names" },
  parallelism: 2,
};

test("a search over toString and constructor runs to its end and reads the same in every view", async () => {
  const folder = scratch("names");
  const listen = ["--listen", "127.0.0.1:0", "--metrics-listen", "off"];
  const coordinator = await startProgram("coordinator", [...listen, "--data", join(folder.path, "coordinator")]);
  const address = coordinator.ready.address ?? "";
  const agent = await startProgram("agent", [
    ...["--coordinator", address, "--allow-commands", "--backend", "cpu", "--slots", "2", "--data", join(folder.path, "agent")],
  ]);
  const regulus = async (...args: string[]) => {
    const options = { env: { ...process.env, REGULUS_COORDINATOR: address }, timeout: 120_000 };
    return (await run(process.execPath, [join(root, "client/bin/regulus.js"), ...args], options)).stdout;
  };
  try {
    const path = join(folder.path, "search.json");
    writeFileSync(path, JSON.stringify(file));
    const { search } = JSON.parse(await regulus("submit", path, "--json", "--coordinator", address));
    const { searchId } = search;
    await regulus("watch", searchId, "--coordinator", address);
    const best = JSON.parse(await regulus("best", searchId, "--json", "--coordinator", address));
    assert.deepEqual([best.bestValue, best.trial.work.parameters.toString], [1, 1]);
    const csv = await regulus("export", searchId, "--format", "csv", "--coordinator", address);
    const [header = "", ...rows] = csv.trim().split(/\r?\n/);
    assert.equal(rows.length, 9, "three times false, and three times true with two choices");
    assert.ok(
      ["toString", "constructor", "best.valueOf"].every((name) => header.includes(name)),
      header,
    );
    assert.ok(!/function|native code/.test(csv), csv);
    const listed = await regulus("ls", "--label", "constructor=of names", "--coordinator", address);
    assert.match(listed, /names from birth/);
    assert.doesNotMatch(await regulus("ls", "--label", "toString=x", "--coordinator", address), /names from birth/);
    const report = join(folder.path, "report.html");
    await regulus("report", searchId, "-o", report, "--coordinator", address);
  } finally {
    await agent.end();
    await coordinator.end();
    folder.remove();
  }
});
