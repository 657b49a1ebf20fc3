/** Choosing a backend: order, reasons, clear refusals, and silence on stdout. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "./backend.js";
import { importPeer, Unavailable } from "./backends/peers.js";

test("auto takes the first of native TensorFlow, webgpu and wasm that is here, and says why not the ones before", async () => {
  const { name, reason, tried } = await chooseBackend("auto");
  const order = ["tensorflow-gpu", "tensorflow", "webgpu", "wasm"];
  assert.deepEqual(tried.map((each) => each.name), order.slice(0, order.indexOf(name) + 1)); // biome-ignore format: one thought
  assert.deepEqual(tried.map((each) => each.available), tried.map((each) => each.name === name)); // biome-ignore format: one thought
  assert.match(reason, /^the fastest backend on this machine: /);
  for (const { reason: why } of tried) assert.ok(why.length > 10, `a reason, not "${why}"`);
});

test("a backend asked for by name is taken, whatever was there before", async () => {
  for (const preference of ["cpu", "wasm", "cpu"] as const) {
    const { name, tried } = await chooseBackend(preference);
    assert.deepEqual([name, tf.getBackend(), tried.length], [preference, preference, 1]);
  }
});

test("a backend that is not here is refused, saying what to install", async () => {
  for (const preference of ["tensorflow", "webgpu"] as const) {
    const outcome = await chooseBackend(preference).catch((error: unknown) => error);
    if (!(outcome instanceof RegulusError)) continue; // it is installed on this machine
    assert.equal(outcome.code, "failed-precondition");
    assert.match(outcome.message, new RegExp(`^backend ${preference} is not available`));
    assert.match(outcome.message, preference === "webgpu" ? /npm install --no-save webgpu/ : /npm run build-native/);
  }
});

test("an absent package is told by name", async () => {
  await assert.rejects(importPeer("@regulus/no-such-package"), (error: unknown) => {
    assert.ok(error instanceof Unavailable);
    assert.match(error.message, /^npm package @regulus\/no-such-package is not installed/);
    return true;
  });
});

test("choosing and computing print nothing", () => {
  const module = new URL("./backend.js", import.meta.url).href;
  const script = `
    const { chooseBackend } = await import("${module}");
    const tf = await import("@tensorflow/tfjs");
    for (const name of ["wasm", "cpu"]) { await chooseBackend(name); tf.matMul(tf.ones([2, 2]), tf.ones([2, 2])).dataSync(); }`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
});
