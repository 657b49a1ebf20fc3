/**
 * `npm run bench -- self-tuning [--turns N]`: what a step of self-tuning costs over a plain training step of the same model, batch and
 * techniques, tuning steps included. The procedures take turns of a few steps in one process, so that whatever else the machine does meets
 * all of them alike, and a turn's ratio is of times that lie milliseconds apart.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { openCase, type TrialCase } from "@regulus/algorithms/conformance/training";
import { chooseBackend } from "@regulus/algorithms/kernels";
import { median, type Ratios, ratiosOf, rounded, timeInTurns } from "./in-turns.js";

const techniques = ["dropout", "weight-decay", "input-noise", "label-smoothing"];
const models = ["mnist-mlp", "mnist-cnn"];
/** What is timed; the first is what the others are compared with. */
const variants = {
  fit: { procedure: "fit", options: {} },
  stn: { procedure: "self-tune", options: { variant: "stn", warmUpSteps: 0 } },
  "delta-stn": { procedure: "self-tune", options: { variant: "delta-stn", warmUpSteps: 0 } },
} as const;
/** A turn's steps: a multiple of what lies between the tuning steps of each variant. */
const stepsPerTurn = 20;
const warmUpTurns = 4;

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { turns: { type: "string", default: "20" } } });
  const turns = Number(values.turns);
  if (!Number.isInteger(turns) || turns < 1) throw new Error(`saw --turns ${values.turns}, expected a whole number from 1`);
  await chooseBackend("wasm");
  console.error(`self-tuning: ${cpus()[0]?.model ?? "unknown processor"}, Node ${process.version}, ${turns} turns`);
  const rows = [];
  for (const model of models) rows.push({ model, ...(await compare(model, turns)) });
  for (const { model, stn, deltaStn } of rows)
    console.error(`self-tuning: ${model}: stn ${stn.wallRatio} times a plain step, delta-stn ${deltaStn.wallRatio} times`);
  console.log(JSON.stringify({ bench: "self-tuning", rows }));
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
