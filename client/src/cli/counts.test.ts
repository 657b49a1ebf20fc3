/** Where there is one of everything, no answer of the command says "1 trials". */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, type Trial } from "@regulus/proto";
import { startTwin } from "../testing/coordinator-twin.js";
import { regulus } from "../testing/run-command.js";
import { sampleSearch, sampleSpec } from "../testing/sample-search.js";

const options = { seed: 5, strategy: "random", trials: 1, stepsPerTrial: 1, measurementsPerTrial: 1 } as const;
/** "1 steps"; a unit such as "1 s" and a noun that ends in "ss" are right. */
const wrongNumber = /(?<![\d.,/-])1 (?:more )?(?!\w*ss\b)[a-z]{2,}s\b/g;

test("one of each is reported in the singular", async (t) => {
  const twin = await startTwin(t);
  const folder = mkdtempSync(join(tmpdir(), "regulus-counts-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { trials, facts, search } = sampleSearch(options);
  const spec = { ...sampleSpec(options), control: { share: 0.5 } };
  const sha256 = createHash("sha256").update("x").digest("hex");
  const arm = { trials: 1, steps: 1, bestTrial: 0, bestValue: 0.5 };
  const artifacts = [{ kind: "image", sha256, size: 1 }];
  const kept = twin.add(search.searchId, spec, {
    ...search,
    counts: { pending: 0, running: 0, paused: 0, done: 1, stopped: 0, failed: 0 },
    steps: 1,
    arms: [
      { name: "", ...arm },
      { name: "control", ...arm },
    ],
    strategyStepsAccepted: 1,
    failureGroups: [{ reason: "END_REASON_LOST", message: "away", trials: 1, firstTrial: 0 }],
  });
  kept.facts.push(...facts);
  kept.exported = trials.map(({ trial, measurements }) => ({
    trial: { ...(trial ?? assert.fail()), artifacts, checkpoint: artifacts[0] } satisfies Trial,
    measurements,
  }));
  twin.artifacts.set(sha256, Buffer.from("x"));
  twin.outputs.set(`${search.searchId}/0`, { text: "line\n", ended: true, attempt: 1 });
  const agent = { agentId: "a1", slots: 1, backends: ["cpu"], memoryBytes: 1, heardMs: Date.now(), allowsCommands: true };
  twin.agents.push(Agent.fromPartial(agent));
  const file = join(folder, "image.png");
  const page = join(folder, "report.html");
  for (const words of [
    ["ls"],
    ["show", search.searchId],
    ["show", search.searchId, "0"],
    ["agents"],
    ["artifact", search.searchId, "0"],
    ["artifact", search.searchId, "0", "image", "-o", file],
    ["export", search.searchId, "-o", join(folder, "all.jsonl")],
    ["doctor"],
    ["watch", search.searchId],
    ["report", search.searchId, "-o", page],
  ]) {
    const { stdout, stderr, code } = await regulus([...words, "-c", twin.address]);
    assert.ok(words[0] === "doctor" || code === 0, `${words.join(" ")}: ${stderr}`);
    assert.deepEqual((stdout + stderr).match(wrongNumber), null, `${words.join(" ")}:\n${stdout}${stderr}`);
  }
  const shown = readFileSync(page, "utf8")
    .replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, "")
    .replaceAll(/<[^>]+>/g, " ");
  assert.deepEqual(shown.match(wrongNumber), null);
});
