/** A report never takes the place of what is none, and each search has a name of its own. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-command.js";
import { sampleSearch, sampleSpec } from "../testing/sample-search.js";
import { checkPlace, reportMark, reportName } from "./report-place.js";

const options = { seed: 5, strategy: "random", trials: 2, stepsPerTrial: 20, measurementsPerTrial: 2 } as const;

test("every search's report has a plain and unique file name in this folder", () => {
  const search = fc.record({
    searchId: fc.stringMatching(/^[0-9a-f]{16}$/),
    spec: fc.record({ name: fc.array(fc.integer({ min: 0, max: 0x30ff })).map((codes) => String.fromCodePoint(...codes)) }),
  });
  fc.assert(
    fc.property(fc.array(search, { minLength: 1, maxLength: 6 }), search, (searches, other) => {
      const name = reportName(searches as never);
      assert.match(name, /^report-[\p{L}\p{N}-]*[0-9a-f]{8}(-and-\d-more)?\.html$/u);
      assert.ok(Buffer.byteLength(name) < 255, name);
      const [{ searchId }] = searches as [(typeof searches)[0]];
      if (searchId.slice(0, 8) !== other.searchId.slice(0, 8)) assert.notEqual(name, reportName([other] as never));
    }),
  );
  assert.equal(
    reportName([{ searchId: "7f3a91bc00000000", spec: { ...sampleSpec(options), name: "größe / 2" } }]),
    "report-größe-2-7f3a91bc.html",
  );
});

test("a file that is not a report is never overwritten; a report, an empty file and a new file are written", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "regulus-place-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "report.html");
  checkPlace(file);
  const taken = ["", `<!doctype html>\n<html lang="en">\n${reportMark}`];
  for (const text of taken) {
    writeFileSync(file, text);
    checkPlace(file);
  }
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      writeFileSync(file, text);
      assert.throws(() => checkPlace(file), /report\.html exists and is not a report of Regulus; expected another name/);
      assert.equal(readFileSync(file, "utf8"), Buffer.from(text).toString("utf8"));
    }),
    { numRuns: 30 },
  );
  assert.throws(() => checkPlace(folder), /is a folder/);
  assert.throws(() => checkPlace(join(folder, "none", "x.html")), /there is no folder/);
});

test("the command writes a file of its search's name, again over its own, to standard output for -, and never over another file", async (t) => {
  const twin = await startTwin(t);
  const folder = mkdtempSync(join(tmpdir(), "regulus-report-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { trials, facts, search } = sampleSearch(options);
  const kept = twin.add(search.searchId, sampleSpec(options), search);
  kept.facts.push(...facts);
  kept.exported.push(...trials);
  const report = (...more: string[]) => regulus(["report", search.searchId, "-c", twin.address, ...more], { cwd: folder });
  for (const _ of [1, 2]) {
    const { code, stdout, stderr } = await report();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Report: file:\/\/.*\/report-[^/]*\.html\n$/);
  }
  assert.equal(readdirSync(folder).length, 1);
  const piped = await report("-o", "-");
  assert.match(piped.stdout, /^<!doctype html>[\s\S]*<\/html>\s*$/);
  writeFileSync(join(folder, "notes.html"), "mine");
  const refused = await report("-o", "notes.html");
  assert.deepEqual([refused.code, readFileSync(join(folder, "notes.html"), "utf8")], [5, "mine"]);
  assert.equal(existsSync(join(folder, "-")), false);
});
