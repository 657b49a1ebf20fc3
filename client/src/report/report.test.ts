/** Reports as files: complete, bounded, deaf to hostile names, and drawn by a real browser without a network. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { armPairs } from "../cli/words.js";
import { sampleBilevel } from "../testing/sample-bilevel.js";
import { sampleSearch } from "../testing/sample-search.js";
import { escapeText, html, scriptJson } from "./html.js";
import { renderReport, writeReport } from "./report.js";

/** 40 x 12 grey pixels: a pattern with noise, with less of it, without. */
const picture = Buffer.from(
  [
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAMCAAAAAA1qKCRAAAA90lEQVR42m2Ra60FMQiEK+FKqIRKQEIlIAEJSEDCSEACEpCwEupgL91HTk5yfpGvM6EwNByp",
    "Y/QZ6XSe6gEeQyLBN82i/dg0E0RkftiW4MZEAr+NN11GY3WMksxmSWYqzKJVPrRLg5gIRIW2dJuiZNEyPrRL096rU3p9gTLSmLlW2OBtJOJchyuxNZE+j3MB",
    "NLGlMp4rdEz7pubSDbkCJn51xO6o8hjtpWZi7KcvEN9TcWQ65kNyEXPN6KIZSMS7pwMeepE+tLfu7lGdKx7UUlLJCVnFCXlTVdmlacXPf72+iJ+X4fcy5vXG",
    "leTyq+OWKv74GO/L/APzWhQa/T1b+gAAAABJRU5ErkJggg==",
  ].join(""),
  "base64",
);
const hostile = `</script><script>document.title="taken"</script><img src=x onerror='document.title="taken"'>"'&{{x}}`;

test("all text in markup and scripts is escaped", () => {
  assert.equal(
    html`<b title="${`"'<>&`}">${[html`<i>${"<"}</i>`, undefined, false, 3]}</b>`.text,
    '<b title="&#34;&#39;&#60;&#62;&#38;"><i>&#60;</i>3</b>',
  );
  const json = scriptJson({ name: "</script><!--\u2028", value: Number.NaN });
  assert.ok(!/[<>&\u2028]/.test(json), json);
  assert.deepEqual(JSON.parse(json), { name: "</script><!--\u2028", value: null });
  assert.equal(escapeText("plain ünïcode"), "plain ünïcode");
});

test("a report holds both searches' numbers and every section", async () => {
  const page = await renderReport(samples("inside", "outside"), { title: "Two ways", madeMs: Date.UTC(2026, 0, 5) });
  for (const words of [
    "<title>Two ways</title>",
    "written 2026-01-05 00:00 UTC",
    "Results",
    "Progress",
    "Configurations",
    "Cost",
    "diverged",
  ]) {
    assert.ok(page.includes(words), words);
  }
  assert.equal(page.match(/id="(progress-steps|progress-seconds|learned-[0-4]|parallel-0|course-[01]|cost)"/g)?.length, 11);
});

test("a report shows a strategy's steps, refusals, findings, arms, pictures and schedules", async () => {
  const page = await renderReport([
    sampleBilevel({ name: "shrink", seed: 3, steps: 60, parameters: 3, picture }),
    sampleBilevel({ name: "filters", seed: 4, steps: 30, parameters: 400 }),
  ]);
  for (const words of [
    "What the strategy did",
    "Refused steps and messages, with reasons",
    "trial 1 ended: another trial replaces it",
    "the loss of shrink is known only to within 0.05",
    "shrink: 50 taken, 10 refused; filters: 25 taken, 5 refused",
    "Median and middle half of the hyperparameters of filters",
    "the scale of filters has collapsed",
    "the strategy is 20.0 % better than random search",
    "trial 2 of shrink: PSNR 29 dB in the mean",
    "Learned schedules",
  ]) {
    assert.ok(page.includes(words), words);
  }
  const text = Buffer.from("tEXtDescription\0image 0: noisy 20 dB, <b>denoised</b> 27 dB", "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length - 4);
  const described = Buffer.concat([picture.subarray(0, 33), length, text, Buffer.alloc(4), picture.subarray(33)]);
  const withWords = await renderReport([sampleBilevel({ name: "shrink", seed: 3, steps: 6, parameters: 3, picture: described })]);
  assert.ok(withWords.includes("<li>image 0: noisy 20 dB, &#60;b&#62;denoised&#60;/b&#62; 27 dB</li>"), "a row's own words");
  // One picture; the file that is none stays out.
  assert.equal(page.match(/<figure/g)?.length, 1);
  assert.ok(!page.includes("no picture"));
  const long = await renderReport([sampleBilevel({ name: "long", seed: 3, steps: 50_000, parameters: 400 })]);
  // Lines are thinned to 400 points each, tables to 30 rows.
  assert.ok(long.length - page.length < 500_000, `${long.length - page.length} characters more`);
});

test("ten thousand trials of many measurements give a page of bounded size", async () => {
  const page = await renderReport([
    sampleSearch({ seed: 2, strategy: "random", trials: 10_000, stepsPerTrial: 100, measurementsPerTrial: 5 }),
  ]);
  const small = await renderReport([
    sampleSearch({ seed: 2, strategy: "random", trials: 3, stepsPerTrial: 100, measurementsPerTrial: 5 }),
  ]);
  // Measured 0.3 MB on top of the scripts; every further list is thinned, so that a megabyte is a wide bound.
  assert.ok(page.length - small.length < 1_000_000, `${page.length - small.length} characters more`);
  assert.match(page, /600 of 10,000 trials are drawn/);
  assert.match(page, /300 of 10,000 trials are listed/);
});

test("a search without trials, and one without a finite value, have a page too", async () => {
  const empty = sampleSearch({ seed: 2, strategy: "random", trials: 0, stepsPerTrial: 100, slots: 1 });
  const page = await renderReport([empty]);
  assert.match(page, /no finite validLoss was measured/);
});

test("a browser without a network draws every chart of a report full of hostile names, and runs nothing of them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "regulus-report-"));
  try {
    const file = join(folder, "report.html");
    const steps = { name: hostile, seed: 3, steps: 60, picture };
    const stepping = sampleBilevel({ ...steps, parameters: 3 });
    await writeReport(file, [...samples(hostile, hostile), stepping], { title: hostile });
    const dom = await browse(file, folder);
    // Eleven of the first two searches, seven of the strategy that steps, a schedule, its course.
    assert.match(dom, /<html[^>]* data-drawn="20"/, "not every chart was drawn");
    const title = /<title>(.*?)<\/title>/s.exec(dom)?.[1] ?? "";
    assert.ok(title.startsWith("&lt;/script&gt;"), `the title is ${title}`);
    // ECharts' own source holds markup in strings.
    const elements = dom.replace(/<script\b.*?<\/script>/gs, "");
    assert.deepEqual(elements.match(/<img\b[^>]{0,30}/g)?.length, 1, "a name became an element, or a picture is missing");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function samples(inside: string, outside: string) {
  const steps = { stepsPerTrial: 2000, slots: 1 };
  return [
    sampleSearch({ seed: 1, strategy: "self-tuning-network", trials: 1, name: inside, ...steps }),
    sampleSearch({ seed: 2, strategy: "random", trials: 6, divergesEvery: 5, name: outside, ...steps }),
  ];
}

/** The page after its scripts ran. Chromium is among the servers that tests need (see CONTRIBUTING). */
async function browse(file: string, folder: string): Promise<string> {
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
  ];
  const { stdout } = await promisify(execFile)(
    process.env.CHROMIUM ?? "chromium",
    [
      ...flags,
      `--user-data-dir=${join(folder, "profile")}`,
      "--virtual-time-budget=5000",
      "--dump-dom",
      pathToFileURL(file).href,
    ],
    { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
  ).catch((error: unknown) => {
    throw new Error(`chromium could not open the report; it must be installed (Debian package chromium): ${String(error)}`);
  });
  return stdout;
}

test("the report says about every arm what show says, whichever way is better", async () => {
  const { search, ...record } = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 10 });
  const arm = (name: string, bestValue: number, deviation?: number) => ({
    name,
    trials: 2,
    steps: 20,
    bestTrial: 1,
    bestValue,
    deviation,
  });
  const arms = [
    arm("", 0.2),
    arm("control", 0.25, 0.01),
    arm("replay", 0.21),
    arm("combine", 0.15),
    arm("worse", 0.4),
    arm("same", 0.2),
  ];
  for (const direction of ["DIRECTION_MINIMIZE", "DIRECTION_MAXIMIZE"] as const) {
    const spec = search.spec && { ...search.spec, objectives: [{ metric: "quality", direction }] };
    const told = { ...search, spec, arms };
    const page = await renderReport([{ ...record, search: told }]);
    const gains = armPairs(told)
      .slice(1)
      .map(([, words]) => words.slice(words.indexOf("): ") + 3));
    assert.match(gains[2] ?? "", direction === "DIRECTION_MINIMIZE" ? /^25\.0 % better than/ : /^25\.0 % worse than/);
    for (const gain of gains) assert.ok(page.includes(`<td>${escapeText(gain)}</td>`), gain);
  }
});
