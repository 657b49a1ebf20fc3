/**
 * The tables of a report: what each search found, what became of each trial, what it cost.
 */
import { type ExportSearchResponse, metricOf, type Search, type Trial } from "@regulus/proto";
import { reasonWords } from "../display/headlines.js";
import { formatCount, formatParameter, formatPercent, formatSeconds, formatValue, plainText } from "../display/numbers.js";
import type { Shown } from "./chart-frame.js";
import { type Html, html } from "./html.js";
import { countedIn, hyperparametersAt, objectiveOf, resultOf, type SearchResult } from "./result.js";
import { spread } from "./thin.js";

/** Rows of a search's trial table: the best half of them, and an even spread of the rest. */
export const trialRowsMax = 300;
/** Columns of metrics and of hyperparameters. */
const columnsMax = 24;
/** Metrics that come first, in this order; the others follow by name. */
const metricOrder = ["validLoss", "validError", "testLoss", "testError", "trainLoss", "trainError"];

/** One row a search: its best trial's metrics and what it took. */
export function summaryTable(searches: readonly Shown[]): Html {
  const results = searches.map((shown) => ({ shown, result: resultOf(shown.record) }));
  const metrics = ordered(results.flatMap(({ result }) => Object.keys(result.best?.measurement.metrics ?? {}))).slice(
    0,
    columnsMax,
  );
  return html`<div class="card scroll"><table>
<thead><tr><th>search</th><th>strategy</th>${metrics.map((name) => html`<th class="number">${spaced(name)}</th>`)}
<th class="number">trials</th><th class="number">steps</th><th class="number">wall time</th></tr></thead>
<tbody>${results.map(
    ({
      shown,
      result,
    }) => html`<tr><td>${swatch(shown)}${shown.label}</td><td>${shown.record.search.spec?.strategy?.name ?? "—"}</td>
${metrics.map((name) => metricCell(name, result, results))}
<td class="number">${formatCount(result.trials)}</td><td class="number">${formatCount(result.steps)}</td>
<td class="number">${formatSeconds(result.seconds)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** One row a hyperparameter, one column a search: the values of each one's best trial. */
export function foundTable(searches: readonly Shown[]): Html | undefined {
  const found = searches.map((shown) => ({ shown, result: resultOf(shown.record) }));
  const names = [...new Set(found.flatMap(({ result }) => Object.keys(result.hyperparameters)))];
  if (names.length === 0) return undefined;
  return html`<div class="card scroll" style="margin-top: 16px"><table>
<thead><tr><th>hyperparameter found</th>${found.map(({ shown }) => html`<th class="number">${swatch(shown)}${shown.label}</th>`)}<th></th></tr></thead>
<tbody>${names.map(
    (name) =>
      html`<tr><td>${name}</td>${found.map(({ result: { hyperparameters, best } }) => {
        if (!(name in hyperparameters)) return html`<td class="number">—</td>`;
        const learned = best !== undefined && name in best.measurement.learned;
        return html`<td class="number">${formatParameter(hyperparameters[name])}${learned && html` <span class="tag">learned</span>`}</td>`;
      })}<td></td></tr>`,
  )}</tbody></table></div>`;
}

function swatch({ colour }: Shown): Html {
  return html`<span class="swatch" style="--search: var(--c${colour % 8})"></span>`;
}

function metricCell(
  name: string,
  result: SearchResult,
  all: readonly { readonly shown: Shown; readonly result: SearchResult }[],
): Html {
  const value = metricOf(result.best?.measurement.metrics, name);
  if (value === undefined) return html`<td class="number">—</td>`;
  // Losses and errors are better where they are less; of other metrics only an objective's direction is known.
  const objective = all.map(({ shown }) => objectiveOf(shown.record.search)).find(({ metric }) => metric === name);
  const sign = objective?.sign ?? (/(loss|error)$/i.test(name) ? 1 : undefined);
  const values = all.flatMap(({ result: { best } }) => metricOf(best?.measurement.metrics, name) ?? []).filter(Number.isFinite);
  const best = sign !== undefined && values.length > 1 && values.every((other) => sign * value <= sign * other);
  return html`<td class="number${best ? " best" : ""}">${formatMetric(name, value)}</td>`;
}

/** Errors are shares and read best in percent. */
export function formatMetric(name: string, value: number): string {
  return /error$/i.test(name) && value >= 0 && value <= 1 ? formatPercent(value) : formatValue(value);
}

/** Every trial with its end and its values, best first, at most `trialRowsMax`. */
export function trialTable(shown: Shown): Html {
  const { record, label } = shown;
  const { search } = record;
  const { sign } = objectiveOf(search);
  const value = ({ trial }: ExportSearchResponse) => (trial?.value === undefined ? Infinity : sign * trial.value);
  const number = ({ trial }: ExportSearchResponse) => trial?.trial ?? 0;
  const sorted = [...record.trials].sort((a, b) => compare(value(a), value(b)) || number(a) - number(b));
  const good = sorted.slice(0, Math.ceil(trialRowsMax / 2));
  const rows =
    sorted.length <= trialRowsMax ? sorted : [...good, ...spread(sorted.slice(good.length), trialRowsMax - good.length)];
  const trials = rows.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  // A trial that failed has no value that counts; what it measured last is shown, and never ranked.
  const shownOf = (trial: Trial) => countedIn(search, trial) ?? trial.last;
  const metrics = ordered(trials.flatMap((trial) => Object.keys(shownOf(trial)?.metrics ?? {}))).slice(0, columnsMax);
  const names = [...new Set(trials.flatMap((trial) => Object.keys(hyperparametersAt(search, trial, shownOf(trial)))))].slice(
    0,
    columnsMax,
  );
  const omitted =
    rows.length < record.trials.length
      ? html`<p class="note">${formatCount(rows.length)} of ${formatCount(record.trials.length)} trials are listed: the best, and an even selection of the others.</p>`
      : undefined;
  return html`<h3 style="margin: 18px 0 10px">${swatch(shown)}${label}</h3>${omitted}
<div class="card scroll"><table>
<thead><tr><th class="number">trial</th><th>ended</th>${metrics.map((name) => html`<th class="number">${spaced(name)}</th>`)}
<th class="number">value at step</th><th class="number">steps</th><th class="number">training</th><th class="number">attempts</th>
${names.map((name) => html`<th class="number">${name}</th>`)}<th>what was seen</th></tr></thead>
<tbody>${trials.map((trial) => {
    const at = shownOf(trial);
    const found = hyperparametersAt(search, trial, at);
    return html`<tr><td class="number">${trial.trial}</td><td>${endTag(trial)}</td>
${metrics.map((name) => html`<td class="number">${metricText(name, metricOf(at?.metrics, name))}</td>`)}
<td class="number">${trial.valueStep === undefined ? "—" : formatCount(trial.valueStep)}</td>
<td class="number">${formatCount(trial.last?.step ?? 0)}</td><td class="number">${formatSeconds(trial.last?.seconds ?? 0)}</td>
<td class="number">${trial.attempts}</td>
${names.map((name) => html`<td class="number">${name in found ? formatParameter(found[name]) : "—"}</td>`)}
<td class="words">${plainText(trial.message, 300)}</td></tr>`;
  })}</tbody></table></div>`;
}

function metricText(name: string, value: number | undefined): string {
  return value === undefined ? "—" : formatMetric(name, value);
}

function endTag(trial: Trial): Html {
  if (trial.status !== "TRIAL_STATUS_ENDED")
    return html`<span class="tag">${trial.status.replace("TRIAL_STATUS_", "").toLowerCase()}</span>`;
  const kind = trial.reason === "END_REASON_DONE" ? " good" : trial.reason === "END_REASON_STOPPED_EARLY" ? "" : " bad";
  return html`<span class="tag${kind}">${reasonWords(trial.reason)}</span>`;
}

/** What each search cost, and how its trials ended. */
export function costTable(searches: readonly Shown[]): Html {
  return html`<div class="card scroll"><table>
<thead><tr><th>search</th><th class="number">slot seconds</th><th class="number">wasted</th><th class="number">wasted share</th><th>wasted on</th>
<th class="number">steps per slot second</th><th class="number">attempts</th><th>ends of trials</th></tr></thead>
<tbody>${searches.map((shown) => {
    const { label, record } = shown;
    const { search, trials } = record;
    const attempts = trials.reduce((sum, { trial }) => sum + (trial?.attempts ?? 0), 0);
    const share = search.slotSeconds > 0 ? formatPercent(search.wastedSlotSeconds / search.slotSeconds) : "—";
    const speed = search.slotSeconds > 0 ? formatValue(search.steps / search.slotSeconds) : "—";
    return html`<tr><td>${swatch(shown)}${label}</td>
<td class="number">${formatSeconds(search.slotSeconds)}</td><td class="number">${formatSeconds(search.wastedSlotSeconds)}</td>
<td class="number">${share}</td><td>${wastedOn(search)}</td><td class="number">${speed}</td><td class="number">${formatCount(attempts)}</td><td>${endCounts(trials)}</td></tr>`;
  })}</tbody></table></div>`;
}

/** "30s lost, 4s preempted", the greatest first. */
function wastedOn({ wastedByReason }: Search): string {
  const reasons = Object.entries(wastedByReason).sort(([, a], [, b]) => b - a);
  return reasons.map(([reason, seconds]) => `${formatSeconds(seconds)} ${reason.replaceAll("_", " ")}`).join(", ") || "—";
}

function endCounts(trials: readonly ExportSearchResponse[]): string {
  const counts = new Map<string, number>();
  for (const { trial } of trials) {
    const words = trial === undefined || trial.status !== "TRIAL_STATUS_ENDED" ? "not over" : reasonWords(trial.reason);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].map(([words, count]) => `${formatCount(count)} ${words}`).join(", ");
}

/** testLoss gives "test loss". */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function ordered(names: readonly string[]): string[] {
  const rank = (name: string) => (metricOrder.indexOf(name) + metricOrder.length + 1) % (metricOrder.length + 1);
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
