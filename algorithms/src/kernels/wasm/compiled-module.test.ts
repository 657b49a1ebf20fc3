/** Both builds of the module compute the same products, up to rounding; the plain one is what machines without relaxed SIMD run. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { plainModule } from "./compiled-module.js";

const backend = fileURLToPath(new URL("../backend.js", import.meta.url));

/** Entries of a transposed product whose exact values are whole numbers below 2^24, so that any order of sums gives the same float32. */
const program = `
  const { chooseBackend } = await import(${JSON.stringify(backend)});
  const tf = await import("@tensorflow/tfjs-core");
  await chooseBackend("wasm");
  const a = tf.tensor2d(Array.from({ length: 37 * 50 }, (_, i) => (i * 7) % 11), [37, 50]);
  const b = tf.tensor2d(Array.from({ length: 37 * 29 }, (_, i) => (i * 5) % 13), [37, 29]);
  console.log(JSON.stringify(Array.from(await tf.matMul(a, b, true, false).data())));
`;

function product(env: Record<string, string>): number[] {
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "") as number[];
}

test("the plain build validates without any flag and multiplies as exactly as the quick one", () => {
  assert.ok(WebAssembly.validate(plainModule()));
  const expected: number[] = [];
  for (let row = 0; row < 50; row++) {
    for (let column = 0; column < 29; column++) {
      let sum = 0;
      for (let k = 0; k < 37; k++) sum += (((k * 50 + row) * 7) % 11) * (((k * 29 + column) * 5) % 13);
      expected.push(sum);
    }
  }
  assert.deepEqual(product({ REGULUS_WASM: "plain" }), expected);
  assert.deepEqual(product({ REGULUS_WASM: "" }), expected);
});
