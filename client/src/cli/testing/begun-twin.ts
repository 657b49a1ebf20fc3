/** A coordinator's twin and a folder, for tests of commands. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type CoordinatorTwin, startTwin } from "../../testing/coordinator-twin.js";

export async function begin(t: TestContext): Promise<{ readonly folder: string; readonly twin: CoordinatorTwin }> {
  const folder = mkdtempSync(join(tmpdir(), "regulus-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, twin: await startTwin(t) };
}
