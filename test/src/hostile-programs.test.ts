/**
 * Whatever programs print and leave in their checkpoint folders, on real processes with the limits that users have: each trial ends as its last
 * line says, and the agent keeps its connection, which other searches' trials share.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "@regulus/client";
import { EndReason, type Fact, limits, parseSearchDocument } from "@regulus/proto";
import fc from "fast-check";
import { scratch, startProgram } from "./cluster/index.js";

const seed = 20261201;
const programs = 16;

/** JSON that is no measurement, or one past what a report may hold. */
const value = fc.oneof(
  fc.constantFrom("1764590000000", "9007199254740991", "1e300", "-1", '"\\ud800"', `${"[".repeat(5000)}${"]".repeat(5000)}`),
  fc.constantFrom("0.5", "null", '"warm"', "{}", "true"),
);
const name = fc.constantFrom("step", "checkpoint", "metrics", "validLoss", "a\u0000b", "\ud800", "__proto__", "x".repeat(200));
const line = fc.oneof(
  fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 4 }).map((fields) => {
    return `{${fields.map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ")}}`;
  }),
  fc.string({ unit: "binary" }),
);
/** What a program does in its checkpoint folder, in the words of a shell. */
const act = fc.constantFrom(
  "echo a > a && ln -sf a newest && ln -f a zbest",
  "mkdir -p deep/er && echo b > deep/er/b && ln -sf /etc/hostname host && ln -sf ../.. up",
  "mkfifo pipe || true",
  `touch "$(printf 'line\\nend')" "$(printf '\\377')"`,
  'cd .. && rm -rf "$REGULUS_CHECKPOINT_DIR" && ln -s /etc "$REGULUS_CHECKPOINT_DIR"',
  'cd .. && rm -rf "$REGULUS_CHECKPOINT_DIR" && echo file > "$REGULUS_CHECKPOINT_DIR"',
);
const program = fc.record({ lines: fc.array(line, { maxLength: 8 }), acts: fc.array(act, { maxLength: 3 }) });

test("no program costs an agent its connection or its own trial its end", async () => {
  const folder = scratch("hostile-programs");
  for (const [index, { lines, acts }] of fc.sample(program, { seed, numRuns: programs }).entries()) {
    writeFileSync(join(folder.path, `${index}.txt`), `${lines.join("\n")}\n`);
    const doing = acts.map((one) => `(cd "$REGULUS_CHECKPOINT_DIR" && ${one}) 2>/dev/null`).join("\n");
    const said = `cat ${folder.path}/${index}.txt\n${doing}\necho '{"checkpoint": ${limits.stepMax}}'`;
    writeFileSync(join(folder.path, `${index}.sh`), `${said}\necho '{"step": ${limits.stepMax}, "validLoss": 0.25}'\n`);
  }
  const coordinator = await startProgram("coordinator", [
    ...["--listen", "127.0.0.1:0", "--metrics-listen", "off", "--data", `${folder.path}/coordinator`, "--log-level", "warn"],
  ]);
  const address = coordinator.ready.address ?? "";
  const agent = await startProgram("agent", [
    ...["--coordinator", address, "--slots", "4", "--backend", "cpu", "--data", `${folder.path}/agent`, "--allow-commands"],
    ...["--log-level", "info"],
  ]);
  try {
    const client = connect(address);
    const spec = parseSearchDocument({
      name: "hostile",
      objective: { metric: "validLoss" },
      strategy: "random",
      space: { x: { type: "double", min: 0, max: 1 } },
      command: { argv: ["sh", "-c", `sh ${folder.path}/$REGULUS_TRIAL.sh`] },
      budget: { trials: programs },
      parallelism: 4,
    });
    const { searchId } = await client.createSearch({ spec, idempotencyKey: "hostile" });
    const facts: Fact[] = [];
    for await (const piece of client.watchSearch(searchId)) facts.push(...piece.facts);
    client.close();
    const ends = facts.flatMap(({ kind }) => (kind?.$case === "trialEnded" ? [kind.value] : []));
    assert.equal(ends.length, programs);
    for (const { trial, reason, message, final } of ends) {
      const words = `trial ${trial}: ${message} (${folder.path}/${trial}.sh)`;
      assert.equal(reason, EndReason.END_REASON_DONE, words);
      assert.equal(final?.metrics.validLoss, 0.25, words);
    }
    const attempts = facts.filter(({ kind }) => kind?.$case === "attemptStarted");
    assert.equal(attempts.length, programs, "no attempt was lost");
    assert.equal(agent.log().match(/"registered with the coordinator"/g)?.length, 1, agent.log());
    assert.doesNotMatch(agent.log(), /refused this agent|no connection/);
  } finally {
    await agent.kill();
    await coordinator.kill();
    folder.remove();
  }
});
