/**
 * `npm run bench -- self-tuning [--turns N] [--runs N]`: what self-tuning costs over plain training of the same model, batch and techniques, tuning steps
 * included. Steps: the procedures take turns of a few in one process, so that whatever else the machine does meets all of them alike, and a
 * turn's ratio is of times that lie milliseconds apart. Runs: whole ones, one after the other, each in a process of its own as trials are.
 */
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openCase, type TrialCase } from "@regulus/algorithms/conformance/training";
import { chooseBackend } from "@regulus/algorithms/kernels";
import { median, type Ratios, ratiosOf, rounded, timeInTurns } from "./in-turns.js";

const techniques = ["dropout", "weight-decay", "input-noise", "label-smoothing"];
/** Models, and the steps of a whole run: 10 to 15 seconds of plain training. */
const models = { "mnist-mlp": 3000, "mnist-cnn": 600 };
/** What is timed; the first is what the others are compared with. */
const variants = {
  fit: { procedure: "fit", options: {} },
  stn: { procedure: "self-tune", options: { variant: "stn", warmUpSteps: 0 } },
  "delta-stn": { procedure: "self-tune", options: { variant: "delta-stn", warmUpSteps: 0 } },
} as const;
/** A turn's steps: a multiple of what lies between the tuning steps of each variant. */
const stepsPerTurn = 20;
const warmUpTurns = 4;
/** Longest that a whole run may take. */
const runLimitMs = 600_000;

export async function run(args: readonly string[]): Promise<void> {
  const options = { turns: { type: "string", default: "20" }, runs: { type: "string", default: "3" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const [turns, runs] = [wholeNumber("--turns", values.turns), wholeNumber("--runs", values.runs)];
  await chooseBackend("wasm");
  console.error(`self-tuning: ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}, ${turns} turns, ${runs} runs`);
  const rows = [];
  for (const [model, steps] of Object.entries(models)) {
    const row = { model, ...(await compare(model, turns)), runs: wholeRuns(model, steps, runs) };
    console.error(
      `self-tuning: ${model}: stn ${row.stn.wallRatio} times a plain step, delta-stn ${row.deltaStn.wallRatio} times`,
    );
    console.error(
      `self-tuning: ${model}: stn ${row.runs.stn} times a plain run of ${steps} steps, delta-stn ${row.runs.deltaStn} times`,
    );
    rows.push(row);
  }
  console.log(JSON.stringify({ bench: "self-tuning", rows }));
}

function wholeNumber(option: string, given: string): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`saw ${option} ${given}, expected a whole number from 1`);
  return value;
}

/** Wall time of whole runs, in seconds, and the medians over pairs of theirs over the plain run's before them. */
function wholeRuns(model: string, steps: number, runs: number) {
  const program = fileURLToPath(new URL("./self-tuning-run.js", import.meta.url));
  const secondsOf = ({ procedure, options }: Pick<TrialCase, "procedure" | "options">): number => {
    const trial: TrialCase = { procedure, workload: model, techniques, options: { ...options }, untilStep: steps };
    const output = execFileSync(process.execPath, [program, JSON.stringify(trial)], { encoding: "utf8", timeout: runLimitMs });
    return Number(output.trim().split("\n").at(-1));
  };
  const seconds = { fit: [] as number[], stn: [] as number[], deltaStn: [] as number[] };
  for (let run = 0; run < runs; run++) {
    seconds.fit.push(rounded(secondsOf(variants.fit)));
    seconds.stn.push(rounded(secondsOf(variants.stn)));
    seconds.deltaStn.push(rounded(secondsOf(variants["delta-stn"])));
  }
  const over = (times: readonly number[]) => rounded(median(times.map((time, run) => time / (seconds.fit[run] ?? Number.NaN))));
  return { steps, seconds, stn: over(seconds.stn), deltaStn: over(seconds.deltaStn) };
}

async function compare(model: string, turns: number) {
  const open = ({ procedure, options }: Pick<TrialCase, "procedure" | "options">) =>
    openCase({ procedure, workload: model, techniques, options: { ...options }, untilStep: 1_000_000 });
  const [plain, stn, delta] = [await open(variants.fit), await open(variants.stn), await open(variants["delta-stn"])];
  const sessions = [plain, stn, delta];
  const [base, ...others] = await timeInTurns(sessions, { turns, warmUpTurns, stepsPerTurn });
  for (const session of sessions) session.close();
  const [stnRatios, deltaRatios] = others.map((other) => ratiosOf(other, base ?? other));
  return { plainMs: rounded(median(base?.wall ?? [])), stn: stnRatios ?? none, deltaStn: deltaRatios ?? none };
}

const none: Ratios = { wallRatio: Number.NaN, wallRatioLow: Number.NaN, wallRatioHigh: Number.NaN, processorRatio: Number.NaN };
