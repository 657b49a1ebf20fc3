/**
 * Searches on a terminal: one bar per search, and one line per busy slot. Pure: states in, lines out. Colours
 * are applied after the text was cut to the terminal's width, so that a narrow terminal cuts words and never escape codes.
 */
import { metricOf } from "@regulus/proto";
import pc from "picocolors";
import { fractionDone, plannedSteps, plannedTrials, ranMs } from "./done-share.js";
import { counted, formatCount, formatSeconds, formatValue, plainText } from "./numbers.js";
import { type LiveTrial, type Progress, reasonOf, statusOf } from "./progress-state.js";
import { rate } from "./rate.js";

/** A piece of a line with its colour. */
export interface Piece {
  readonly text: string;
  readonly style?: "strong" | "faint" | "bar" | "rest" | "good" | "bad" | "warn";
}
export type Line = readonly Piece[];

/** How lines are to be laid out. */
export interface Layout {
  /** Characters of a line. */
  readonly columns: number;
  /** Lines at most; further slots are counted in one line. */
  readonly rows: number;
  /** Milliseconds since the newest fact, for the countdown between facts. */
  readonly sinceFactMs: number;
}

const nameColumnsMax = 28;
const barColumnsMax = 28;
const barColumnsMin = 8;

/** All searches: a bar each, and under it its slots as far as there are rows. */
export function searchLines(states: readonly Progress[], layout: Layout): Line[] {
  const bars = barLines(states, layout);
  const slotRows = Math.max(0, layout.rows - states.length);
  const share = Math.floor(slotRows / Math.max(1, states.length));
  return states.flatMap((state, index) => [bars[index] ?? [], ...slotLines(state, share)]).slice(0, Math.max(1, layout.rows));
}

/** One bar a search: name, bar, share, then its details. Names and bars stand in columns; bars give way to the details. */
export function barLines(states: readonly Progress[], layout: Pick<Layout, "columns" | "sinceFactMs">): Line[] {
  const words = states.map((state) => details(state, layout.sinceFactMs));
  const nameColumns = Math.min(nameColumnsMax, Math.max(4, ...states.map((state) => [...nameOf(state)].length)));
  const wordColumns = Math.max(0, ...words.map((pieces) => pieces.reduce((sum, piece) => sum + piece.text.length, 0)));
  // In steps of four, so that a bar does not change with every digit of the words.
  const roomColumns = 4 * Math.floor((layout.columns - nameColumns - wordColumns - 10) / 4);
  const barColumns = Math.max(barColumnsMin, Math.min(barColumnsMax, roomColumns));
  return states.map((state, index) => {
    const fraction = fractionDone(state) ?? 0;
    const filled = Math.floor(fraction * barColumns);
    return [
      { text: plainText(nameOf(state), nameColumns).padEnd(nameColumns), style: "strong" },
      { text: "  " },
      { text: "━".repeat(filled), style: "bar" },
      { text: "─".repeat(barColumns - filled), style: "rest" },
      { text: ` ${String(Math.floor(fraction * 100)).padStart(3)} %  ` },
      ...(words[index] ?? []),
    ];
  });
}

/** The words of a search, the most wanted first: time left, best so far, steps, rate, trials. */
export function details(state: Progress, sinceFactMs: number): Line {
  const pieces: Piece[] = [...moment(state, sinceFactMs)];
  const separator: Piece = { text: "  " };
  if (state.leader?.trial !== undefined) {
    const metric = plainText(state.course?.spec.objectives[0]?.metric ?? "best", nameColumnsMax);
    pieces.push(
      { text: "best ", style: "faint" },
      { text: `${metric} ${formatValue(state.leader.value)}`, style: "good" },
      separator,
    );
  }
  const total = plannedSteps(state);
  pieces.push({
    text: total > 0 ? `${formatCount(state.steps)}/${counted(total, "step")}` : counted(state.steps, "step"),
  });
  const speed = statusOf(state) === "running" ? rate(state) : undefined;
  if (speed !== undefined) pieces.push({ text: `  ${formatCount(speed.stepsPerSecond)}/s`, style: "faint" });
  const ended = state.trialsDone + state.trialsStopped + state.trialsFailed;
  const trials = plannedTrials(state);
  if (trials !== 1)
    pieces.push({
      text: `  ${trials > 0 ? `${formatCount(ended)}/${counted(trials, "trial")}` : counted(ended, "trial")}`,
      style: "faint",
    });
  return pieces;
}

/** What is going on, with two spaces after it; nothing where that can't be told yet. */
function moment(state: Progress, sinceFactMs: number): Line {
  const reason = reasonOf(state);
  const because = reason === "" ? "" : `: ${plainText(reason, 200)}`;
  const status = statusOf(state);
  switch (status) {
    case "completed":
      return [{ text: `done in ${formatSeconds(ranMs(state, state.newestMs) / 1000)}  `, style: "good" }];
    case "stopped":
    case "failed":
      return [{ text: `${status}${because}  `, style: "bad" }];
    case "paused":
    case "stopping":
      return [{ text: `${status}${because}  `, style: "warn" }];
    case "waiting":
      return [{ text: `waiting${because || " for a slot"}  `, style: "warn" }];
    case "running":
      break;
    default:
      return status satisfies never;
  }
  if (because !== "" && running(state).length === 0) return [{ text: `waiting${because}  `, style: "warn" }];
  const secondsLeft = rate(state)?.secondsLeft;
  if (secondsLeft === undefined) return [];
  const left = Math.max(0, secondsLeft - sinceFactMs / 1000);
  return [{ text: left < 1 ? "about done  " : `${formatSeconds(Math.ceil(left))} left  ` }];
}

function slotLines(state: Progress, rowsMax: number): Line[] {
  const trials = running(state);
  if (trials.length <= rowsMax) return trials.map((trial) => slotLine(state, trial));
  if (rowsMax === 0) return [];
  const shown = trials.slice(0, rowsMax - 1).map((trial) => slotLine(state, trial));
  return [...shown, [{ text: `  … and ${formatCount(trials.length - shown.length)} more at work`, style: "faint" }]];
}

function slotLine(state: Progress, trial: LiveTrial): Line {
  const pieces: Piece[] = [
    { text: "  ● ", style: "bar" },
    { text: plainText(trial.agentId, 20).padEnd(9), style: "faint" },
    { text: ` trial ${trial.trial}`.padEnd(11) },
    { text: `step ${formatCount(trial.step)}${trial.untilStep > 0 ? `/${formatCount(trial.untilStep)}` : ""}`.padEnd(20) },
  ];
  const metric = state.course?.spec.objectives[0]?.metric ?? "";
  for (const name of new Set([metric, "trainLoss"])) {
    const value = metricOf(trial.last?.metrics, name);
    if (value !== undefined) pieces.push({ text: ` ${plainText(name, 24)} `, style: "faint" }, { text: formatValue(value) });
  }
  if (trial.attempt > 1) pieces.push({ text: `  attempt ${trial.attempt}`, style: "warn" });
  return pieces;
}

function running(state: Progress): LiveTrial[] {
  return [...state.live.values()].filter((trial) => trial.row >= 0).sort((a, b) => a.row - b.row);
}

function nameOf(state: Progress): string {
  return plainText(state.course?.spec.name ?? "", nameColumnsMax) || state.searchId.slice(0, nameColumnsMax) || "…";
}

/** A line as text, cut to a width, with colours where they are wanted. */
export function paint(line: Line, options: { readonly columns: number; readonly colours: boolean }): string {
  const colours = pc.createColors(options.colours);
  const styles = {
    strong: colours.bold,
    faint: colours.dim,
    bar: colours.cyan,
    rest: colours.dim,
    good: colours.green,
    bad: colours.red,
    warn: colours.yellow,
  };
  let left = options.columns;
  let text = "";
  for (const piece of line) {
    const characters = [...piece.text];
    if (left <= 0) break;
    const cut = characters.length <= left ? piece.text : `${characters.slice(0, left - 1).join("")}…`;
    left -= Math.min(characters.length, left);
    text += piece.style === undefined ? cut : styles[piece.style](cut);
  }
  return text;
}
