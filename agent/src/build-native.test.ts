/**
 * The script that builds native TensorFlow: its refusals everywhere, and the whole way (build, then train by `chooseBackend("tensorflow")`) where
 * a Python with a TensorFlow wheel is found, in VIRTUAL_ENV or as python3.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../scripts/build-native.mjs", import.meta.url));
let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "regulus-native-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const build = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

/** A program that answers as a Python whose TensorFlow lies in `folder` would. */
function pythonThatFinds(tensorflow: string | null): string {
  const path = join(folder, `python-${Math.abs(tensorflow?.length ?? 0)}`);
  writeFileSync(path, `#!/bin/sh\necho '${JSON.stringify({ folder: tensorflow, version: "2.21.0" })}'\n`, { mode: 0o755 });
  return path;
}

test("a Python that is not there is refused by path", () => {
  const { status, stderr } = build("--python", join(folder, "nowhere"));
  assert.equal(status, 1);
  assert.match(stderr, /nowhere does not exist; expected a Python or the folder of a virtual environment/);
});

test("a Python without TensorFlow gets install advice", () => {
  const { status, stderr } = build("--python", pythonThatFinds(null));
  assert.equal(status, 1);
  assert.match(stderr, /has no tensorflow; install it with: .* -m pip install tensorflow-cpu/);
});

test("a wheel without the library's parts is refused, naming each", () => {
  const wheel = join(folder, "tensorflow");
  mkdirSync(wheel);
  const { status, stderr } = build("--python", pythonThatFinds(wheel));
  assert.equal(status, 1);
  assert.match(stderr, /lacks include\/tensorflow\/c\/c_api\.h, .*libtensorflow_cc\.so\.2, libtensorflow_framework\.so\.2/);
});

test("a missing npm package is told by name with the command that installs it", () => {
  const wheel = join(folder, "whole/tensorflow");
  for (const file of [
    "include/tensorflow/c/c_api.h",
    "include/tensorflow/c/eager/c_api.h",
    "libtensorflow_cc.so.2",
    "libtensorflow_framework.so.2",
  ]) {
    mkdirSync(join(wheel, file, ".."), { recursive: true });
    writeFileSync(join(wheel, file), "");
  }
  const { status, stderr } = build("--python", pythonThatFinds(wheel), "--package", join(folder, "nowhere"));
  assert.equal(status, 1);
  assert.match(
    stderr,
    /npm package @tensorflow\/tfjs-node is not in .*nowhere; install it with: npm install --no-save --ignore-scripts/,
  );
});

test("built against an installed wheel, native TensorFlow is chosen and trains", (t) => {
  const python = process.env.VIRTUAL_ENV ?? "python3";
  const program = existsSync(join(python, "bin/python")) ? join(python, "bin/python") : python;
  const found = spawnSync(program, ["-c", "import importlib.util as u; print(u.find_spec('tensorflow') is not None)"], {
    encoding: "utf8",
  });
  if (found.stdout?.trim() !== "True") {
    const reason = `no TensorFlow wheel in ${program}; set VIRTUAL_ENV to a virtual environment with tensorflow-cpu to run this test`;
    console.error(reason);
    return t.skip(reason);
  }
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const install = spawnSync("npm", ["install", "--ignore-scripts", "@tensorflow/tfjs-node@4.22.0"], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.equal(install.status, 0, install.stderr);
  const built = build("--python", program, "--package", join(folder, "node_modules/@tensorflow/tfjs-node"));
  assert.equal(built.status, 0, built.stderr);
  const training = `
    const { chooseBackend } = await import("@regulus/algorithms/kernels");
    const tf = await import("@tensorflow/tfjs");
    const { name } = await chooseBackend("tensorflow");
    const slope = tf.grad((x) => tf.sum(tf.tanh(x)));
    const curvature = tf.grad((x) => tf.sum(slope(x)))(tf.tensor1d([0.5]));
    console.log(JSON.stringify({ name, curvature: curvature.dataSync()[0] }));`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", training], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, REGULUS_PEERS: folder },
    encoding: "utf8",
  });
  assert.equal(child.status, 0, child.stderr);
  const seen: unknown = JSON.parse(child.stdout.trim().split("\n").at(-1) ?? "");
  assert.ok(typeof seen === "object" && seen !== null && "name" in seen && "curvature" in seen);
  assert.match(String(seen.name), /^tensorflow/);
  // tanh''(x) = -2 tanh(x) (1 - tanh(x)^2) = -0.72686 at 0.5; float32 is good to 1e-6, the stock gradient gives 0.
  assert.ok(Math.abs(Number(seen.curvature) + 0.72686) < 1e-4, `tanh'' is ${seen.curvature}`);
});
