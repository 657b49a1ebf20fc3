/** The `regulus` command inside the test's own process: the same arguments, outputs and exit code as those of a process of its own, in milliseconds. */
import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
import { main } from "../cli/main.js";
import type { Ended } from "./run-command.js";

export interface InsideOptions {
  /** What it reads on standard input. */
  readonly input?: string | undefined;
  /** A terminal of this size behind standard output and standard error; absent for pipes. */
  readonly terminal?: { readonly columns: number; readonly rows: number } | undefined;
}

let isRunning = false;

/** Runs one command line to its end. One at a time, since the streams and the exit code belong to the process. */
export async function regulus(args: readonly string[], { input = "", terminal }: InsideOptions = {}): Promise<Ended> {
  assert.ok(!isRunning, "one command at a time");
  isRunning = true;
  const [stdout, stderr] = [new Sink(terminal), new Sink(terminal)];
  const before = (["stdout", "stderr", "stdin"] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const,
  );
  const put = (name: string, value: unknown) => Object.defineProperty(process, name, { value, configurable: true });
  put("stdout", stdout);
  put("stderr", stderr);
  put("stdin", Readable.from([Buffer.from(input)]));
  // The test runner keeps its own result there.
  const { exitCode } = process;
  process.exitCode = undefined;
  // Whatever the tests themselves are run with, what a command writes has no colours.
  const colours = process.env.NO_COLOR;
  process.env.NO_COLOR = "1";
  try {
    const code = await main(["node", "regulus", ...args]);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    for (const [name, descriptor] of before) Object.defineProperty(process, name, descriptor ?? assert.fail());
    process.exitCode = exitCode;
    if (colours === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = colours;
    isRunning = false;
  }
}

/** Keeps what is written. */
class Sink extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  readonly #pieces: Buffer[] = [];

  constructor(terminal: InsideOptions["terminal"]) {
    super();
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns;
    this.rows = terminal?.rows;
  }

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.#pieces.push(piece);
    done();
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString("utf8");
  }
}
