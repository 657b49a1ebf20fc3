/** A program's output as a file of its attempt, whatever the program did to the folder. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FromTrial } from "../trial/messages.js";
import type { OutputRing } from "./output-ring.js";

type Leaves = Extract<FromTrial, { kind: "finished" }>["leaves"];

/** Nothing where it printed nothing. Where it can't be written, a warning says so: the trial's numbers count all the same. */
export async function leaveOutput(directory: string, output: OutputRing, send: (message: FromTrial) => void): Promise<Leaves> {
  if (output.totalBytes === 0) return [];
  const path = join(directory, "output.txt");
  try {
    await mkdir(directory, { recursive: true });
    // A link or a folder of this name would be the program's.
    await rm(path, { recursive: true, force: true });
    await writeFile(path, output.contents(), { flag: "wx" });
    return [{ path, kind: "output" }];
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    send({
      kind: "found",
      source: "agent",
      severity: "warning",
      message: `the program's output could not be kept: ${words}`,
    });
    return [];
  }
}
