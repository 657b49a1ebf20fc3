/** Programs that tests start as shell scripts, and what was told of them. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after } from "node:test";
import { type ProgramGiven, ProgramRun } from "../../testing/program-run.js";
import { runCommand } from "../command-attempt.js";

export const scratch = ProgramRun.scratch();

after(() => rmSync(scratch, { recursive: true, force: true }));

export interface Running extends ProgramRun {
  readonly over: Promise<void>;
}

export function start(argv: string[], { command, ...given }: ProgramGiven = {}): Running {
  const one = new ProgramRun(scratch, { ...given, command: { argv, stopGraceMs: 60_000, ...command } });
  return Object.assign(one, { over: runCommand(one.begin, one.outside, one.send) });
}

/** Runs a program to its end. */
export async function run(argv: string[], given: ProgramGiven = {}) {
  const one = start(argv, given);
  await one.over;
  return one;
}

export const script = (text: string) => ["sh", "-c", text];

export const lines = (...texts: readonly object[]) => texts.map((one) => `echo '${JSON.stringify(one)}'`).join("; ");

export const saves = (step: number) => `echo ${step} > "$REGULUS_CHECKPOINT_DIR/weights"; ${lines({ checkpoint: step })}`;

/** Waits until a process is no more, or nobody has asked for its end; a kill needs a moment to take effect. */
export async function gone(pid: number): Promise<void> {
  assert.ok(pid > 1);
  const isThere = () => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
      return false;
    }
  };
  for (let tries = 0; isThere(); tries += 1) {
    assert.ok(tries < 3000, `process ${pid} lives on`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
