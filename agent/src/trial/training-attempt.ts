/**
 * One attempt of a procedure that trains in this process: finds the procedure, opens its session from the checkpoint, runs the trainer and
 * puts what is saved into files. Used by the trial process; the inline runner has a leaner path of its own.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { GivenInput, ProcedureModule, Session } from "@regulus/algorithms/training";
import { defaults } from "@regulus/proto";
import { checkProcedure, readCheckpoint, writeCheckpoint } from "./checkpoint-file.js";
import { fileSource } from "./file-source.js";
import { type Held, resumeHeld } from "./held-session.js";
import type { Begin, FromTrial, InputFile } from "./messages.js";
import { restoring } from "./restoring.js";
import { type StopReason, type TrainPlan, train } from "./trainer.js";

/** Finds a procedure by its name. Fails with "not-found" where the agent does not know it. */
export type ProcedureFinder = (name: string) => Promise<ProcedureModule>;

/** What an attempt hears from outside. */
export interface Outside {
  stopReason(): StopReason | undefined;
  /** Whether the last checkpoint that was announced is stored. */
  stored(): boolean;
}

/**
 * Works on an attempt to its end. Tells everything by `send`; the last message is "finished". Answers the session where it stays open for
 * the trial's next work. `held` is what the attempt before it answered, and is given only where this one goes on from there.
 */
export async function trainAttempt(
  begin: Begin,
  procedures: ProcedureFinder,
  outside: Outside,
  send: (message: FromTrial) => void,
  held?: Held,
): Promise<Held | undefined> {
  const { work } = begin;
  const earlier = held ?? (begin.checkpoint === "" ? undefined : await restoring(send, () => fromFile(begin)));
  let aliveMs = 0;
  let bytes = earlier?.bytes;
  let savedMs = held?.savedMs ?? performance.now();
  let kept: Session | undefined;
  /** Step at which this attempt saved last; -1 while it has not. */
  let savedStep = -1;
  let seconds = 0;
  let full = false;
  /** Checkpoints so far: each has its own file, since the one before may be on its way to the store. */
  let saves = 0;
  const { results, ...outcome } = await train(
    async () =>
      (held && (await resumeHeld(held, work))) ??
      (await restoring(send, () => openSession(begin, procedures, earlier?.bytes, send))),
    { ...planOf(begin, earlier?.seconds ?? 0), unsavedMs: performance.now() - savedMs },
    {
      stopReason: outside.stopReason,
      alive: (step) => {
        const now = performance.now();
        if (now - aliveMs < begin.aliveEveryMs) return;
        aliveMs = now;
        send({ kind: "alive", step });
      },
      measured: (measurement) => {
        seconds = measurement.seconds;
        send({ kind: "measured", measurement });
      },
      mayBeSaved: outside.stored,
      saved: async (step, trained, content) => {
        [bytes, seconds, savedMs, savedStep] = [content, trained, performance.now(), step];
        saves += 1;
        const path = join(begin.directory, `checkpoint-${saves}`);
        const sha256 = await writeCheckpoint(path, { step, seconds, procedure: work.procedure }, content);
        full = false;
        send({ kind: "saved", step, path, sha256 });
      },
      keep: (session) => {
        kept = session;
      },
      unsaved: (step, { message }) => {
        // Told once for as long as the disk is full.
        if (!full) send({ kind: "found", source: "agent", severity: "warning", message: unsavedWords(step, message) });
        full = true;
      },
    },
  );
  const leaves: { path: string; kind: string }[] = [];
  for (const [index, { kind, bytes }] of results.entries()) {
    const path = join(begin.directory, `result-${index}`);
    await writeFile(path, bytes);
    leaves.push({ path, kind });
  }
  const stays = kept && { session: kept, procedure: work.procedure, bytes, savedMs, seconds };
  send({ kind: "finished", ...outcome, leaves, ...(stays && { stays: savedStep === outcome.step ? "saved" : "ahead" }) });
  return stays;
}

async function fromFile(begin: Begin): Promise<{ bytes: Uint8Array; seconds: number }> {
  const { header, bytes } = await readCheckpoint(begin.checkpoint);
  checkProcedure(header, begin.work.procedure);
  return { bytes, seconds: header.seconds };
}

const unsavedWords = (step: number, seen: string) =>
  `no room on the agent for the checkpoint at step ${step} (${seen}); training continues, and what is lost with this attempt grows`;

/** What the trainer is to do, from the search and its work. */
export function planOf(begin: Pick<Begin, "spec" | "work">, secondsBefore: number): TrainPlan {
  const { spec, work } = begin;
  return {
    untilStep: work.untilStep,
    final: work.final,
    measureEverySteps: spec.reporting?.measureEverySteps ?? 0,
    checkpointEveryMs: spec.reporting?.checkpointEveryMs || defaults.checkpointEveryMs,
    secondsBefore,
    unsavedMs: 0,
    objective: spec.objectives[0]?.metric ?? "",
    userCode: (spec.workload?.module ?? "") !== "",
  };
}

async function openSession(
  begin: Begin,
  procedures: ProcedureFinder,
  checkpoint: Uint8Array | undefined,
  send: (message: FromTrial) => void,
): Promise<Session> {
  const procedure = await procedures(begin.work.procedure);
  const found = (severity: "info" | "warning" | "error", message: string) =>
    send({ kind: "found", source: begin.work.procedure, severity, message });
  const request = { spec: begin.spec, work: begin.work, seed: begin.seed, inputs: await givenInputs(begin.inputs), found };
  return await procedure.open({ ...request, ...(checkpoint && { checkpoint }) });
}

/** What a procedure is given of other trials: files that it reads as it needs them. */
export async function givenInputs(files: readonly InputFile[]): Promise<readonly GivenInput[]> {
  return await Promise.all(files.map(async ({ path, ...rest }) => ({ ...rest, bytes: await fileSource(path) })));
}
