/** One trial in `regulus show`: its configuration, its history and its program's last output, without repetition. */
import {
  type ArtifactRef,
  countedMeasurement,
  type Fact,
  type GetTrialResponse,
  RegulusError,
  type Search,
  type Trial,
} from "@regulus/proto";
import type { RegulusClient } from "../connect.js";
import { givenLines, messageLines } from "../display/message-lines.js";
import { counted, formatCount, formatSeconds } from "../display/numbers.js";
import { type FactLinesOptions, factLines } from "./fact-words.js";
import { countFormat, note, numberFormat, pairs, writeLine } from "./output.js";
import { safeOutput } from "./safe-output.js";
import { readOutput } from "./trial-output.js";
import { inputTrials, inputWords, metricPairs, parameterPairs, trialStatusWords } from "./words.js";

/** The newest facts of a trial that are shown, and the newest measurements among them. */
const factsShown = 30;
const measurementsShown = 5;
/** Lines of a program's output that are shown. */
const outputLinesShown = 20;
/** How a message begins that ends with what its program printed last. */
const endsWithOutput = /; its last lines:$/;

/** What the trial's program wrote, so far or as it was kept; empty where it wrote nothing, the trial ran no program, or its agent can't tell now. */
export async function programOutput(client: RegulusClient, { trial }: GetTrialResponse): Promise<string> {
  if (trial === undefined) return "";
  const pieces: Uint8Array[] = [];
  try {
    for await (const news of readOutput(client, trial, { follow: false })) {
      if (news.kind === "bytes") pieces.push(news.data);
      if (news.kind === "left-out") pieces.push(Buffer.from(`\n... ${counted(news.bytes, "byte")} left out ...\n`));
    }
  } catch (thrown) {
    const { code, message } = RegulusError.from(thrown);
    if (code !== "unavailable") throw thrown;
    note(message);
  }
  return safeOutput(Buffer.concat(pieces).toString("utf8"));
}

/** Its newest checkpoint, the final one where it is over, and its best one, for `regulus artifact`. */
function checkpointPairs({ checkpoint, checkpointStep, bestCheckpoint, bestCheckpointStep }: Trial): [string, string][] {
  const words = (step: number, { sha256, size }: ArtifactRef) =>
    `step ${formatCount(step)}, ${sha256} (${counted(size, "byte")})`;
  const newest: [string, string][] = checkpoint === undefined ? [] : [["checkpoint", words(checkpointStep, checkpoint)]];
  if (bestCheckpoint === undefined) return newest;
  return [...newest, ["best-checkpoint", words(bestCheckpointStep, bestCheckpoint)]];
}

/** The value that counts, as the table of trials has it, with its step; then what was measured last, where that is another measurement. */
function measuredPairs({ spec }: Search, trial: Trial): [string, string][] {
  const objective = spec?.objectives[0];
  const counted = countedMeasurement(trial, objective);
  if (counted === undefined || trial.value === undefined || counted.step === trial.last?.step) return metricPairs(trial.last);
  const value = `${numberFormat()(trial.value)} at step ${formatCount(counted.step)}, the value that counts`;
  const newest = metricPairs(trial.last).map(([name, text]): [string, string] => [`newest ${name}`, text]);
  return [[objective?.metric ?? "objective", value], ...newest];
}

/** A trial with its newest facts and the last lines of its program. */
export function writeTrial(search: Search, { trial, facts }: GetTrialResponse, output: string): void {
  if (trial === undefined) return;
  const message: [string, string[]][] = trial.message === "" ? [] : [["message", messageRows(trial.message, output)]];
  const artifacts = trial.artifacts.map(({ kind, size, sha256 }): [string, string] => [
    kind || "artifact",
    `${sha256} (${counted(size, "byte")})`,
  ]);
  writeLine(
    pairs([
      ["trial", `${trial.trial} of ${trial.searchId}`],
      ["status", trialStatusWords(trial)],
      ...message,
      ["procedure", trial.work?.procedure ?? ""],
      ...inputPairs(trial),
      ["attempts", `${trial.attempts}${trial.agentId === "" ? "" : `, the newest on ${trial.agentId}`}`],
      ["steps", countFormat()(trial.last?.step ?? 0)],
      ...measuredPairs(search, trial),
      ...parameterPairs(
        { ...trial, last: countedMeasurement(trial, search.spec?.objectives[0]) ?? trial.last },
        numberFormat(),
        search.spec?.space,
      ),
      ...artifacts,
      ...checkpointPairs(trial),
    ]),
  );
  const measured = facts.filter(({ kind }) => kind?.$case === "trialMeasured").slice(-measurementsShown);
  const shown = facts.filter((fact) => fact.kind?.$case !== "trialMeasured" || measured.includes(fact)).slice(-factsShown);
  writeLine("");
  const [first] = facts;
  for (const fact of shown) writeFact(fact, { sinceMs: first?.timeMs ?? 0, told: trial.message });
  const left = facts.length - shown.length;
  if (left > 0) writeLine(`(${counted(left, "more fact")}, mostly earlier measurements; --json has all)`);
  writeOutput(output);
}

/** What other trials left for it. */
function inputPairs({ work }: Trial): [string, string][] {
  const inputs = work?.inputs ?? [];
  return inputs.length === 0 ? [] : [["inputs", `${inputWords(inputs)} of ${inputTrials(inputs)}`]];
}

/** A message; without the program's last lines where these are shown below anyway. */
function messageRows(message: string, output: string): string[] {
  const [head = "", ...lines] = messageLines(message).map((line) => line.slice(2));
  const last = lines.join("\n").trim();
  const isShown = last !== "" && givenLines(output).slice(-outputLinesShown).join("\n").endsWith(last);
  return endsWithOutput.test(head) && isShown ? [head.replace(endsWithOutput, "; its last lines are below")] : [head, ...lines];
}

/** A fact behind the time since `sinceMs`. */
export function writeFact(fact: Fact, { sinceMs, ...options }: FactLinesOptions & { readonly sinceMs: number }): void {
  const since = `+${formatSeconds(Math.max(0, fact.timeMs - sinceMs) / 1000)}`.padStart(12);
  const [head = "", ...lines] = factLines(fact, options);
  writeLine([`${since}  ${head}`, ...lines.map((line) => `${" ".repeat(since.length)}  ${line}`)].join("\n"));
}

/** The last lines of what its program wrote, as it wrote them. */
function writeOutput(output: string): void {
  const lines = givenLines(output);
  if (lines.length === 0) return;
  const isCut = lines.length > outputLinesShown;
  const cut = isCut ? ` (the last ${outputLinesShown} of ${counted(lines.length, "line")}; --output has all)` : "";
  writeLine(`\nIts program wrote${cut}:`);
  for (const line of lines.slice(-outputLinesShown)) writeLine(`  ${line}`.trimEnd());
}
