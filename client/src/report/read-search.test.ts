/** `regulus report` against a coordinator: it reads what a page needs, no more than a page holds, and says where the page is. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { type ArtifactRef, type ExportSearchResponse, Measurement, Trial } from "@regulus/proto";
import { toJson } from "../cli/json.js";
import { connect, type RegulusClient } from "../connect.js";
import { type CoordinatorTwin, startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-inside.js";
import { sampleSearch } from "../testing/sample-search.js";
import { readSearch } from "./read-search.js";

const sample = sampleSearch({ seed: 5, strategy: "random", trials: 3, stepsPerTrial: 200, measurementsPerTrial: 4 });
const mebibyte = 1024 * 1024;

function addSample(twin: CoordinatorTwin) {
  const kept = twin.add("s1", sample.search.spec ?? assert.fail(), { ...sample.search, searchId: "s1" });
  kept.facts.push(...sample.facts.map((fact) => ({ ...fact, searchId: "s1" })));
  kept.exported.push(...sample.trials.map((row) => ({ ...row, trial: row.trial && { ...row.trial, artifacts: [] } })));
  return kept;
}

test("a search is read as its log and its export have it, with findings but without steps among them", async (t) => {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  const kept = addSample(twin);
  const step = { step: 1, accepted: true, metrics: { upperLoss: 0.5 }, vectors: {}, message: "" };
  const finding = { source: "guard", severity: "warning", message: "odd", key: undefined, trial: undefined };
  const word = { step: 1, accepted: false, metrics: {}, vectors: {}, message: "said" };
  for (const value of [step, word]) twin.tell("s1", { $case: "strategyStepped", value });
  twin.tell("s1", { $case: "findingReported", value: finding });
  const record = await readSearch(client, "s1");
  // As JSON: on the way absent fields become undefined ones.
  assert.deepEqual(JSON.parse(toJson(record.search)), JSON.parse(toJson(kept.search)));
  assert.deepEqual(JSON.parse(toJson(record.trials)), JSON.parse(toJson(kept.exported)));
  assert.deepEqual(record.course, sample.course);
  assert.deepEqual(
    [record.steps?.map(({ metrics }) => metrics.upperLoss), record.said?.map(({ message }) => message)],
    [[0.5], ["said"]],
  );
  assert.deepEqual(
    record.findings?.map(({ kind }) => kind),
    [{ $case: "findingReported", value: finding }],
  );
  assert.deepEqual(record.results, []);
});

test("of long trials as many measurements are kept as a line shows, the first and the last among them", async (t) => {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  const kept = addSample(twin);
  const measurements = Array.from({ length: 5000 }, (_, index) => Measurement.fromPartial({ step: index + 1 }));
  kept.exported.push({ trial: Trial.fromPartial({ trial: 9 }), measurements });
  const { trials } = await readSearch(client, "s1");
  const steps = trials.at(-1)?.measurements.map((one) => one.step) ?? [];
  assert.deepEqual([steps.length, steps[0], steps.at(-1)], [800, 1, 5000]);
});

test("of what trials left, the newest pictures and schedules go into a page: 64 of them, 2 MiB each, 12 MiB in all; one that is gone is left out", async (t) => {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  const kept = addSample(twin);
  const [first, second, third] = kept.exported.map(({ trial }) => trial?.artifacts ?? assert.fail());
  const keep = (text: string, kind: string, size = text.length): ArtifactRef => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    twin.artifacts.set(sha256, Buffer.from(text));
    return { sha256, size, kind };
  };
  first?.push(keep("report", "report"), keep("large", "image", 2 * mebibyte + 1), keep("old", "schedule"));
  second?.push(keep("limit", "image", 2 * mebibyte), { sha256: "0".repeat(64), size: 1, kind: "image" });
  third?.push(keep("new", "image"));
  const texts = async () =>
    ((await readSearch(client, "s1")).results ?? []).map(({ trial, kind, bytes }) => `${trial} ${kind} ${Buffer.from(bytes)}`);
  assert.deepEqual(await texts(), ["0 schedule old", "1 image limit", "2 image new"]);
  second?.push(...Array.from({ length: 6 }, (_, index) => keep(`two ${index}`, "image", 2 * mebibyte)));
  assert.deepEqual(
    await texts(),
    ["0 schedule old", "1 image limit", ...[0, 1, 2, 3].map((index) => `1 image two ${index}`), "2 image new"],
    "what has no room is passed over",
  );
  third?.push(...Array.from({ length: 63 }, (_, index) => keep(`picture ${index}`, "image")));
  const many = await texts();
  assert.deepEqual([many.length, many[0], many.at(-1)], [64, "2 image new", "2 image picture 62"]);
  twin.artifacts.set(third?.[0]?.sha256 ?? "", Buffer.from("other bytes"));
  await assert.rejects(texts(), { code: "data-loss" });
});

test("the command writes one page of several searches, says which of them is not over, and tells the place as a link or as JSON", async (t) => {
  const twin = await startTwin(t);
  const folder = mkdtempSync(join(tmpdir(), "regulus-report-"));
  t.after(() => rmSync(folder, { recursive: true }));
  addSample(twin);
  twin.add("s2", { ...(sample.search.spec ?? assert.fail()), name: "runs" });
  const file = join(folder, "one.html");
  const at = ["-c", twin.address, "-o", file];
  const words = await regulus(["report", "s1", "runs", "--title", "Two of them", ...at]);
  assert.deepEqual(words, {
    code: 0,
    stdout: `Report: ${pathToFileURL(file).href}\n`,
    stderr: "search s2 is not over; the report shows its current state\n",
  });
  const page = readFileSync(file, "utf8");
  assert.match(page, /<h1>Two of them<\/h1>\n<p class="byline">2 searches, written \d{4}-/);
  assert.match(page, new RegExp(`written ${new Date().toISOString().slice(0, 13).replace("T", " ")}`), "written now");
  const json = await regulus(["report", "s1", "--json", ...at]);
  assert.deepEqual([JSON.parse(json.stdout), json.stderr], [{ report: file }, ""]);
  assert.match(readFileSync(file, "utf8"), /<h1>Regulus report<\/h1>/);
  assert.equal((await regulus(["report", "s3", ...at])).code, 3);
  const nowhere = await regulus(["report", "s1", "-c", twin.address, "-o", join(folder, "no", "page.html")]);
  assert.equal(nowhere.code, 3);
  assert.match(nowhere.stderr, /^regulus: --output .*page\.html: there is no folder .*no\n$/);
  assert.deepEqual(readdirSync(folder), ["one.html"]);
});

test("a search of more than 200,000 trials is refused, with another way to have them", async () => {
  const client = (rows: readonly ExportSearchResponse[]) => {
    async function* exportSearch() {
      yield* rows;
    }
    async function* watchSearch() {
      yield { facts: [], live: true };
    }
    return {
      getSearch: async () => sample.search,
      exportSearch,
      searchNews: async () => [],
      watchSearch,
    } as unknown as RegulusClient;
  };
  const row: ExportSearchResponse = { trial: undefined, measurements: [] };
  const many = (count: number) => Array.from({ length: count }, () => row);
  await assert.rejects(readSearch(client(many(200_001)), "s1"), {
    code: "exhausted",
    message: /more than 200000 trials.*use: regulus export s1/,
  });
});
