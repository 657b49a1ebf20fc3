/**
 * A new algorithm is one folder and nothing else by hand: one of each kind of the training step, and a strategy, are added to a scratch copy of
 * algorithms/. Then the registries are written, what changed is compiled, the suites of each kind run over the new ones, a search that names them all is
 * accepted, and a trial trains with them. What is added are copies of registered ones under other names.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root, scratch } from "./cluster/index.js";

const run = promisify(execFile);
const processMs = 120_000;

/** By the folder of its kind: what is copied, what the copy is called, and what its suite is called in the tests' output. */
const added = {
  techniques: { of: "label-smoothing", name: "new-technique", suite: "technique new-technique" },
  optimizers: { of: "momentum", name: "new-optimizer", suite: "optimizer new-optimizer" },
  "learning-rates": { of: "cosine", name: "new-schedule", suite: "learning rate new-schedule" },
  "loss-heads": { of: "stablemax-cross-entropy", name: "new-loss", suite: "loss head new-loss" },
  probes: { of: "calibration", name: "new-probe", suite: "probe new-probe" },
  strategies: { of: "random", name: "new-strategy", suite: "strategy new-strategy" },
} as const;

/** Why the new technique can't act where hyperparameters are tuned inside: suites and searches must refuse it there. */
const reason = "a test says so";

/** A search that names all of them, resolved and then trained for a few steps; with self-tuning it is refused. */
const program = `
  import { parseSearchDocument } from "@regulus/proto";
  import { resolveSpec } from "@regulus/algorithms/catalog";
  import { chooseBackend } from "@regulus/algorithms/kernels";
  import { openCase, stepTo } from "@regulus/algorithms/conformance/training";
  const options = {
    trainSize: 48, tuneSize: 32, validSize: 40, batchSize: 16, hiddenUnits: [8],
    optimizer: "new-optimizer", learningRateSchedule: "new-schedule", lossHead: "new-loss",
  };
  const workload = { name: "mnist-mlp", options };
  const [techniques, probes] = [["new-technique"], ["new-probe"]];
  const search = { name: "new", workload, objective: { metric: "validLoss" }, strategy: "new-strategy", techniques, probes, budget: { trials: 1 } };
  const { strategy } = resolveSpec(parseSearchDocument(search));
  let refusal = "";
  try {
    resolveSpec(parseSearchDocument({ ...search, tuning: "self-tune" }));
  } catch (error) {
    refusal = error.message;
  }
  await chooseBackend("wasm");
  const session = await openCase({ procedure: "fit", workload: "mnist-mlp", workloadOptions: options, techniques, probes });
  await stepTo(session, 3);
  const { metrics } = await session.measure();
  session.close();
  console.log(JSON.stringify({ strategy: strategy.name, metrics, refusal }));
`;

test("a new algorithm of any kind is one folder, and everything else follows", async () => {
  const folder = scratch("one-folder");
  try {
    const copy = folder.path;
    copyAlgorithms(copy);
    for (const [kind, { of, name }] of Object.entries(added)) addCopy(join(copy, "algorithms/src", kind), of, name);
    const spec = join(copy, "algorithms/src/techniques/new-technique/spec.ts");
    writeFileSync(spec, readFileSync(spec, "utf8").replace("  options,", `  options,\n  outsideOnly: "${reason}",`));
    await run("node", ["scripts/generate.mjs", "--registries"], { cwd: copy, timeout: processMs });
    await run("node", [join(root, "node_modules/typescript/bin/tsc"), "-b", "algorithms"], { cwd: copy, timeout: processMs });
    for (const [kind, { name }] of Object.entries(added))
      assert.match(readFileSync(join(copy, "README.md"), "utf8"), new RegExp(`\\(algorithms/src/${kind}/${name}\\)`));

    const suites = await testsOf(copy, ["conformance/training.test.js", "conformance/strategy.test.js"], "new-");
    for (const { suite } of Object.values(added)) assert.ok(passed(suites, suite) > 0, `${suite} ran:\n${suites}`);
    writeFileSync(join(copy, "algorithms/trial.mjs"), program);
    const { stdout } = await run("node", ["algorithms/trial.mjs"], { cwd: copy, timeout: processMs });
    const { strategy, metrics, refusal } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    assert.equal(strategy, "new-strategy");
    assert.match(
      refusal,
      new RegExp(`techniques\\[0\\].name: saw new-technique, and self-tuning, expected one of the two: ${reason}`),
    );
    assert.ok(Number.isFinite(metrics.validLoss) && Number.isFinite(metrics.validEce), stdout);
  } finally {
    folder.remove();
  }
});

/** Sources and what they compiled to, with the times of files, so that the compiler works on what is new alone. Packages are linked. */
function copyAlgorithms(to: string): void {
  const options = { recursive: true, preserveTimestamps: true };
  for (const file of ["scripts", "tsconfig.base.json", "package.json", "README.md"])
    cpSync(join(root, file), join(to, file), options);
  for (const part of ["src", "dist", "package.json", "tsconfig.json"])
    cpSync(join(root, "algorithms", part), join(to, "algorithms", part), {
      ...options,
      filter: (file) => !file.endsWith(".map"),
    });
  symlinkSync(join(root, "proto"), join(to, "proto"));
  const packages = join(to, "node_modules");
  mkdirSync(join(packages, "@regulus"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules")))
    if (name !== "@regulus") symlinkSync(join(root, "node_modules", name), join(packages, name));
  for (const room of ["algorithms", "proto"]) symlinkSync(join(to, room), join(packages, "@regulus", room));
}

/** Copies a component's folder under another name. */
function addCopy(kind: string, of: string, name: string): void {
  const folder = join(kind, name);
  cpSync(join(kind, of), folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8")
      .replaceAll(`name: "${of}"`, `name: "${name}"`)
      .replaceAll(`"./${of}.js"`, `"./${name}.js"`);
    writeFileSync(path, text);
    renameSync(path, join(folder, file.replace(new RegExp(`^${of}(?=\\.)`), name)));
  }
}

/** What node's test runner says of compiled test files; fails where a test fails. @param pattern of the names of tests to run. */
async function testsOf(copy: string, files: readonly string[], pattern: string): Promise<string> {
  const paths = files.map((file) => `algorithms/dist/${file}`);
  const args = ["--test", "--test-reporter=tap", `--test-name-pattern=${pattern}`, ...paths];
  // Node's runner does nothing inside another one of its kind.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = await run("node", args, { cwd: copy, env, timeout: processMs, maxBuffer: 64 * 1024 * 1024 }).catch(
    (failed: { stdout: string; stderr: string }) => assert.fail(failed.stdout + failed.stderr),
  );
  return stdout;
}

/** How many tests of a suite passed, by the runner's output. */
function passed(output: string, suite: string): number {
  const block = output.split(/^# Subtest: /m).find((text) => text.startsWith(`${suite}\n`)) ?? "";
  return [...block.matchAll(/^ +ok \d+ - (?!.*# SKIP)/gm)].length;
}
