/** A program that saves into a folder as its test says, and what was packed of it. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Direction } from "@regulus/proto";
import type { FromTrial } from "../../trial/messages.js";
import { ProgramCheckpoints } from "../program-checkpoints.js";

export const root = mkdtempSync(join(tmpdir(), "regulus-packing-"));

after(() => rmSync(root, { recursive: true }));

export let runs = 0;

/** A program's run in a folder of its own, with what was sent of it. */
export function begin(everyMs: number, resumedStep = 0, direction: Direction = Direction.DIRECTION_MAXIMIZE) {
  runs += 1;
  const directory = join(root, String(runs));
  const folder = join(directory, "checkpoint");
  mkdirSync(folder, { recursive: true });
  const sent: FromTrial[] = [];
  const store = { has: true };
  const whenMoved = { call: (): void => undefined };
  const checkpoints = new ProgramCheckpoints({
    directory,
    folder,
    everyMs,
    resumedStep,
    objective: { direction },
    header: (step) => ({ step, seconds: 0, procedure: "command" }),
    stored: () => store.has,
    moved: () => whenMoved.call(),
    send: (message) => {
      sent.push(message);
      if (message.kind === "saved") store.has = false;
    },
  });
  const saved = () => sent.flatMap((message) => (message.kind === "saved" ? [message] : []));
  const found = () => sent.flatMap((message) => (message.kind === "found" ? [message.message] : []));
  const isStored = () => {
    store.has = true;
    checkpoints.look();
  };
  return { directory, folder, checkpoints, saved, found, isStored, whenMoved };
}

/** 200 kB of one number, so that half of one and half of another shows. */
export const contentOf = (step: number) => `${step}\n`.repeat(200_000 / `${step}\n`.length);

export function save(folder: string, step: number, how: "beside" | "in place"): void {
  for (const name of ["weights", "optimizer"]) {
    const path = join(folder, name);
    if (how === "in place") writeFileSync(path, contentOf(step));
    else {
      writeFileSync(`${path}.new`, contentOf(step));
      renameSync(`${path}.new`, path);
    }
  }
}

export const soon = () => new Promise((resolve) => setImmediate(resolve));

/** Longer than the clock of files takes from one tick to the next, with nothing else going on meanwhile. */
export const stall = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);

/** Waits until what was announced is frozen, and one snapshot at most is left. */
export async function settled(directory: string): Promise<void> {
  const frozen = () => readdirSync(directory).filter((name) => name.startsWith("frozen-"));
  for (let quiet = 0, before = ""; quiet < 20; ) {
    await soon();
    const now = frozen().join();
    quiet = now === before && frozen().length <= 1 ? quiet + 1 : 0;
    before = now;
  }
}
