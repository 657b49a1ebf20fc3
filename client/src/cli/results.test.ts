/** What a search left, fetched by the `regulus` command against a real server: best, show, export and artifacts. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { create } from "tar";
import { regulus } from "../testing/run-inside.js";
import { sampleSearch } from "../testing/sample-search.js";
import { begin } from "./testing/begun-twin.js";

test("results: best, one trial, export as JSON lines and CSV, by the beginning of an id", async (t) => {
  const { twin, folder } = await begin(t);
  const at = ["-c", twin.address];
  const { trials, facts, search } = sampleSearch({ seed: 5, strategy: "random", trials: 6, stepsPerTrial: 200 });
  const kept = twin.add(search.searchId, search.spec ?? assert.fail(), search);
  kept.exported.push(...trials);
  kept.facts.push(...facts);

  kept.search = { ...kept.search, slotSeconds: 200, wastedSlotSeconds: 50, wastedByReason: { preempted: 10, lost: 40 } };
  kept.search = { ...kept.search, strategyStepsAccepted: 2, strategyStepsRefused: 1 };
  const message = "the upper bound 0.7 is not below 0.69: the accuracy is sharpened";
  const stepped = { step: 3, accepted: false, metrics: { upperLoss: 0.7 }, vectors: {}, message };
  const finding = {
    trial: 2,
    source: "scale-watch",
    severity: "warning",
    message: "the scale of dropout has collapsed",
    key: undefined,
  };
  twin.tell(search.searchId, { $case: "strategyStepped", value: stepped });
  twin.tell(search.searchId, { $case: "findingReported", value: finding });
  const whole = await regulus(["show", "sample", ...at]);
  assert.match(whole.stdout, /^strategy's steps +2 taken, 1 refused$/m);
  assert.match(whole.stdout, /^cost +3 min 20 s of slots, 50 s of it \(25\.0 %\) wasted: 40 s lost, 10 s preempted$/m);
  assert.match(whole.stdout, /^Steps of its strategy:\n.*step 3 refused \(the upper bound 0\.7 is not below 0\.69/m);
  assert.match(whole.stdout, /^Findings:\n.*trial 2: warning of scale-watch: the scale of dropout has collapsed$/m);
  const { news } = JSON.parse((await regulus(["show", "sample", "--json", ...at])).stdout);
  assert.equal(news.length, 2);
  assert.equal(news[0].kind.strategyStepped.message, message);
  assert.match((await regulus(["ls", ...at])).stdout, /SLOTS +WASTED\n.* 3 min 20 s +25\.0 %$/m);

  const best = JSON.parse((await regulus(["best", "sample", "--json", ...at])).stdout);
  assert.equal(best.trial.trial, search.bestTrial);
  assert.equal(best.bestValue, search.bestValue);
  const shown = await regulus(["show", "sample", "0", ...at]);
  assert.match(shown.stdout, /^trial +0 of sample-random-5\n/);
  assert.match(shown.stdout, /trial 0: attempt 1 on agent-1/);

  const lines = (await regulus(["export", "sample", ...at])).stdout.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).trial.trial),
    [0, 1, 2, 3, 4, 5],
  );
  const csv = (await regulus(["export", "sample", "--format", "csv", ...at])).stdout.trimEnd().split("\n");
  const [head = "", first = ""] = csv;
  const column = head.split(",").indexOf("parameter.weightDecay");
  assert.equal(Number(first.split(",")[column]), trials[0]?.trial?.work?.parameters?.weightDecay);
  assert.equal(csv.length, 7);

  const target = join(folder, "curves.csv");
  assert.equal((await regulus(["export", "sample", "--format", "csv", "--measurements", "-o", target, ...at])).code, 0);
  const rows = readFileSync(target, "utf8").trimEnd().split("\n");
  assert.equal(
    rows.length - 1,
    trials.reduce((sum, one) => sum + one.measurements.length, 0),
  );
  assert.deepEqual(readdirSync(folder), ["curves.csv"]);
  const nowhere = await regulus(["export", "sample", "-o", join(folder, "no", "where.csv"), ...at]);
  assert.equal(nowhere.code, 3);
  assert.equal(
    (await regulus(["agents", ...at])).stderr,
    `no agents are connected; start one with: regulus agent --coordinator ${twin.address}\n`,
  );
});

/** Files as a tar. */
async function packedFiles(source: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), text);
  }
  const pieces: Buffer[] = [];
  for await (const piece of create({ cwd: source, portable: true }, ["."])) pieces.push(piece);
  rmSync(source, { recursive: true });
  return Buffer.concat(pieces);
}

test("artifact lists a trial's artifacts and fetches one with its bytes", async (t) => {
  const { twin, folder } = await begin(t);
  const { trials, facts, search } = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 200 });
  const kept = twin.add(search.searchId, search.spec ?? assert.fail(), search);
  kept.exported.push(...trials);
  kept.facts.push(...facts);
  const keep = (text: string, kind: string) => {
    const sha256 = createHash("sha256").update(text).digest("hex");
    twin.artifacts.set(sha256, Buffer.from(text));
    return { sha256, size: text.length, kind };
  };
  kept.exported[search.bestTrial ?? assert.fail()]?.trial?.artifacts.push(
    keep("first", "image"),
    keep("second", "image"),
    keep("{}", "schedule"),
  );
  const artifact = (...args: string[]) => regulus(["artifact", "sample", ...args, "-c", twin.address]);

  assert.match((await artifact("best")).stdout, /^KIND +STEP +BYTES +SHA-256\nimage +5 .*\nimage +6 .*\nschedule +2 /);
  assert.deepEqual(
    [(await artifact("best", "image")).stdout, (await artifact("best", "image", "--number", "0")).stdout],
    ["second", "first"],
  );
  const target = join(folder, "schedule.json");
  assert.equal((await artifact("best", "schedule", "-o", target)).code, 0);
  assert.equal(readFileSync(target, "utf8"), "{}");
  assert.deepEqual(readdirSync(folder), ["schedule.json"]);

  // Its checkpoints come last, and restore as files.
  const folderOf = join(folder, "model");
  const packed = await packedFiles(join(folder, "source"), {
    "weights.json": "[1, 2]",
    "sub/more": "more",
    ".regulus/checkpoint.json": "{}",
  });
  const sha256 = createHash("sha256").update(packed).digest("hex");
  twin.artifacts.set(sha256, packed);
  const ref = { sha256, size: packed.length, kind: "checkpoint" };
  const best = kept.exported[search.bestTrial ?? assert.fail()]?.trial ?? assert.fail();
  Object.assign(best, { checkpoint: ref, checkpointStep: 200, bestCheckpoint: ref, bestCheckpointStep: 150 });
  assert.match((await artifact("best")).stdout, /\ncheckpoint +200 .*\nbest-checkpoint +150 /);
  const extracted = await artifact("best", "best-checkpoint", "--extract", folderOf);
  assert.equal(extracted.stderr, `best-checkpoint: 2 files in ${folderOf}\n`);
  assert.deepEqual(readdirSync(folderOf).sort(), ["sub", "weights.json"]);
  assert.equal(readFileSync(join(folderOf, "weights.json"), "utf8"), "[1, 2]");
  const again = await artifact("best", "checkpoint", "--extract", folderOf);
  assert.match(again.stderr, /--extract: saw 2 files in .*, expected a new or an empty folder/);
  const noTar = await artifact("best", "image", "--extract", join(folder, "other"));
  assert.match(noTar.stderr, /--extract: saw an artifact that is not a tar .*expected a checkpoint/);

  const other = search.bestTrial === 0 ? 1 : 0;
  const none = await artifact(`${other}`, "schedule");
  assert.equal(none.code, 3);
  assert.match(none.stderr, /trial \d left no schedule; it left nothing/);
  kept.exported[other]?.trial?.artifacts.push(keep("replayed", "report"));
  const replayed = await artifact("best", "report");
  assert.equal(replayed.stdout, "replayed");
  assert.match(replayed.stderr, /^trial \d is the best with a report; the best of all, trial \d, has none$/m);
  // A model of another trial than the best is given only by that trial's number.
  Object.assign(kept.exported[other]?.trial ?? {}, { bestCheckpoint: ref, bestCheckpointStep: 150 });
  Object.assign(best, { bestCheckpoint: undefined });
  const refused = await artifact("best", "best-checkpoint", "--extract", join(folder, "refused"));
  assert.equal(refused.code, 3);
  assert.match(
    refused.stderr,
    new RegExp(`trial ${search.bestTrial} is the best and has no best-checkpoint; trial ${other} is the best that has one`),
  );
  assert.equal(existsSync(join(folder, "refused")), false);
  assert.equal((await artifact(`${other}`, "best-checkpoint", "--extract", join(folder, "named"))).code, 0);
  assert.match((await artifact("best", "picture")).stderr, /left no picture; it left image, schedule/);
  assert.equal((await artifact("first")).code, 2);
});
