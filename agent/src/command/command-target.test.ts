/** Programs at and past their target: when they are asked to stop, when they are stopped, and what counts as their end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gone, lines, run, saves, script, start } from "./testing/started-program.js";

test("a program is asked to stop and ends by itself; one that will not is killed with all that it started", async () => {
  const polite = start(script(`trap "echo bye; exit 3" TERM; ${lines({ step: 3, validLoss: 1 })}; while :; do sleep 0.05; done`));
  await polite.measured();
  polite.stop("stopped-early");
  await polite.over;
  const { reason, message, step, printed } = polite.end;
  assert.deepEqual([reason, message, step], ["stopped-early", "", 3]);
  assert.match(printed, /bye/);
  const stubborn = start(
    script('trap "" TERM; sleep 300 & echo "{\\"step\\": $!, \\"validLoss\\": 1}"; while :; do sleep 0.05; done'),
    { work: { untilStep: 0 }, command: { stopGraceMs: 300 } },
  );
  await stubborn.measured();
  const child = stubborn.all("measured")[0]?.measurement.step ?? 0;
  const [{ group } = { group: 0 }] = stubborn.all("program");
  assert.equal(process.kill(-group, 0), true);
  stubborn.stop("preempted");
  await stubborn.over;
  assert.equal(stubborn.end.reason, "preempted");
  assert.match(stubborn.end.message, /did not end in its grace after SIGTERM and was killed/);
  await gone(child);
});

test("lines of one step are one measurement, a lower step is left out with a warning, and a last line may lack the objective", async () => {
  const one = await run(
    script(
      lines(
        { step: 1, trainLoss: 2 },
        { step: 1, validLoss: 3 },
        { step: 2, validLoss: 1 },
        { step: 2, metrics: { trainLoss: 4 } },
        { step: 1, validLoss: 0 },
        { step: 0, validLoss: 0 },
        { step: 3, trainLoss: 5, phase: "end", isLast: true },
      ),
    ),
  );
  const { reason, message, step, final } = one.end;
  assert.deepEqual([reason, message, step, final?.metrics], ["done", "", 3, { trainLoss: 5, isLast: 1 }]);
  assert.deepEqual(
    [...new Map(one.all("measured").map(({ measurement }) => [measurement.step, measurement.metrics]))],
    [
      [1, { trainLoss: 2, validLoss: 3 }],
      [2, { validLoss: 1, trainLoss: 4 }],
      [3, { trainLoss: 5, isLast: 1 }],
    ],
  );
  const [lower, text, count] = one.findings;
  assert.match(lower ?? "", /a line is left out: \{"step":1,"validLoss":0\}; expected a step of at least 2/);
  assert.match(text ?? "", /"phase" is "end"/);
  assert.match(count ?? "", /2 lines in all are left out/);
});

/** Counts steps for ever, each with the objective, and does `more` in each. */
const runsOn = (more = "") =>
  script(`n=0; while :; do n=$((n+1)); echo "{\\"step\\": $n, \\"validLoss\\": $n}"; ${more} sleep 0.02; done`);

test("a program that runs past its target is asked to stop, and its measurement there is its end", async () => {
  const one = await run(runsOn(), { work: { untilStep: 3 } });
  const { reason, step, final } = one.end;
  assert.deepEqual([reason, step, final?.metrics, one.all("overran").length], ["done", 3, { validLoss: 3 }, 1]);
  assert.match(
    one.findings.join(),
    /continued to step 4, though REGULUS_UNTIL_STEP told it to end at step 3; .* its measurement at step 3 counts/,
  );
  // One that pauses may measure further: that saves it another attempt.
  const pauses = await run(runsOn(), { work: { untilStep: 3, final: false } });
  assert.equal(pauses.end.reason, "done");
  assert.ok(pauses.end.step > 3);
  assert.deepEqual(
    pauses
      .all("measured")
      .slice(0, 4)
      .map(({ measurement }) => measurement.step),
    [1, 2, 3, 4],
  );
});

test("a program that is known to run past its target, and saves nothing, is stopped there at once and not warned of again", async () => {
  // With its grace alone it would run for longer than this test waits.
  const hangs = script(`${lines({ step: 3, validLoss: 1 })}; exec sleep 300`);
  const given = { work: { untilStep: 3, final: false }, begin: { overruns: true }, command: { stopGraceMs: 300_000 } };
  const one = await run(hangs, given);
  assert.deepEqual([one.end.reason, one.findings, one.all("overran")], ["done", [], []]);
  // One that saves keeps its grace: it may be about to save. A file for each step, so that no checkpoint is written to while it is stored.
  const saving = await run(runsOn('echo x > "$REGULUS_CHECKPOINT_DIR/$n"; echo "{\\"checkpoint\\": $n}";'), given);
  assert.ok(saving.end.step > 3, `ended at step ${saving.end.step}`);
  const [{ path: checkpoint } = { path: "" }] = saving.all("saved");
  const resumed = await run(runsOn(), { ...given, work: { untilStep: 9, final: false }, begin: { ...given.begin, checkpoint } });
  assert.ok(resumed.end.step > 9, "so has one that continues from what it saved");
  assert.deepEqual([saving.findings.filter((words) => /continued/.test(words)), saving.all("overran")], [[], []]);
});

test("a program at its target has its grace to save, and is then asked to stop, even where it ignores that", async () => {
  const slow = script(`${lines({ step: 60, validLoss: 1 })}; sleep 0.1; ${saves(60)}`);
  const keeps = await run(slow, { work: { final: false } });
  assert.deepEqual([keeps.end.reason, keeps.end.step, keeps.all("saved").map(({ step }) => step)], ["done", 60, [60]]);
  const ignores = script(`trap "" TERM; ${lines({ step: 60, validLoss: 1 })}; while :; do sleep 0.05; done`);
  const killed = (await run(ignores, { command: { stopGraceMs: 300 } })).end;
  assert.equal(killed.reason, "done");
  assert.match(killed.message, /did not end in its grace after SIGTERM and was killed/);
});

test("a program that has measured at its target is done, killed or asked to make room", async () => {
  const killed = (await run(script(`${lines({ step: 60, validLoss: 1 })}; kill -9 $$`))).end;
  assert.deepEqual([killed.reason, killed.final?.step], ["done", 60]);
  const preempted = start(script(`${lines({ step: 60, validLoss: 1 })}; exec sleep 300`));
  await preempted.measured();
  preempted.stop("preempted");
  await preempted.over;
  assert.equal(preempted.end.reason, "done");
});
