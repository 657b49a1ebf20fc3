/**
 * The page of a report: its order and its words. Pure; the scripts and the style come in as text, and a content security policy lets
 * these scripts run, by their sums, and nothing else: not even a name that escaped the escaping, and no request to any network.
 */
import { createHash } from "node:crypto";
import { seedOf } from "@regulus/proto";
import { failureLines } from "../display/failures.js";
import { counted, formatCount, formatParameter, formatSeconds, formatValue, plainText } from "../display/numbers.js";
import { armTable, findingsTable, pictureCards, refusedTable } from "./bilevel-sections.js";
import { type Chart, type Shown, shownSearches } from "./chart-frame.js";
import { costChart, courseCharts, progressCharts } from "./charts.js";
import { Html, html, scriptJson } from "./html.js";
import { learnedCharts } from "./learned-charts.js";
import { parallelCharts } from "./parallel-charts.js";
import { objectiveOf, resultOf, type SearchRecord } from "./result.js";
import { scheduleCharts } from "./schedule-charts.js";
import { stepCharts } from "./step-charts.js";
import { costTable, foundTable, summaryTable, trialTable } from "./tables.js";

/** What a page is made of besides the searches. */
export interface PageParts {
  readonly title: string;
  /** When it was made, in milliseconds since 1970. */
  readonly madeMs: number;
  /** Scripts in order: ECharts, formats, and the one that draws. None of them holds a closing script tag. */
  readonly scripts: readonly string[];
  readonly style: string;
}

/** The whole page. */
export function reportPage(records: readonly SearchRecord[], parts: PageParts): string {
  const searches = shownSearches(records);
  const progress = progressCharts(searches);
  const courses = courseCharts(searches);
  const learned = learnedCharts(searches);
  const parallel = parallelCharts(searches);
  const cost = costChart(searches);
  const steps = stepCharts(searches);
  const schedules = scheduleCharts(searches);
  const charts = [...progress, ...steps, ...learned, ...schedules, ...parallel, ...courses, cost];
  const sums = parts.scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Regulus">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${new Html(sums.join(" "))}; base-uri 'none'; form-action 'none'">
<title>${plainText(parts.title)}</title>
<style>
${new Html(parts.style)}
</style>
</head>
<body>
<main>
<header>
<h1>${plainText(parts.title)}</h1>
<p class="byline">${counted(records.length, "search", "searches")}, written ${moment(parts.madeMs)}</p>
</header>
<section class="grid wide" style="margin-top: 24px">${searches.map((shown) => searchCard(shown, searches))}</section>
<h2>Results</h2>
<p class="note">Each search's best trial by its own objective, at the measurement of that trial that counts (its best, or its newest where the objective says so). A trial that failed or diverged is never the best. The objective selects; other metrics, such as those of a test split, are only read off there.</p>
${summaryTable(searches)}
${foundTable(searches)}
${armTable(searches)}
${section("Progress", undefined, progress, "wide")}
${section("What the strategy did", "Steps that a strategy takes by itself, such as outer iterations of a bilevel method. A refused step changes only how the next one is tried.", steps, "wide")}
${refusedTable(searches)}
${pictureCards(searches)}
${section("Hyperparameters learned inside training", "The line is the learned value, the band one perturbation scale to either side of it. Dashed lines are the values of searches from outside.", learned, "small")}
${section("Learned schedules", "Hyperparameters over training as files that ordinary training replays: regulus artifact fetches them.", schedules, "small")}
${section("Configurations", undefined, parallel, "tall")}
${section("Courses of the trials", undefined, courses, "wide")}
${findingsTable(searches)}
<h2>Trials</h2>
${searches.map(trialTable)}
<h2>Cost</h2>
${costTable(searches)}
<div style="margin-top: 16px">${chartCard(cost, "", 110 + 46 * searches.length)}</div>
<h2>Searches as they were run</h2>
<div class="grid">${searches.map(specCard)}</div>
<footer>Written by Regulus. This file holds everything it shows and asks no network for anything.</footer>
</main>
<script type="application/json" id="charts">${new Html(scriptJson(charts.map(({ id, option }) => ({ id, option }))))}</script>
${parts.scripts.map((script) => html`<script>${new Html(script)}</script>\n`)}
</body>
</html>
`;
  return page.text;
}

function section(
  title: string,
  note: string | undefined,
  charts: readonly Chart[],
  kind: "wide" | "small" | "tall",
): Html | undefined {
  if (charts.length === 0) return undefined;
  return html`<h2>${title}</h2>
${note !== undefined && html`<p class="note">${note}</p>`}
<div class="grid ${kind}">${charts.map((chart) => chartCard(chart, kind === "tall" ? " tall" : ""))}</div>`;
}

function chartCard(chart: Chart, size: string, heightPx?: number): Html {
  return html`<div class="card"><h3>${chart.title}</h3><p class="caption">${chart.caption}</p>
<div class="chart${size}" id="${chart.id}" role="img" aria-label="${chart.title}: ${chart.caption}"${heightPx !== undefined && html` style="height: ${heightPx}px"`}></div></div>`;
}

function searchCard(shown: Shown, all: readonly Shown[]): Html {
  const { record, colour, label } = shown;
  const { search } = record;
  const result = resultOf(record);
  const isFailed = search.outcome === "SEARCH_OUTCOME_FAILED";
  const facts: [string, string][] = [
    ["strategy", search.spec?.strategy?.name ?? "—"],
    [search.spec?.command === undefined ? "workload" : "command", workloadWords(shown)],
    ["trials", formatCount(result.trials)],
    ["steps", formatCount(result.steps)],
    ["wall time", formatSeconds(result.seconds)],
    ["seed", search.spec === undefined ? "" : String(seedOf(search.spec))],
    ["started", moment(search.createdMs)],
    ["id", search.searchId],
  ];
  return html`<article class="card search${isFailed && " failed"}" style="--search: var(--c${colour % 8})">
<h3>${label} ${statusTag(shown)}</h3>
<p class="value">${result.best === undefined ? "—" : formatValue(result.best.value)}</p>
<p class="caption">${bestWords(shown, all)}</p>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${endWords(record) !== "" && html`<p class="caption reason">${plainText(endWords(record), 400)}</p>`}
${search.failureGroups.length > 0 && html`<pre class="failures">${failureLines(search.failureGroups).join("\n")}</pre>`}
</article>`;
}

/** Why it ended. What a strategy said last tells more than that it has nothing more to try. */
function endWords({ search, said = [] }: SearchRecord): string {
  const last = said.at(-1)?.message ?? "";
  return [search.reason, search.reason.includes(last) ? "" : last].filter((words) => words !== "").join("; ");
}

function bestWords({ record }: Shown, all: readonly Shown[]): string {
  const { metric, sign } = objectiveOf(record.search);
  const best = resultOf(record).best;
  if (best === undefined) return noBestWords(record.search, metric);
  const others = all.flatMap((other) =>
    other.record === record || objectiveOf(other.record.search).metric !== metric || problemOf(other) !== problemOf({ record })
      ? []
      : (resultOf(other.record).best?.value ?? []),
  );
  const place = `${metric}, trial ${best.trial.trial} at step ${formatCount(best.measurement.step)}`;
  const rival = others.reduce<number | undefined>((a, b) => (a === undefined || sign * b < sign * a ? b : a), undefined);
  if (rival === undefined || rival <= 0 || best.value <= 0 || sign * best.value >= sign * rival) return place;
  return `${place}; ${formatValue(Number((Math.abs(1 - best.value / rival) * 100).toPrecision(2)))} % ${sign === 1 ? "below" : "above"} the next best search`;
}

/** What a search works on: losses of unlike problems are not compared. */
function problemOf({ record: { search } }: Pick<Shown, "record">): string {
  return JSON.stringify([search.spec?.workload, search.spec?.command]);
}

/** Why there is no best value. */
function noBestWords({ counts, status }: SearchRecord["search"], metric: string): string {
  const failed = counts?.failed ?? 0;
  if (status === "SEARCH_STATUS_ENDED" && failed > 0 && (counts?.done ?? 0) === 0)
    return `no trial was measured: ${formatCount(failed)} failed`;
  return `no finite ${metric} was measured`;
}

function statusTag({ record: { search } }: Shown): Html {
  const words =
    search.status === "SEARCH_STATUS_ENDED"
      ? search.outcome.replace("SEARCH_OUTCOME_", "")
      : search.status.replace("SEARCH_STATUS_", "");
  const kind = search.outcome === "SEARCH_OUTCOME_COMPLETED" ? " good" : search.outcome === "SEARCH_OUTCOME_FAILED" ? " bad" : "";
  return html`<span class="tag${kind}">${words.toLowerCase()}</span>`;
}

function workloadWords({ record: { search } }: Shown): string {
  const spec = search.spec;
  if (spec?.command !== undefined) return plainText(spec.command.argv.join(" "), 80);
  return plainText(spec?.workload?.name || spec?.workload?.module || "—", 80);
}

function specCard({ record: { search }, label, colour }: Shown): Html {
  const spec = search.spec;
  const techniques = (spec?.techniques ?? []).map((technique) => technique.name).join(", ") || "none";
  return html`<div class="card"><h3><span class="swatch" style="--search: var(--c${colour % 8})"></span>${label}</h3>
<dl class="facts loose"><div><dt>techniques</dt><dd>${techniques}</dd></div><div><dt>budget</dt><dd>${budgetWords(search.spec)}</dd></div>
<div><dt>trials at once</dt><dd>${formatCount(spec?.parallelism ?? 1)}</dd></div></dl>
<details><summary>Search space</summary><table style="margin-top: 8px"><thead><tr><th>hyperparameter</th><th>domain</th><th>starts at</th><th>only while</th></tr></thead>
<tbody>${(spec?.space ?? []).map((parameter) => html`<tr><td>${parameter.name}</td><td class="words">${domainWords(parameter.domain)}</td><td>${parameter.initial === undefined ? "—" : formatParameter(parameter.initial)}</td><td>${parameter.when === undefined ? "—" : `${parameter.when.parameter} is ${parameter.when.equals.map(formatParameter).join(" or ")}`}</td></tr>`)}</tbody></table></details>
<details><summary>Whole search, with defaults</summary><pre>${JSON.stringify(spec ?? {}, undefined, 2)}</pre></details></div>`;
}

type Spec = SearchRecord["search"]["spec"];

function budgetWords(spec: Spec): string {
  const budget = spec?.budget;
  if (budget === undefined) return "—";
  const words = [
    budget.trials > 0 && `${counted(budget.trials, "trial")}`,
    budget.stepsPerTrial > 0 && `${counted(budget.stepsPerTrial, "step")} a trial`,
    budget.steps > 0 && counted(budget.steps, "step"),
    budget.wallTimeMs > 0 && formatSeconds(budget.wallTimeMs / 1000),
  ].filter((word) => word !== false);
  return words.length === 0 ? "until the strategy ends" : words.join(", ");
}

function domainWords(domain: NonNullable<Spec>["space"][number]["domain"]): string {
  switch (domain?.$case) {
    case "double":
    case "int": {
      const steps = domain.value.step === undefined ? "" : ` in steps of ${formatValue(domain.value.step)}`;
      const scale = domain.value.scale.replace("SCALE_", "").toLowerCase();
      return `${domain.$case === "int" ? "whole number" : "number"} from ${formatValue(domain.value.min)} to ${formatValue(domain.value.max)}${steps}, ${scale} scale`;
    }
    case "categorical":
      return `one of ${domain.value.choices.slice(0, 50).map(formatParameter).join(", ")}`;
    case "boolean":
      return "true or false";
    case undefined:
      return "—";
    default:
      return domain satisfies never;
  }
}

function moment(timeMs: number): string {
  return timeMs > 0 ? `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC` : "—";
}
