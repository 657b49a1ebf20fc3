/** Modules by path, and names that nobody registered; a process that only evaluates functions loads no tfjs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { chooseBackend } from "../../kernels/index.js";
import { loadWorkloadModule } from "./find-component.js";
import { loadProcedure } from "./find-procedure.js";
import { modelKit } from "./trial-setup.js";

function failsWith(code: string, words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof RegulusError && error.code === code && words.test(error.message);
}

it("says which names there are where one is unknown", async () => {
  await assert.rejects(
    async () => loadProcedure("fitt"),
    failsWith("not-found", /fitt.*expected one of: .*evaluate, fit, .*self-tune/),
  );
});

it("says what a module lacks", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-module-"));
  try {
    await assert.rejects(loadWorkloadModule(join(folder, "none.mjs")), failsWith("not-found", /none\.mjs can't be loaded/));
    writeFileSync(join(folder, "empty.mjs"), "export const other = 1;");
    await assert.rejects(loadWorkloadModule(join(folder, "empty.mjs")), failsWith("failed-precondition", /exports no workload/));
    writeFileSync(join(folder, "closed.mjs"), "export const workload = { spec: { name: 3 } };");
    await assert.rejects(
      loadWorkloadModule(join(folder, "closed.mjs")),
      failsWith("failed-precondition", /workload\.spec\.name.*\n.*open/s),
    );
    writeFileSync(join(folder, "whole.mjs"), "export const workload = { open: async () => { throw new Error('opened'); } };");
    const loaded = await loadWorkloadModule(join(folder, "whole.mjs"));
    assert.deepEqual(loaded.spec.hyperparameters({}), []);
    assert.deepEqual(loaded.spec.options.parse({ anything: 1 }), { anything: 1 });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("says all that a module's task lacks at once, fills in what it may leave out, and calls it as the object that it is", async () => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-task-"));
  const write = (name: string, body: string) => writeFileSync(join(folder, name), `export const workload = { open: ${body} };`);
  const request = { options: {}, hyperparameters: {}, seed: 1, kit: modelKit };
  try {
    write("empty.mjs", "async () => ({ sizes: { train: 10, valid: 0, test: 5 }, forward: 'net' })");
    const empty = await loadWorkloadModule(join(folder, "empty.mjs"));
    const lacks =
      /is no task:.*sizes\.tune: .*sizes\.valid: .*batch: expected a function: batch\(split, rows\).*forward: .*loss: /s;
    await assert.rejects(empty.open(request), failsWith("failed-precondition", lacks));
    write("nothing.mjs", "() => undefined");
    const nothing = await loadWorkloadModule(join(folder, "nothing.mjs"));
    await assert.rejects(nothing.open(request), failsWith("failed-precondition", /is no task:\nit: /));
    const least = `async () => new (class {
      sizes = { train: 10, tune: 4, valid: 5, test: 5 };
      training = { learningRate: 0.5 };
      batch(split, rows) { return [this.sizes[split], rows.length]; }
      forward(net, inputs) { return inputs; }
      loss(outputs) { return outputs; }
    })()`;
    write("least.mjs", least);
    const task = await (await loadWorkloadModule(join(folder, "least.mjs"))).open(request);
    assert.deepEqual(task.batch("tune", Int32Array.of(1, 2)), [4, 2]);
    assert.deepEqual([task.training.learningRate, task.training.batchSize, task.training.optimizer], [0.5, 32, "momentum"]);
    await chooseBackend("cpu");
    const none = tf.zeros([1]);
    assert.deepEqual(task.metrics(none, none), {});
    task.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("evaluates a function without loading tfjs", () => {
  const program = `
    import { createRequire } from "node:module";
    import { openCase } from ${JSON.stringify(new URL("../../conformance/attempt.js", import.meta.url).href)};
    const session = await openCase({ procedure: "evaluate", workload: "synthetic-function", parameters: { x0: 1, x1: 2 } });
    await session.step();
    const { metrics } = await session.measure();
    const loaded = Object.keys(createRequire(import.meta.url).cache ?? {}).some((file) => file.includes("tfjs"));
    console.log(JSON.stringify({ value: metrics.value, loaded }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  assert.deepEqual(JSON.parse(output), { value: 5, loaded: false });
});
