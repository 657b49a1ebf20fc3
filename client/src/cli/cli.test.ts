/** The `regulus` command as people and scripts meet it, against a real server: output, errors and exit codes; as a process where that matters. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { regulus as regulusProcess } from "../testing/run-command.js";
import { regulus } from "../testing/run-inside.js";
import { sampleSearch } from "../testing/sample-search.js";
import { begin } from "./testing/begun-twin.js";

const file = `
name: ridge
workload: ridge
objective: {metric: validLoss}
strategy: random
space:
  weightDecay: {type: double, min: 1e-6, max: 1, scale: log}
budget: {trials: 4}
`;

test("usage: help and version succeed, wrong flags get advice and exit code 2", async () => {
  const help = await regulusProcess(["--help"]);
  assert.equal(help.code, 0);
  for (const name of ["demo", "up", "submit", "watch", "report", "explain", "doctor"])
    assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
  assert.match(help.stdout, /Exit codes/);
  const examples = await regulus(["submit", "--help"]);
  assert.match(examples.stdout, /Examples:\n {2}regulus submit search\.yaml --watch/);
  const slip = await regulusProcess(["submitt", "x"]);
  assert.deepEqual([slip.code, slip.stdout], [2, ""]);
  assert.match(slip.stderr, /Did you mean submit\?/);
  const trial = await regulus(["show", "s1", "first"]);
  assert.equal(trial.code, 2);
  assert.match(trial.stderr, /expected a whole number/);
});

test("no coordinator: exit code 4, advice, and JSON on request", async () => {
  const words = await regulusProcess(["ls", "--coordinator", "127.0.0.1:1"]);
  assert.deepEqual([words.code, words.stdout], [4, ""]);
  assert.match(
    words.stderr,
    /^regulus: no coordinator answers at 127\.0\.0\.1:1 \(ECONNREFUSED 127\.0\.0\.1:1\); start one with `regulus up`/,
  );
  const json = await regulus(["ls", "--json", "--coordinator", "127.0.0.1:1"]);
  assert.deepEqual([json.code, json.stdout, JSON.parse(json.stderr).error.code], [4, "", "unavailable"]);
});

test("validate lists every error with its path and says who checked", async (t) => {
  const { folder, twin } = await begin(t);
  writeFileSync(join(folder, "good.yaml"), file);
  writeFileSync(join(folder, "bad.yaml"), file.replace("min: 1e-6", "min: 0, typo: 1").replace("trials", "trails"));
  writeFileSync(join(folder, "unknown.yaml"), file.replace("random", "no-such-strategy"));
  writeFileSync(join(folder, "broken.yaml"), "a: [1,\nb: }");

  const good = await regulus(["validate", join(folder, "good.yaml"), "-c", twin.address]);
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.match(good.stdout, /is valid: checked by the coordinator/);
  const offline = await regulus(["validate", join(folder, "good.yaml"), "-c", "127.0.0.1:1"]);
  assert.equal(offline.code, 0);
  assert.match(offline.stdout, /valid in shape; .* were not checked \(no coordinator answers at 127\.0\.0\.1:1\)/);

  const bad = await regulus(["validate", join(folder, "bad.yaml"), "-c", "127.0.0.1:1"]);
  assert.deepEqual([bad.code, bad.stdout], [2, ""]);
  assert.match(bad.stderr, /names and options .* were not checked \(no coordinator answers/);
  assert.match(bad.stderr, /^regulus: 3 problems:\n/);
  assert.match(bad.stderr, /space\.weightDecay\.typo: saw an unknown field/);
  assert.match(bad.stderr, /space\.weightDecay\.min: saw 0, expected a number above 0 on a log scale/);
  assert.match(bad.stderr, /budget\.trails: saw an unknown field.*did you mean trials\?/);

  const unknown = await regulus(["validate", join(folder, "unknown.yaml"), "-c", twin.address, "--json"]);
  assert.equal(unknown.code, 2);
  const answer = JSON.parse(unknown.stdout);
  assert.deepEqual([answer.valid, answer.checkedBy, answer.problems[0].field], [false, "coordinator", "strategy"]);
  assert.equal(twin.searches.size, 0);

  // Shape and names in one answer, for submit too; the coordinator's own view of the shape is not told twice.
  writeFileSync(join(folder, "both.yaml"), file.replace("random", "no-such-strategy").replace("trials: 4", "trials: many"));
  for (const words of ["validate", "submit"]) {
    const both = await regulus([words, join(folder, "both.yaml"), "-c", twin.address]);
    assert.equal(both.code, 2);
    assert.match(
      both.stderr,
      /^regulus: 2 problems:\n {2}budget\.trials: saw "many".*\n {2}strategy: saw "no-such-strategy".*\n$/,
    );
  }
  const alone = await regulus(["submit", join(folder, "both.yaml"), "-c", "127.0.0.1:1"]);
  assert.deepEqual([alone.code, alone.stderr.split("\n")[0]], [2, "regulus: 1 problem:"]);
  assert.equal(twin.searches.size, 0);

  const broken = await regulus(["validate", join(folder, "broken.yaml")]);
  assert.equal(broken.code, 2);
  assert.match(broken.stderr, /broken\.yaml: .*line 2/);
  assert.doesNotMatch(broken.stderr, /^\s+at /m);
  assert.equal((await regulus(["validate", join(folder, "none.yaml")])).code, 3);
});

test("warnings of a coordinator go to standard error, and into JSON, for validate and submit", async (t) => {
  const { folder, twin } = await begin(t);
  twin.warnings = [{ field: "spec.command", message: "no agent\u001b[2J allows commands" }];
  const path = join(folder, "good.yaml");
  writeFileSync(path, file);
  for (const words of ["validate", "submit"]) {
    const plain = await regulus([words, path, "-c", twin.address]);
    assert.equal(plain.code, 0);
    assert.match(plain.stderr, /^warning: no agent allows commands$/m);
    const json = await regulus([words, path, "-c", twin.address, "--json"]);
    assert.deepEqual(JSON.parse(json.stdout).warnings, twin.warnings);
  }
});

test("logs and show --output print a running program's output without escape sequences; --follow continues to the end", async (t) => {
  const { twin } = await begin(t);
  const { search, trials } = sampleSearch({ seed: 5, strategy: "random", trials: 2, stepsPerTrial: 200 });
  const kept = twin.add(search.searchId, search.spec ?? assert.fail("a spec"));
  kept.exported.push(...trials.slice(0, 1));
  const trial = trials[0]?.trial?.trial ?? 0;
  const at = [search.searchId, String(trial), "-c", twin.address];
  const long = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join("");
  twin.outputs.set(`${search.searchId}/${trial}`, {
    text: `\u001b[31mred\u001b[0m\u001b]0;owned\u0007\n${long}`,
    ended: false,
    attempt: 1,
  });
  const shown = `red\n${long}`;
  assert.equal((await regulus(["logs", ...at])).stdout, shown);
  assert.equal((await regulus(["show", ...at, "--output"])).stdout, shown);
  const following = regulus(["logs", ...at, "--follow"]);
  const asked = () => twin.calls.filter((name) => name === "getTrialOutput").length;
  const before = asked();
  while (asked() < before + 7) await new Promise((resolve) => setTimeout(resolve, 10));
  twin.outputs.set(`${search.searchId}/${trial}`, { text: "anew\n", ended: true, attempt: 2 });
  const { stdout, stderr, code } = await following;
  assert.equal(code, 0);
  assert.equal(stdout, `${shown}anew\n`);
  assert.match(stderr, /-- attempt 2 --/);
});

test("submit from a pipe, ls, show, explain, pause, resume, stop, delete", async (t) => {
  const { twin } = await begin(t);
  const at = ["-c", twin.address];
  const submitted = await regulus(["submit", "-", "--seed", "7", ...at], { input: file });
  assert.deepEqual([submitted.code, submitted.stdout], [0, "s1\n"]);
  assert.equal(twin.searches.get("s1")?.search.spec?.seed, 7);

  const listed = await regulus(["ls", ...at]);
  assert.match(listed.stdout, /^SEARCH {2}NAME .*\ns1 +ridge +running +no trials yet/);
  assert.equal(JSON.parse((await regulus(["ls", "--json", ...at])).stdout).searches[0].searchId, "s1");
  assert.match((await regulus(["show", "s1", ...at])).stdout, /^search +s1\nname +ridge\nstatus +running/);
  assert.match(
    (await regulus(["explain", "s1", "2", ...at])).stdout,
    /^trial 2 waits for an agent\n {2}no agent is connected \(fact 3\)\n/,
  );
  assert.equal((await regulus(["best", "s1", ...at])).code, 3);
  assert.equal((await regulus(["pause", "s1", "--reason", "noon", ...at])).code, 0);
  assert.equal(twin.searches.get("s1")?.search.reason, "noon");
  assert.equal((await regulus(["resume", "s1", ...at])).code, 0);

  const early = await regulus(["delete", "s1", ...at]);
  assert.equal(early.code, 5);
  assert.match(early.stderr, /still runs; stop it first/);
  assert.equal((await regulus(["stop", "s1", ...at])).code, 0);
  assert.equal((await regulus(["delete", "s1", ...at])).code, 0);
  assert.equal(twin.searches.size, 0);
  const gone = await regulus(["show", "s1", ...at]);
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /no search s1; regulus ls lists/);
});

test("watch: facts as JSON lines; a reader that closes the pipe ends it; a failed search gives exit code 8", async (t) => {
  const { twin } = await begin(t);
  const { facts, search } = sampleSearch({ seed: 5, strategy: "random", trials: 6, stepsPerTrial: 200 });
  const kept = twin.add("s1", search.spec ?? assert.fail(), { ...search, searchId: "s1" });
  kept.facts.push(...facts);
  const watched = await regulus(["watch", "s1", "--json", "-c", twin.address]);
  assert.equal(watched.code, 0);
  const lines = watched.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ position }) => position),
    facts.map(({ position }) => position),
  );
  assert.ok(lines[0].kind.searchCreated.spec.name.length > 0);

  const closed = await regulusProcess(["watch", "s1", "--json", "-c", twin.address], {
    meanwhile: (child) => {
      child.stdout?.destroy();
    },
  });
  assert.deepEqual([closed.code, closed.stderr], [0, ""]);

  twin.add("s2", search.spec ?? assert.fail());
  twin.tell("s2", { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_FAILED", reason: "the strategy threw" } });
  const failed = await regulus(["watch", "s2", "-c", twin.address]);
  assert.equal(failed.code, 8);
  assert.match(failed.stdout, /status +failed \(the strategy threw\)/);
});

test("Ctrl-C leaves a watched search running and says how to come back", async (t) => {
  const { twin } = await begin(t);
  const { search } = sampleSearch({ seed: 5, strategy: "random", trials: 6, stepsPerTrial: 200 });
  const kept = twin.add("s1", search.spec ?? assert.fail());
  const left = await regulusProcess(["watch", "s1", "-c", twin.address], {
    meanwhile: async (child) => {
      while (kept.watchers.size === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill("SIGINT");
    },
  });
  assert.equal(left.code, 130);
  assert.match(left.stderr, /left; the search continues\. regulus watch s1 follows it again/);
  assert.equal(twin.searches.get("s1")?.search.status, "SEARCH_STATUS_RUNNING");
});
