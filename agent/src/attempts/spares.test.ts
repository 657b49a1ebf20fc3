/** When a spare is prepared. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { testLease, testSpec } from "../testing/test-agent.js";
import { Spares } from "./spares.js";

const kind = { backend: "cpu", memoryBytes: 2 ** 28 };

/** Takes a process on a machine with `idle(look)` idle cores, and answers after how many looks there was a second process. */
async function looksUntilSpare(looksMax: number, idle: (look: number) => number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "spares-"));
  const main = join(folder, "main.mjs");
  writeFileSync(
    main,
    `import { writeFileSync } from "node:fs";
    writeFileSync(new URL(\`./\${process.pid}\`, import.meta.url), "");
    process.on("disconnect", () => process.exit());
    setInterval(() => {}, 1000);`,
  );
  let looks = 0;
  const watch = () => () => idle(++looks);
  const spares = new Spares(pathToFileURL(main), undefined, { watch, lookEveryMs: 5, looksMax });
  const { work } = testLease(0);
  assert.ok(work !== undefined);
  const taken = spares.take(kind, { spec: testSpec(), work, seed: 1 });
  try {
    // The spare is the one process that is not ours and that nothing else tells of: it has left its mark.
    const marks = () => readdirSync(folder).filter((name) => name !== "main.mjs" && name !== `${taken.child.pid}`);
    while (marks().length === 0) await sleep(5);
    return looks;
  } finally {
    taken.child.kill("SIGKILL");
    spares.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a spare is prepared at the first look that finds a core idle, and not before", async () => {
  assert.equal(await looksUntilSpare(1_000_000, (look) => (look < 4 ? 0.4 : 1)), 4);
});

test("on a machine whose cores are never idle a spare is prepared all the same, after so many looks", async () => {
  assert.equal(await looksUntilSpare(7, () => 0), 7);
});
