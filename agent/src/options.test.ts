import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { RegulusError } from "@regulus/proto";
import { openDataFolder } from "./data-folder.js";
import { computeOf } from "./facts/compute.js";
import { readFlags } from "./options.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-data-"));
after(() => rmSync(folder, { recursive: true }));

test("without flags an agent has the documented defaults", () => {
  const options = readFlags({});
  assert.equal(options.coordinator, "127.0.0.1:7711");
  assert.equal(options.slots, availableParallelism());
  assert.deepEqual(
    [options.backend, options.isolation, options.allowCommands, options.data],
    ["auto", "process", false, ".regulus/agent"],
  );
  assert.equal(options.metricsListen, undefined);
  const more = readFlags({ slots: "3", label: ["zone=a", "note=x=y"], metricsListen: "127.0.0.1:0", allowModules: "/m" });
  assert.deepEqual(
    [more.slots, more.labels, more.metricsListen, more.allowModules],
    [3, { zone: "a", note: "x=y" }, "127.0.0.1:0", "/m"],
  );
});

test("wrong flags are all reported at once, each by name with seen and expected", () => {
  assert.throws(
    () => readFlags({ slots: "many", backend: "gpu", coordinator: "nowhere", id: "-x" }),
    (error) => {
      assert.ok(error instanceof RegulusError);
      assert.deepEqual(error.problems.map(({ field }) => field).sort(), ["--backend", "--coordinator", "--id", "--slots"]);
      assert.match(error.message, /--backend: saw "gpu"/);
      return true;
    },
  );
});

test("of a flag given several times only the wrong value is shown, and expected is said once", () => {
  for (const [flags, words] of [
    [{ passEnv: ["HOME", "a b"] }, '--pass-env: saw "a b", expected the name of an environment variable, not one of REGULUS_*'],
    [{ label: ["a=b", "zone"] }, '--label: saw "zone", expected NAME=VALUE'],
    [{ coordinator: "nowhere" }, '--coordinator: saw "nowhere", expected HOST:PORT'],
    [{ slots: "many" }, '--slots: saw "many", expected number'],
    [{ slots: 0 }, "--slots: saw 0, expected number to be >=1"],
  ] as const) {
    assert.throws(
      () => readFlags(flags),
      (error) => error instanceof RegulusError && error.message === words,
    );
  }
});

test("an agent keeps its id, has its folder alone, and finds no leftovers in it", () => {
  const first = openDataFolder(folder, undefined);
  writeFileSync(join(first.scratch, "left"), "over");
  assert.match(first.agentId, /^[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{8}$/);
  first.release();
  const second = openDataFolder(folder, undefined);
  assert.equal(second.agentId, first.agentId);
  assert.deepEqual(readdirSync(second.scratch), []);
  second.release();
  // The test runner's own process lives and is a Node.
  writeFileSync(join(folder, "lock"), String(process.ppid));
  assert.throws(() => openDataFolder(folder, "other"), /in use by the agent with process id \d+: end that one/);
  writeFileSync(join(folder, "lock"), "999999999");
  assert.equal(openDataFolder(folder, "other").agentId, "other");
});

test("an agent registers the backend it chose and those that every installation has", () => {
  const reason = "the quickest";
  const failed = [{ name: "tensorflow", available: false, reason: "not installed" }];
  assert.deepEqual(computeOf("auto", { backend: "wasm", reason, tried: failed }).backends, ["wasm", "cpu"]);
  assert.deepEqual(computeOf("auto", { backend: "tensorflow-gpu", reason, tried: [] }).backends, ["tensorflow", "wasm", "cpu"]);
  assert.deepEqual(computeOf("cpu", { backend: "cpu", reason, tried: [] }).backends, ["cpu"]);
  const noWasm = [{ name: "wasm", available: false, reason: "no SIMD" }];
  assert.deepEqual(computeOf("auto", { backend: "cpu", reason, tried: noWasm }).backends, ["cpu"]);
});
