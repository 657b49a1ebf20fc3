/**
 * The package that `npm run pack` makes, used from an empty folder: the command runs a search, a user's workload and client compile against its
 * types. The dependencies are this repository's own, linked into place; `npm run try-package` installs them from the registry instead.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { root, scratch } from "./cluster/index.js";
import { runUserPrograms } from "./package/user-programs.js";

const run = promisify(execFile);
const processMs = 120_000;

test("the packed package runs a user's typed workload and client from an empty folder", async () => {
  const folder = scratch("package");
  try {
    const installed = join(folder.path, "node_modules/regulus");
    await run("node", [join(root, "scripts/pack.mjs"), folder.path], { timeout: processMs });
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
    cpSync(join(root, "examples/typescript"), folder.path, { recursive: true });
    writeFileSync(join(folder.path, "package.json"), '{ "type": "module" }');
    await run("mkdir", ["node_modules"], { cwd: folder.path });
    await run("tar", ["xzf", `regulus-${version}.tgz`, "-C", "node_modules"], { cwd: folder.path });
    renameSync(join(folder.path, "node_modules/package"), installed);
    symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
    symlinkSync(join(root, "node_modules/@types"), join(folder.path, "node_modules/@types"));

    assert.deepEqual(await typeErrors(folder.path), []);
    await runUserPrograms({ folder: folder.path, regulus: join(installed, "client/bin/regulus.js") });

    const wrong = readFileSync(join(folder.path, "stripes.ts"), "utf8").replace("units: 8", "unit: 8");
    writeFileSync(join(folder.path, "stripes.ts"), wrong);
    assert.match((await typeErrors(folder.path)).join("\n"), /stripes\.ts.*'unit' does not exist/);
    // What rooms export to each other stays inside the package.
    const inner = pathToFileURL(join(installed, "algorithms/dist/strategies/index.js")).href;
    assert.ok("strategies" in (await import(inner)));
    await assert.rejects(
      run("node", ["-e", 'await import("regulus/algorithms/dist/strategies/index.js")', "--input-type=module"], {
        cwd: folder.path,
      }),
      /ERR_PACKAGE_PATH_NOT_EXPORTED/,
    );
  } finally {
    folder.remove();
  }
});

/** Lines of the compiler about the user's files and the package's own types; what lies below other packages' names is theirs. */
async function typeErrors(folder: string): Promise<readonly string[]> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run("node", [compiler, "-p", ".", "--skipLibCheck", "false", "--pretty", "false"], {
    cwd: folder,
    timeout: processMs,
    maxBuffer: 64 * 1024 * 1024,
  }).catch((failed: { stdout: string }) => failed);
  return stdout.split("\n").filter((line) => /^(node_modules\/regulus\/(?!node_modules)|[\w-]+\.ts)/.test(line));
}
