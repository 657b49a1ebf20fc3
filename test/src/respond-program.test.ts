/** MAID over a program of the user's own: the Python example, on real agents, as its search file states it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SearchOutcome } from "@regulus/proto";
import { parse } from "yaml";
import { runMaidSearch } from "./cluster/maid-search.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const program = "examples/respond/denoise.py";
const samples = 6;

interface Said {
  readonly value: number;
  readonly hypergradient: readonly [number, number];
}

/** Mean loss and hypergradient at each of some hyperparameters, from a program that is asked by hand. */
function ask(thetas: readonly (readonly [number, number])[]): { loss: number; slope: readonly [number, number] }[] {
  const asked = thetas.flatMap((theta) =>
    Array.from({ length: samples }, (_, sample) => {
      const accuracies = { accuracy: 1e-10, residual: 1e-10, iterationsMax: 100_000 };
      return { ask: "sample", sample, theta, ...accuracies, state: null };
    }),
  );
  const lines = [{ ask: "hello", protocol: 1, seed: 1, parameters: {} }, ...asked].map((one) => `${JSON.stringify(one)}\n`);
  const output = execFileSync("python3", [program], { cwd: root, input: lines.join(""), encoding: "utf8", maxBuffer: 2 ** 26 });
  const said: Said[] = output
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line));
  const mean = (index: number, of: (one: Said) => number) =>
    said.slice(index * samples, (index + 1) * samples).reduce((sum, one) => sum + of(one), 0) / samples;
  return thetas.map((_, index) => ({
    loss: mean(index, ({ value }) => value),
    slope: [mean(index, ({ hypergradient: [a] }) => a), mean(index, ({ hypergradient: [, b] }) => b)],
  }));
}

test("the example is as short as it is said to be, and its hypergradients are the slopes of its losses", () => {
  const lines = readFileSync(join(root, program), "utf8").trimEnd().split("\n");
  assert.ok(lines.length <= 40, `${lines.length} lines`);
  const h = 1e-4;
  const [at, a1, a0, b1, b0] = ask([
    [0.3, -1],
    [0.3 + h, -1],
    [0.3 - h, -1],
    [0.3, -1 + h],
    [0.3, -1 - h],
  ]);
  assert.ok(at && a1 && a0 && b1 && b0);
  // Central differences are off by h^2 = 1e-8 times third derivatives, which are below 1 here.
  assert.ok(Math.abs(at.slope[0] - (a1.loss - a0.loss) / (2 * h)) < 1e-7);
  assert.ok(Math.abs(at.slope[1] - (b1.loss - b0.loss) / (2 * h)) < 1e-7);
});

test("maid tunes the example as well as a grid, with the same steps on one agent and on two of which one is killed", async () => {
  const document: Record<string, unknown> = parse(readFileSync(join(root, "examples/respond-program.yaml"), "utf8"));
  const [alone, killed] = await Promise.all([
    runMaidSearch({ agents: 1, allowCommands: true, document }),
    runMaidSearch({ agents: 2, allowCommands: true, document, disturbance: { kind: "kill-agent", afterSteps: 2 } }),
  ]);
  assert.deepEqual([killed.disturbances, killed.steps], [1, alone.steps]);
  const end = alone.facts.at(-1)?.kind;
  assert.ok(end?.$case === "searchEnded");
  assert.equal(end.value.outcome, SearchOutcome.SEARCH_OUTCOME_COMPLETED);
  const ends = alone.facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value] : []));
  const found = ends.at(-1)?.final?.metrics.upperLoss ?? Number.NaN;
  const sides = [-6, -4, -2, 0, 1, 2, 3];
  const grid = ask(sides.flatMap((a) => sides.map((b): [number, number] => [a, b])));
  const [first] = ask([[0, 0]]);
  const best = Math.min(...grid.map(({ loss }) => loss));
  assert.ok(first !== undefined && found < first.loss);
  // The grid is coarse and eight steps are few: what counts is that both come down from the first loss to the same place.
  assert.ok(found <= best * 1.01, `${found} against ${best} on the grid, ${first.loss} at first`);
});
