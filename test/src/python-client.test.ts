/**
 * A client in another language, generated from proto/ alone by protoc, with Debian's python3-grpcio: examples/client/search.py creates, watches,
 * lists, exports and stops searches of a real coordinator.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root, scratch, startProgram } from "./cluster/index.js";

test("a Python client generated from the contract creates, watches, lists, exports and stops searches", async () => {
  const folder = scratch("python");
  const generated = join(folder.path, "generated");
  mkdirSync(generated);
  const plugin = execFileSync("sh", ["-c", "command -v grpc_python_plugin"], { encoding: "utf8" }).trim();
  const contract = readdirSync(join(root, "proto/regulus/v1"))
    .filter((file) => file.endsWith(".proto"))
    .map((file) => `regulus/v1/${file}`);
  const into = [`--python_out=${generated}`, `--grpc_python_out=${generated}`, `--plugin=protoc-gen-grpc_python=${plugin}`];
  execFileSync("protoc", ["-I", join(root, "proto"), ...into, ...contract]);

  const listen = ["--listen", "127.0.0.1:0", "--metrics-listen", "off"];
  const coordinator = await startProgram("coordinator", [...listen, "--data", join(folder.path, "coordinator")]);
  const address = coordinator.ready.address ?? "";
  const inline = ["--isolation", "inline", "--backend", "cpu", "--slots", "1"];
  const agent = await startProgram("agent", ["--coordinator", address, ...inline, "--data", join(folder.path, "agent")]);
  try {
    const environment = { ...process.env, PYTHONPATH: generated };
    const script = join(root, "examples/client/search.py");
    const output = execFileSync("/usr/bin/python3", [script, address], { env: environment, encoding: "utf8", timeout: 120_000 });
    const said = Object.assign(
      {},
      ...output
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    );
    assert.equal(said.same, true, "the idempotency key found the first search");
    assert.equal(said.ended, 5);
    assert.deepEqual(said.exported, [0, 1, 2, 3, 4]);
    assert.ok(Math.abs(said.value - (said.parameters.x0 ** 2 + said.parameters.x1 ** 2)) < 1e-9, output);
    assert.equal(said.outcome, "SEARCH_OUTCOME_STOPPED");
    assert.equal(said.refused, "INVALID_ARGUMENT");
    assert.match(said.details, /space\[0\]\.double\.max: saw -2, expected/);
  } finally {
    await agent.end();
    await coordinator.end();
    folder.remove();
  }
});
