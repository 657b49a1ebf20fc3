/** What people copy from the command's answers, how they name searches, and what strangers' texts can do to their terminal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Search, Trial } from "@regulus/proto";
import fc from "fast-check";
import { connect } from "../connect.js";
import { type CoordinatorTwin, startTwin } from "../testing/coordinator-twin.js";
import { regulus as regulusProcess } from "../testing/run-command.js";
import { regulus } from "../testing/run-inside.js";
import { sampleSearch, sampleSpec } from "../testing/sample-search.js";
import { findSearch } from "./find-search.js";
import { columnsThatFit, table } from "./output.js";
import { wastedShare } from "./words.js";

const options = { seed: 5, strategy: "random", trials: 30, stepsPerTrial: 200, measurementsPerTrial: 4 } as const;
const spec = sampleSpec(options);

test("best and show print every digit in ASCII where no terminal reads them, and best always", async (t) => {
  const twin = await startTwin(t);
  const kept = addSample(twin, (trial) => ({
    ...trial,
    work: {
      ...(trial.work ?? assert.fail()),
      parameters: { lr: -0.00012345678901234, depth: 1234567, name: "adam", none: null },
    },
    value: -1234.567890123,
    best: { ...(trial.last ?? assert.fail()), metrics: { validLoss: -1234.567890123, worst: -Infinity, odd: Number.NaN } },
    valueStep: trial.last?.step,
  }));
  const best = await regulus(["best", kept, "-c", twin.address]);
  const cells = new Map(
    best.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/) as [string, string]),
  );
  assert.deepEqual(
    ["validLoss", "worst", "odd", "lr", "depth", "name", "none"].map((name) => cells.get(name)),
    ["-1234.567890123", "-Infinity", "NaN", "-0.00012345678901234", "1234567", "adam", "null"],
  );
  const shown = await regulus(["show", kept, "-c", twin.address]);
  for (const text of ["-1234.567890123", "-0.00012345678901234"]) assert.ok(shown.stdout.includes(text), shown.stdout);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked for.
  assert.match(best.stdout + shown.stdout, /^[\u0000-\u007f]*$/);
});

test("show of a trial prints the value that counts with its step, then the newest if it differs", async (t) => {
  const twin = await startTwin(t);
  const kept = addSample(twin, (trial) => {
    const last = { ...(trial.last ?? assert.fail()), step: 200, metrics: { validLoss: 0.485, accuracy: 0.7 } };
    const best = { ...last, step: 100, metrics: { validLoss: 0.47, accuracy: 0.6 } };
    return trial.trial === 1 ? { ...trial, last, best: last, value: 0.485 } : { ...trial, last, best, value: 0.47 };
  });
  const shown = await regulus(["show", kept, "0", "-c", twin.address]);
  assert.match(
    shown.stdout,
    /^validLoss +0\.47 at step 100, the value that counts$\n^newest validLoss +0\.485$\n^newest accuracy +0\.7$/m,
  );
  const same = await regulus(["show", kept, "1", "-c", twin.address]);
  assert.match(same.stdout, /^validLoss +0\.485$/m);
});

test("show says how many trials and hyperparameters it omits and how to see them", async (t) => {
  const twin = await startTwin(t);
  const parameters = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`parameter${index}`, index / 7]));
  const kept = addSample(twin, (trial) => ({ ...trial, work: { ...(trial.work ?? assert.fail()), parameters } }));
  const at = ["-c", twin.address];
  const some = await regulus(["show", kept, ...at]);
  assert.match(some.stdout, /^\(20 of 30 trials, the best first; --limit 30 shows all\)$/m);
  assert.match(some.stdout, /^\(12 of 1,000 hyperparameters; --all-parameters shows all, --json too\)$/m);
  assert.ok(Math.max(...some.stdout.split("\n").map((line) => line.length)) < 400);
  const all = await regulus(["show", kept, "--limit", "30", "--all-parameters", "--by-number", ...at]);
  assert.doesNotMatch(all.stdout, /^\(\d/m);
  assert.match(all.stdout, / parameter999$/m);
});

test("as many columns as fit a terminal are shown, the fixed ones always", () => {
  const head = ["A", "BB", "CCC", "DDDD"];
  const rows = [["1", "22", "333", "4444"]];
  for (let columns = 1; columns < 30; columns += 1) {
    const count = columnsThatFit(head, rows, { fixed: 2, columns });
    const width =
      table(
        head.slice(0, count),
        rows.map((row) => row.slice(0, count)),
        Infinity,
      ).split("\n")[0]?.length ?? 0;
    assert.ok(count >= 2 && (width <= columns || count === 2), `${count} columns of width ${width} in ${columns}`);
    if (count < head.length) assert.ok(width + 2 + (head[count] ?? "").length > columns, "one more would have fitted");
  }
});

test("the first column, which names the row, is never cut, and the others keep three characters", () => {
  const [head, row] = table(["SEARCH", "NAME"], [["x".repeat(30), "y".repeat(20)]], 40).split("\n");
  assert.deepEqual([head, row], [`${"SEARCH".padEnd(30)}  NAME`, `${"x".repeat(30)}  ${"y".repeat(7)}…`]);
  assert.equal(table(["SEARCH", "NAME"], [["x".repeat(50), "y".repeat(20)]], 40).split("\n")[1], `${"x".repeat(50)}  yy…`);
});

test("a search is found by its id, else by the only beginning of one, else by the only name", async (t) => {
  const twin = await startTwin(t);
  const client = connect(twin.address);
  t.after(() => client.close());
  const searches = [
    ["abc1", "digits"],
    ["abc2", "twice"],
    ["abd1", "twice"],
    ["eff", "abc1"],
    ["fed", "ab"],
    ["dcb", "a name, with blanks"],
    ["ccc", "eff"],
  ] as const;
  for (const [id, name] of searches) twin.add(id, { ...spec, name });
  const found = async (given: string) => (await findSearch(client, given)).searchId;
  assert.equal(await found("abc1"), "abc1", "an id wins over a name");
  assert.equal(await found("ef"), "eff");
  assert.equal(await found("digits"), "abc1");
  assert.equal(await found("a name, with blanks"), "dcb");
  assert.equal(await found("ab"), "fed", "a whole name is clearer than a beginning of several ids");
  await assert.rejects(found("abc"), {
    code: "invalid-argument",
    message: /^2 searches have an id that begins with abc; .*\n {2}abc1 {2}running {2}digits\n {2}abc2 /,
  });
  await assert.rejects(found("twice"), {
    code: "invalid-argument",
    message: /^2 searches are named twice; .*\n {2}abc2 .*\n {2}abd1 /,
  });
  for (let index = 1; index <= 7; index += 1) twin.add(`many${index}`, { ...spec, name: "of one name" });
  await assert.rejects(found("of one name"), {
    message: /^7 searches are named .*\n {2}many1 [\s\S]*\n {2}many5 [^\n]*\n {2}and 2 more$/,
  });
  await assert.rejects(found("nothing"), { code: "not-found", message: /no search nothing; regulus ls lists/ });
  await assert.rejects(found("bc1"), { code: "not-found" }, "the middle of an id is no beginning");
  await assert.rejects(found(""), { code: "not-found" });
});

test("of searches of one name, commands that read take the newest and say so, commands that change something refuse", async (t) => {
  const twin = await startTwin(t);
  const kept = addSample(twin, (trial) => trial);
  const name = twin.searches.get(kept)?.search.spec?.name ?? assert.fail();
  twin.add("older", { ...spec, name }, { createdMs: 1 });
  twin.outputs.set(`${kept}/${twin.searches.get(kept)?.search.bestTrial}`, { text: "line\n", ended: true, attempt: 1 });
  const at = ["-c", twin.address];
  for (const [command = "", ...more] of [
    ["best"],
    ["show"],
    ["explain"],
    ["export"],
    ["watch"],
    ["artifact", "best"],
    ["logs", "best"],
    ["report", "-o", "-"],
  ]) {
    const { code, stderr } = await regulus([command, name, ...more, ...at]);
    assert.deepEqual([command, code], [command, 0], stderr);
    assert.ok(stderr.includes(`2 searches are named ${name}; this is the newest, ${kept}\n`), stderr);
  }
  for (const command of ["stop", "pause", "resume", "delete", "retry", "extend"]) {
    const { code, stderr } = await regulus([command, name, ...(command === "extend" ? ["--trials", "1"] : []), ...at]);
    assert.equal(code, 2, command);
    assert.match(stderr, /2 searches are named/);
  }
});

test("best stands for the number of the best trial wherever a command takes one", async (t) => {
  const twin = await startTwin(t);
  const kept = addSample(twin, (trial) => trial);
  const number = twin.searches.get(kept)?.search.bestTrial ?? assert.fail();
  twin.outputs.set(`${kept}/${number}`, { text: "line\n", ended: true, attempt: 1 });
  const at = ["-c", twin.address];
  for (const command of ["show", "logs", "explain", "artifact"]) {
    const [best, same] = [await regulus([command, kept, "best", ...at]), await regulus([command, kept, String(number), ...at])];
    assert.deepEqual([command, best], [command, same]);
    assert.equal(best.code, 0, best.stderr);
  }
  twin.add("empty", spec);
  assert.equal((await regulus(["logs", "empty", "best", ...at])).code, 3);
});

test("every command takes a search by its name", async (t) => {
  const twin = await startTwin(t);
  const kept = addSample(twin, (trial) => trial);
  const name = twin.searches.get(kept)?.search.spec?.name ?? assert.fail();
  for (const words of [
    ["show"],
    ["best"],
    ["explain"],
    ["export"],
    ["watch", "--json"],
    ["logs", "0"],
    ["artifact", "best"],
    ["delete"],
  ]) {
    const [command = "", ...more] = words;
    const { code, stderr } = await regulus([command, name, ...more, "-c", twin.address]);
    assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
  }
});

test("a failed search is red in ls where there are colours, and its columns stand as without", async (t) => {
  const twin = await startTwin(t);
  const ended = { status: "SEARCH_STATUS_ENDED", slotSeconds: 10, wastedSlotSeconds: 11 } as const;
  twin.add("good", spec, { ...ended, outcome: "SEARCH_OUTCOME_COMPLETED" });
  twin.add("bad", spec, { ...ended, outcome: "SEARCH_OUTCOME_FAILED" });
  const plain = await regulus(["ls", "-c", twin.address]);
  const coloured = await regulusProcess(["ls", "-c", twin.address], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
  const painted = coloured.stdout.replaceAll("\u001b", "ESC");
  assert.match(painted, /^ESC\[31mbad *ESC\[39m .*ESC\[31mfailed *ESC\[39m/m);
  assert.doesNotMatch(painted, /^.*good.*ESC/m);
  assert.equal(painted.replaceAll(/ESC\[\d+m/g, ""), plain.stdout);
  assert.match(plain.stdout, /^bad .* 100 %$/m, "no more than all of it is wasted");
});

test("the wasted share stays between 0 and 1 with any clocks", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (slotSeconds, wastedSlotSeconds) => {
      const share = wastedShare({ slotSeconds, wastedSlotSeconds });
      assert.ok(share >= 0 && share <= 1, String(share));
    }),
  );
  assert.equal(wastedShare({ slotSeconds: 8, wastedSlotSeconds: 2 }), 0.25);
});

test("no command lets a stranger's text reach the terminal as a command to it", async (t) => {
  const twin = await startTwin(t);
  const evil = "a\u001b[2Jb\u001b]0;owned\u0007c\u009b31md\u202ee";
  const kept = addSample(twin, (trial) => ({
    ...trial,
    message: evil,
    agentId: evil,
    reason: "END_REASON_USER_ERROR",
    work: { ...(trial.work ?? assert.fail()), procedure: evil, parameters: { [evil]: evil } },
    last: { ...(trial.last ?? assert.fail()), metrics: { [evil]: 1 }, learned: { [evil]: 2 } },
    artifacts: [{ kind: evil, sha256: evil, size: 1 }],
  }));
  const found = twin.searches.get(kept) ?? assert.fail();
  const objectives = [{ metric: evil, direction: "DIRECTION_MINIMIZE" as const }];
  found.search = {
    ...found.search,
    spec: { ...spec, name: evil, objectives, strategy: { name: evil, options: {} }, labels: { [evil]: evil } },
    reason: evil,
    wastedByReason: { [evil]: 3 },
    wastedSlotSeconds: 3,
    outcome: "SEARCH_OUTCOME_FAILED",
  };
  found.facts.length = 0;
  twin.tell(kept, { $case: "trialDeferred", value: { trial: 0, reason: evil } });
  twin.tell(kept, { $case: "strategyFailed", value: { message: evil } });
  twin.tell(kept, { $case: "findingReported", value: { trial: 0, source: evil, severity: evil, message: evil, key: undefined } });
  twin.outputs.set(`${kept}/0`, { text: `${evil}\n`, ended: true, attempt: 1 });
  const agent = { agentId: evil, slots: 1, slotsUsed: 0, backends: [evil], gpu: evil, memoryBytes: 1, labels: { [evil]: evil } };
  twin.agents.push({ ...agent, version: evil, heardMs: 0, draining: false, allowsCommands: true, allowsModules: false } as never);
  const commands = [
    ["ls"],
    ["ls", "--json"],
    ["agents"],
    ["agents", "--json"],
    ["show", kept],
    ["show", kept, "--json"],
    ["show", kept, "0"],
    ["show", kept, "0", "--output"],
    ["logs", kept, "0"],
    ["logs", kept, "0", "--json"],
    ["best", kept],
    ["export", kept],
    ["export", kept, "--format", "csv"],
    ["export", kept, "--format", "csv", "--measurements"],
    ["artifact", kept, "0"],
    ["watch", kept],
    ["watch", kept, "--json"],
    ["show", evil.replace("a", "x")],
    ["show", kept, "0", evil],
  ];
  for (const words of commands) {
    const { stdout, stderr } = await regulus([...words, "-c", twin.address]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/, words.join(" "));
    assert.ok((stdout + stderr).length > 0, words.join(" "));
  }
});

/** A sample search in the twin, its trials changed. Its id. */
function addSample(twin: CoordinatorTwin, change: (trial: Trial) => Trial): string {
  const { trials, facts, search } = sampleSearch(options);
  const counts: Search["counts"] = { pending: 0, running: 0, paused: 0, done: 28, stopped: 0, failed: 2 };
  const kept = twin.add(search.searchId, spec, { ...search, counts });
  kept.facts.push(...facts);
  kept.exported.push(
    ...trials.map(({ trial, measurements }) => ({ trial: trial === undefined ? trial : change(trial), measurements })),
  );
  return search.searchId;
}
