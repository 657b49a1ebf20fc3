/** What a user does with an installed package: starts a cluster, submits a search by a client program, reads the result by the command. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);
const commandMs = 120_000;
const readyShape = z.object({ address: z.string() });

export interface Installed {
  /** Where the compiled programs of `examples/typescript` lie. */
  readonly folder: string;
  /** The file of the `regulus` command. */
  readonly regulus: string;
}

/** Runs the search of `examples/typescript` from its folder. Fails where its trials measure nothing finite. */
export async function runUserPrograms({ folder, regulus }: Installed): Promise<void> {
  const flags = ["--json", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--allow-modules", "."];
  const up = spawn("node", [regulus, "up", ...flags], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(up, "exit");
  try {
    const [line] = await Promise.race([
      once(createInterface({ input: up.stdout }), "line"),
      gone.then(([code]) => Promise.reject(new Error(`regulus up ended with ${code}`))),
    ]);
    const { address } = readyShape.parse(JSON.parse(String(line)));
    const { stdout } = await run("node", ["submit.js", address], { cwd: folder, timeout: commandMs });
    const losses = z.array(z.number()).length(2).parse(JSON.parse(stdout));
    const best = await run("node", [regulus, "best", "stripes", "--coordinator", address], { cwd: folder, timeout: commandMs });
    assert.match(best.stdout, new RegExp(`validLoss +${Math.min(...losses)}`));
  } finally {
    up.kill("SIGTERM");
    await gone;
  }
}
