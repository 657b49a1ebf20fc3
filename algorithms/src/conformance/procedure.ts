/**
 * Conformance suite of a procedure, as the agent's loop needs it: steps count one by one, measuring and saving change nothing, a session ends by itself
 * where no step was given, and a checkpoint that is damaged, foreign or from a newer version is refused by its code.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RegulusError } from "@regulus/proto";
import { checkpointVersion, decodeCheckpoint, encodeCheckpoint } from "../training/state/checkpoint.js";
import { openCase, stepTo, type TrialCase } from "./attempt.js";

/** Registers the suite with node's test runner. @param trial ends by itself within ten steps. */
export function describeProcedure(trial: TrialCase): void {
  describe(`procedure ${trial.procedure}`, () => {
    it("counts steps, and measuring and saving change nothing", async () => {
      const [watched, alone] = [await openCase(trial), await openCase(trial)];
      assert.equal(watched.stepsDone, 0);
      for (let step = 1; step <= 6; step++) {
        await stepTo(watched, step);
        assert.equal(watched.stepsDone, step);
        const first = await watched.measure();
        await watched.save();
        assert.deepEqual(await watched.measure(), first);
        assert.equal(first.step, step);
      }
      await stepTo(alone, 6);
      assert.deepEqual(await alone.save(), await watched.save());
      watched.close();
      alone.close();
    });

    it("ends by itself where no step is given, and never before a given one", async () => {
      const free = await openCase(trial);
      while (!free.ended) await free.step();
      assert.ok(free.stepsDone >= 1 && free.stepsDone <= 10);
      const bound = await openCase({ ...trial, untilStep: free.stepsDone + 1 });
      await stepTo(bound, free.stepsDone);
      assert.equal(bound.ended, false);
      free.close();
      bound.close();
    });

    it("refuses checkpoints that are damaged, foreign or newer", async () => {
      const session = await openCase(trial);
      await session.step();
      const bytes = await session.save();
      session.close();
      const newer = Uint8Array.from(bytes);
      newer[4] = checkpointVersion + 1;
      const foreign = encodeCheckpoint({ ...decodeCheckpoint(bytes, trial.procedure), procedure: "another" });
      await refuses(trial, bytes.subarray(0, bytes.length - 1), "data-loss");
      await refuses(trial, Uint8Array.of(1, 2, 3), "data-loss");
      await refuses(trial, newer, "failed-precondition");
      await refuses(trial, foreign, "failed-precondition");
    });

    it("refuses options that it does not know", async () => {
      const unknown = openCase({ ...trial, options: { ...trial.options, nonsense: 1 } });
      const refused = (error: unknown) =>
        error instanceof RegulusError && error.code === "invalid-argument" && /nonsense/.test(error.message);
      await assert.rejects(unknown, refused);
    });
  });
}

async function refuses(trial: TrialCase, checkpoint: Uint8Array, code: string): Promise<void> {
  await assert.rejects(openCase(trial, checkpoint), (error) => error instanceof RegulusError && error.code === code);
}
