/** Parts of a report without charts: what a strategy refused and why, what was found, what each arm came to, pictures that trials left. */
import { type Fact, stepOutcome } from "@regulus/proto";
import { alikeWords, newestAlike } from "../display/alike.js";
import { armGainWords } from "../display/arm-words.js";
import { reasonWords } from "../display/headlines.js";
import { messageLines } from "../display/message-lines.js";
import { formatCount, formatSeconds, formatValue, plainText } from "../display/numbers.js";
import type { Shown } from "./chart-frame.js";
import { type Html, html } from "./html.js";
import { pngDescription } from "./png-description.js";
import type { ResultFile } from "./result.js";

/** Refusals and findings of one search that are listed: the newest. */
const rowsMax = 30;

/** Steps that were refused, and what strategies said besides, in words. */
export function refusedTable(searches: readonly Shown[]): Html | undefined {
  const rows = searches.flatMap((shown) => {
    const { steps = [], said = [] } = shown.record;
    const refused = steps.filter(({ accepted }) => !accepted).slice(-rowsMax);
    return [...refused, ...said.slice(-rowsMax)].sort((a, b) => a.timeMs - b.timeMs).map((step) => ({ shown, step }));
  });
  if (rows.length === 0) return undefined;
  return html`<h3 style="margin: 18px 0 10px">Refused steps and messages, with reasons</h3><div class="card scroll"><table>
<thead><tr><th>search</th><th class="number">after</th><th class="number">step</th><th>outcome</th><th>why</th><th class="number">loss</th><th class="number">accuracy</th></tr></thead>
<tbody>${rows.map(
    ({ shown, step }) => html`<tr><td>${swatch(shown)}${shown.label}</td>
<td class="number">${sinceStart(shown, step.timeMs)}</td><td class="number">${formatCount(step.step)}</td>
<td>${stepOutcome(step) === "refused" ? html`<span class="tag bad">refused</span>` : html`<span class="tag">said</span>`}</td><td class="words">${plainText(step.message, 600)}</td>
<td class="number">${numberText(step.metrics.upperLoss)}</td><td class="number">${numberText(step.metrics.accuracy)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Findings about searches and their trials; none where there are none to tell. */
export function findingsTable(searches: readonly Shown[]): Html | undefined {
  const rows = searches.flatMap((shown) => {
    const told = newestAlike(shown.record.findings ?? []).flatMap(({ fact, count }) => {
      const cells = findingCells(fact);
      return cells === undefined ? [] : { ...cells, message: `${alikeWords(count)}${cells.message}` };
    });
    return told.slice(-rowsMax).map((cells) => findingRow(shown, cells));
  });
  if (rows.length === 0) return undefined;
  return html`<h2>Findings</h2><div class="card scroll"><table>
<thead><tr><th>search</th><th class="number">after</th><th>about</th><th>severity</th><th>by</th><th>what</th></tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

interface FindingCells {
  readonly about: string;
  readonly severity: string;
  readonly source: string;
  readonly message: string;
  readonly timeMs: number;
}

/** Undefined for a fact that other parts of the page tell, such as the end of a trial. */
function findingCells({ kind, timeMs }: Fact): FindingCells | undefined {
  switch (kind?.$case) {
    case "findingReported": {
      const { trial, severity, source, message } = kind.value;
      return { about: trial === undefined ? "search" : `trial ${trial}`, severity, source, message, timeMs };
    }
    case "attemptEnded": {
      const { trial, attempt, reason, message } = kind.value;
      const words = `attempt ${attempt} ended: ${reasonWords(reason)}${message === "" ? "" : ` (${message})`}`;
      return { about: `trial ${trial}`, severity: "warning", source: "coordinator", message: words, timeMs };
    }
    case "strategyFailed":
      return { about: "search", severity: "error", source: "strategy", message: kind.value.message, timeMs };
    case "checkpointDamaged": {
      const { trial, step, message } = kind.value;
      const words = `the checkpoint at step ${formatCount(step)} can't be restored: ${message}`;
      return { about: `trial ${trial}`, severity: "warning", source: "agent", message: words, timeMs };
    }
    case "agentAvoided":
      return {
        about: `agent ${kind.value.agentId}`,
        severity: "warning",
        source: "coordinator",
        message: kind.value.message,
        timeMs,
      };
    default:
      return undefined;
  }
}

function findingRow(shown: Shown, { about, severity, source, message, timeMs }: FindingCells): Html {
  const tag = severity === "error" ? " bad" : "";
  // A program's last lines are lines here too.
  const lines = messageLines(message);
  return html`<tr><td>${swatch(shown)}${shown.label}</td><td class="number">${sinceStart(shown, timeMs)}</td><td>${plainText(about, 60)}</td>
<td><span class="tag${tag}">${plainText(severity, 20)}</span></td><td>${plainText(source, 60)}</td><td class="words">${lines.map((line) => html`<div>${line.trim()}</div>`)}</td></tr>`;
}

/** What the strategy's own trials came to against the control arm, and against plain training that replays a schedule. */
export function armTable(searches: readonly Shown[]): Html | undefined {
  const rows = searches.flatMap((shown) => shown.record.search.arms.map((arm) => ({ shown, arm })));
  if (rows.length === 0) return undefined;
  return html`<h3 style="margin: 18px 0 10px">Arms</h3>
<p class="note">Part of the budget went to arms of their own: control is plain random search, replay is ordinary training with a schedule that was learned, any other is what the strategy builds on its own trials.</p>
<div class="card scroll"><table><thead><tr><th>search</th><th>arm</th><th class="number">trials</th><th class="number">steps</th><th class="number">best</th><th>against the strategy's own</th></tr></thead>
<tbody>${rows.map(({ shown, arm }) => {
    const gain = arm.name === "" ? "" : (armGainWords(shown.record.search, arm) ?? "—");
    return html`<tr><td>${swatch(shown)}${shown.label}</td><td>${arm.name === "" ? "the strategy's own" : plainText(arm.name, 40)}</td>
<td class="number">${formatCount(arm.trials)}</td><td class="number">${formatCount(arm.steps)}</td><td class="number">${numberText(arm.bestValue)}</td>
<td>${gain}</td></tr>`;
  })}</tbody></table></div>`;
}

/** Pictures that trials left, each with the quality that its trial or the strategy's newest step tells. */
export function pictureCards(searches: readonly Shown[]): Html | undefined {
  const pictures = searches.flatMap((shown) =>
    (shown.record.results ?? []).filter(({ kind }) => kind === "image").map((file) => ({ shown, file })),
  );
  const cards = pictures.flatMap(({ shown, file }) => pictureCard(shown, file) ?? []);
  if (cards.length === 0) return undefined;
  return html`<h2>Pictures</h2><p class="note">As trials left them. Of denoising each row is one image: noisy, denoised with the learned hyperparameters, and the truth.</p>
<div class="grid wide">${cards}</div>`;
}

function pictureCard(shown: Shown, { trial, bytes }: ResultFile): Html | undefined {
  // Only what is a PNG goes into the page, whatever its kind says.
  const magic = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  if (!magic.every((byte, at) => bytes[at] === byte)) return undefined;
  const row = shown.record.trials.find((one) => one.trial?.trial === trial);
  const steps = shown.record.steps ?? [];
  const psnr = row?.trial?.last?.metrics.psnr ?? steps.findLast(({ metrics }) => metrics.psnr !== undefined)?.metrics.psnr;
  const lines = pngDescription(bytes);
  const words = `trial ${trial} of ${shown.label}${psnr === undefined ? "" : `: PSNR ${formatValue(psnr)} dB in the mean`}`;
  return html`<figure class="card picture"><img alt="${words}" src="data:image/png;base64,${Buffer.from(bytes).toString("base64")}"><figcaption class="caption">${words}${lines.length > 0 && html`<ul class="rows">${lines.map((line) => html`<li>${plainText(line, 200)}</li>`)}</ul>`}</figcaption></figure>`;
}

function sinceStart({ record }: Shown, timeMs: number): string {
  return formatSeconds(Math.max(0, timeMs - record.search.createdMs) / 1000);
}

function numberText(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? "—" : formatValue(value);
}

function swatch({ colour }: Shown): Html {
  return html`<span class="swatch" style="--search: var(--c${colour % 8})"></span>`;
}
