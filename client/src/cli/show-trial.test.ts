/** What `regulus show SEARCH TRIAL` tells of a program that failed. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Fact, type Trial } from "@regulus/proto";
import { startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-command.js";
import { sampleSearch, sampleSpec } from "../testing/sample-search.js";

const options = { seed: 5, strategy: "random", trials: 2, stepsPerTrial: 20, measurementsPerTrial: 2 } as const;
const traceback = [
  "Traceback (most recent call last):",
  '  File "/w/train.py", line 7, in <module>',
  "    fit()",
  "ValueError: shapes differ:",
  "\tseen 3",
];
const message = ["the program ended with code 1; its last lines:", ...traceback].join("\n");

/** `show` of a trial whose attempts ended with this message, beside this output. */
async function showFailed(t: TestContext, output: string): Promise<string[]> {
  const twin = await startTwin(t);
  const { search, trials } = sampleSearch(options);
  twin.add(search.searchId, sampleSpec(options), search);
  const [first] = trials.map(({ trial }): Trial => ({ ...(trial ?? assert.fail()), message, reason: "END_REASON_USER_ERROR" }));
  (twin.searches.get(search.searchId) ?? assert.fail()).exported = [{ trial: first ?? assert.fail(), measurements: [] }];
  const lost = ["the program was ended by SIGKILL; its last lines:", "  half", "    done"].join("\n");
  const tell = (kind: NonNullable<Fact["kind"]>) => twin.tell(search.searchId, Fact.fromPartial({ kind }).kind ?? assert.fail());
  tell({ $case: "attemptEnded", value: { trial: 0, attempt: 1, reason: "END_REASON_LOST", message: lost } as never });
  tell({ $case: "trialEnded", value: { trial: 0, attempt: 2, reason: "END_REASON_USER_ERROR", message } as never });
  if (output !== "") twin.outputs.set(`${search.searchId}/0`, { text: output, ended: true, attempt: 2 });
  const { stdout, stderr, code } = await regulus(["show", search.searchId, "0", "-c", twin.address]);
  assert.equal(code, 0, stderr);
  return stdout.split("\n");
}

const times = (lines: readonly string[], text: string) => lines.filter((line) => line.endsWith(text)).length;

test("every line that a program printed last is reported once, with its indentation, where its output is shown", async (t) => {
  const lines = await showFailed(t, `  warming up\n\n${traceback.join("\n")}\n`);
  const at = lines.indexOf("Its program wrote:");
  assert.deepEqual(lines.slice(at + 1, -1), ["    warming up", "", ...traceback.map((line) => `  ${line}`)]);
  for (const line of traceback) assert.equal(times(lines, line), 1, line);
  assert.ok(lines.some((line) => /^message +the program ended with code 1; its last lines are below$/.test(line)));
});

test("without its output the message has them, once, and another attempt's message keeps its own lines", async (t) => {
  const lines = await showFailed(t, "");
  for (const line of [...traceback, "  half", "    done"]) assert.equal(times(lines, line), 1, line);
  const columns = traceback.map((line) => (lines.find((one) => one.endsWith(line)) ?? assert.fail()).length - line.length);
  assert.equal(new Set(columns).size, 1, "all lines begin at one column, so that their indentation is to be seen");
});
