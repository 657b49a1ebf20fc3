/**
 * The tables of a report: what each search found, what became of each trial, what it cost.
 */
import { type ExportSearchResponse, failureSignature, metricOf, type Search, type Trial } from "@regulus/proto";
import { reasonWords } from "../display/headlines.js";
import {
  counted,
  formatCount,
  formatParameter,
  formatPercent,
  formatSeconds,
  formatValue,
  plainText,
} from "../display/numbers.js";
import type { Shown } from "./chart-frame.js";
import { breakable, Html, html } from "./html.js";
import { countedIn, hyperparametersAt, objectiveOf, resultOf, type SearchRecord, type SearchResult } from "./result.js";
import { spread } from "./thin.js";

/** Rows of a search's trial table: the best half of them, and an even spread of the rest. */
export const trialRowsMax = 300;
/** Columns of metrics and of hyperparameters; what is more stands in a row below, so that no column is cut off at the page's edge. */
const metricColumns = 5;
const parameterColumns = 6;
/** Metrics and hyperparameters that such a row names, and searches side by side in a table. */
const pairsMax = 40;
const searchColumns = 6;
/** Metrics that procedures of ours add to those of the workload. */
const metricMeanings = new Map([
  [
    "tuningFrozen",
    "1 once self-tuning was switched off because its hypergradients contradicted a check; the hyperparameters stay as they were.",
  ],
  [
    "guardScore",
    "Student's t of the newest check of the hypergradients against forked training: positive agrees, clearly negative contradicts.",
  ],
  ["validLoss", "loss on the validation split."],
  ["validError", "share of wrong answers on the validation split."],
  ["testLoss", "loss on the test split; never used to select."],
  ["testError", "share of wrong answers on the test split; never used to select."],
  ["trainLoss", "loss on the training split."],
  ["trainError", "share of wrong answers on the training split."],
]);
/** Metrics that come first, in this order; the others follow by name. */
const metricOrder = ["validLoss", "validError", "testLoss", "testError", "trainLoss", "trainError"];

/** One row a search: its best trial's metrics and what it took. */
export function summaryTable(searches: readonly Shown[]): Html {
  const results = searches.map((shown) => ({ shown, result: resultOf(shown.record) }));
  const metrics = ordered(
    results.flatMap(({ result }) => Object.keys(result.best?.measurement.metrics ?? {})),
    ...searches.map(({ record }) => objectiveOf(record.search).metric),
  ).slice(0, metricColumns);
  return html`<div class="card scroll"><table>
<thead><tr><th>search</th><th>strategy</th>${metrics.map(metricHead)}
<th class="number">trials</th><th class="number">steps</th><th class="number">wall time</th></tr></thead>
<tbody>${results.map(
    ({
      shown,
      result,
    }) => html`<tr><td>${swatch(shown)}${shown.label}</td><td>${shown.record.search.spec?.strategy?.name ?? "—"}</td>
${metrics.map((name) => metricCell(name, result, results))}
<td class="number">${formatCount(result.trials)}</td><td class="number">${formatCount(result.steps)}</td>
<td class="number">${formatSeconds(result.seconds)}</td></tr>`,
  )}</tbody></table></div>${metricLegend(metrics)}`;
}

/** One row a hyperparameter, one column a search: the values of each one's best trial. */
export function foundTable(searches: readonly Shown[]): Html[] {
  const groups = Array.from({ length: Math.ceil(searches.length / searchColumns) }, (_, at) =>
    searches.slice(at * searchColumns, (at + 1) * searchColumns),
  );
  return groups.flatMap((group) => foundPart(group) ?? []);
}

function foundPart(searches: readonly Shown[]): Html | undefined {
  const found = searches.map((shown) => ({ shown, result: resultOf(shown.record) }));
  const names = [...new Set(found.flatMap(({ result }) => Object.keys(result.hyperparameters)))];
  if (names.length === 0) return undefined;
  return html`<div class="card scroll" style="margin-top: 16px"><table>
<thead><tr><th>hyperparameter found</th>${found.map(({ shown }) => html`<th class="number name">${swatch(shown)}${shown.label}</th>`)}<th></th></tr></thead>
<tbody>${names.map(
    (name) =>
      html`<tr><td class="name">${breakable(name)}</td>${found.map(({ result: { hyperparameters, best } }) => {
        if (!Object.hasOwn(hyperparameters, name)) return html`<td class="number">—</td>`;
        const learned = best !== undefined && Object.hasOwn(best.measurement.learned, name);
        return html`<td class="number name">${formatParameter(hyperparameters[name])}${learned && html` <span class="tag">learned</span>`}</td>`;
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
  return metricCellOf(value, best ? " best" : "");
}

/** Every trial with its end and its values, best first, at most `trialRowsMax`. */
export function trialTable(shown: Shown): Html {
  const { record, label } = shown;
  const { search } = record;
  const rows = listedTrials(record);
  const trials = rows.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  // A trial that failed has no value that counts; what it measured last is shown, and never ranked.
  const shownOf = (trial: Trial) => countedIn(search, trial) ?? trial.last;
  const found = (trial: Trial) => hyperparametersAt(search, trial, shownOf(trial));
  const objective = objectiveOf(search).metric;
  const metrics = ordered(
    trials.flatMap((trial) => Object.keys(shownOf(trial)?.metrics ?? {})),
    objective,
  );
  const names = [...new Set(trials.flatMap((trial) => Object.keys(found(trial))))];
  const [ownMetrics, ownNames] = [metrics.slice(0, metricColumns), names.slice(0, parameterColumns)];
  const omitted =
    rows.length < record.trials.length
      ? html`<p class="note">${formatCount(rows.length)} of ${counted(record.trials.length, "trial")} are listed: the best, and an even selection of the others.</p>`
      : undefined;
  const columns = 6 + ownMetrics.length + ownNames.length;
  const messages = new MessagesOnce();
  return html`<h3 style="margin: 18px 0 10px">${swatch(shown)}${label}</h3>${omitted}
<div class="card scroll"><table>
<thead><tr><th class="number">trial</th><th>ended</th>${ownMetrics.map(metricHead)}
<th class="number" title="the step of the measurement that counts">value at step</th><th class="number">steps</th><th class="number" title="seconds of training">training</th><th class="number">attempts</th>
${ownNames.map((name) => html`<th class="number name">${breakable(name)}</th>`)}</tr></thead>
<tbody>${trials.map((trial) => {
    const at = shownOf(trial);
    const values = found(trial);
    const more = [
      pairWords(metrics.slice(metricColumns), (name) => metricText(metricOf(at?.metrics, name))),
      pairWords(names.slice(parameterColumns), (name) => (Object.hasOwn(values, name) ? formatParameter(values[name]) : "—")),
      messages.of(trial),
    ].filter((words) => words !== "");
    return html`<tr${more.length > 0 && new Html(' class="led"')}><td class="number">${trial.trial}</td><td>${endTag(trial)}</td>
${ownMetrics.map((name) => metricCellOf(metricOf(at?.metrics, name)))}
<td class="number">${trial.valueStep === undefined ? "—" : formatCount(trial.valueStep)}</td>
<td class="number">${formatCount(trial.last?.step ?? 0)}</td><td class="number">${formatSeconds(trial.last?.seconds ?? 0)}</td>
<td class="number">${trial.attempts}</td>
${ownNames.map((name) => valueCell(Object.hasOwn(values, name) ? values[name] : undefined))}</tr>${more.length > 0 && html`<tr class="more"><td></td><td class="words" colspan="${columns - 1}">${more.map((words) => html`<div>${words}</div>`)}</td></tr>`}`;
  })}</tbody></table></div>${metricLegend(ownMetrics)}`;
}

/** The best half of what is listed, and an even spread of the rest. */
function listedTrials({ search, trials }: SearchRecord): readonly ExportSearchResponse[] {
  const { sign } = objectiveOf(search);
  const value = ({ trial }: ExportSearchResponse) => (trial?.value === undefined ? Infinity : sign * trial.value);
  const number = ({ trial }: ExportSearchResponse) => trial?.trial ?? 0;
  const sorted = [...trials].sort((a, b) => compare(value(a), value(b)) || number(a) - number(b));
  if (sorted.length <= trialRowsMax) return sorted;
  const good = sorted.slice(0, Math.ceil(trialRowsMax / 2));
  return [...good, ...spread(sorted.slice(good.length), trialRowsMax - good.length)];
}

/** Messages of trials, each way of failing told once. */
class MessagesOnce {
  readonly #first = new Map<string, number>();

  of({ trial, reason, message }: Trial): string {
    if (message === "") return "";
    const signature = failureSignature(reason, message);
    const first = this.#first.get(signature);
    if (first !== undefined) return `as trial ${first}`;
    this.#first.set(signature, trial);
    return plainText(message, 600);
  }
}

/** "a 1, b 2"; at most `pairsMax` of them. */
function pairWords(names: readonly string[], value: (name: string) => string): string {
  const words = names.slice(0, pairsMax).map((name) => `${name} ${value(name)}`);
  const more = names.length - words.length;
  return words.join(", ") + (more > 0 ? ` and ${formatCount(more)} more` : "");
}

function metricHead(name: string): Html {
  const meaning = metricMeanings.get(name);
  return html`<th class="number name"${meaning !== undefined && html` title="${meaning}"`}>${breakable(name)}</th>`;
}

/** What metrics of Regulus's own mean, under the table that shows them. */
function metricLegend(names: readonly string[]): Html | undefined {
  const known = names.filter((name) => metricMeanings.has(name));
  if (known.length === 0) return undefined;
  return html`<p class="caption legend">${known.map((name) => html`<span><b>${name}</b> ${metricMeanings.get(name) ?? ""}</span>`)}</p>`;
}

/** A number with all its digits where the mouse rests on it. */
function metricCellOf(value: number | undefined, kind = ""): Html {
  if (value === undefined) return html`<td class="number">—</td>`;
  return html`<td class="number${kind}" title="${String(value)}">${formatValue(value)}</td>`;
}

function valueCell(value: unknown): Html {
  if (value === undefined) return html`<td class="number">—</td>`;
  if (typeof value === "number") return metricCellOf(value);
  return html`<td class="number name">${breakable(formatParameter(value))}</td>`;
}

function metricText(value: number | undefined): string {
  return value === undefined ? "—" : formatValue(value);
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
    const share = search.slotSeconds > 0 ? formatPercent(Math.min(1, search.wastedSlotSeconds / search.slotSeconds)) : "—";
    const speed = search.slotSeconds > 0 ? formatValue(search.steps / search.slotSeconds) : "—";
    return html`<tr><td>${swatch(shown)}${label}</td>
<td class="number">${formatSeconds(search.slotSeconds)}</td><td class="number">${formatSeconds(search.wastedSlotSeconds)}</td>
<td class="number">${share}</td><td class="words">${wastedOn(search)}</td><td class="number">${speed}</td><td class="number">${formatCount(attempts)}</td><td class="words">${endCounts(trials)}</td></tr>`;
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

/** The objective first, then the usual ones, then the others by name. */
function ordered(names: readonly string[], ...first: readonly string[]): string[] {
  const order = [...first, ...metricOrder];
  const rank = (name: string) => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
