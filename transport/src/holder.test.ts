import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { livingHolder } from "./holder.js";

const root = mkdtempSync(join(tmpdir(), "regulus-holder-"));
after(() => rmSync(root, { recursive: true, force: true }));
const file = join(root, "lock");
const hasProc = existsSync("/proc/self/stat");

/** Starts a program, waits for its first line and answers that. */
async function started(t: TestContext, program: string, args: readonly string[]): Promise<{ pid: number; line: string }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [data] = await once(child.stdout, "data");
  return { pid: child.pid ?? assert.fail("it has started"), line: String(data) };
}

test("a process that wrote its own words holds the file while it lives, and its number is not enough", async (t) => {
  const module = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), "holder.js")).href;
  const code = `const { holderWords } = await import(${JSON.stringify(module)}); process.stdout.write(holderWords()); setInterval(() => {}, 1e6);`;
  const { pid, line } = await started(t, process.execPath, ["--input-type=module", "-e", code]);
  writeFileSync(file, line);
  assert.equal(livingHolder(file)?.pid, pid);
  if (hasProc) {
    assert.match(livingHolder(file)?.command ?? "", /holderWords/);
    writeFileSync(file, `${pid} 1\n`);
    assert.equal(livingHolder(file), undefined, "another process had this number before");
  }
  process.kill(pid, "SIGKILL");
  writeFileSync(file, line);
  while (livingHolder(file) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("a process that ended and that nobody asked for its result holds nothing", {
  skip: hasProc ? false : "this system has no /proc",
}, async (t) => {
  // The shell gives its place to a program that never waits for its children.
  const { line } = await started(t, "sh", ["-c", 'node -e "setInterval(() => {}, 1e6)" & echo $!; exec sleep 1000']);
  const pid = Number(line);
  writeFileSync(file, line);
  process.kill(pid, "SIGKILL");
  while (livingHolder(file) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(readFileSync(`/proc/${pid}/stat`, "utf8"), /\) Z /, "it is still there");
});

test("nothing holds a file that is absent, names no process, this one, or a program that is none of ours", async (t) => {
  assert.equal(livingHolder(join(root, "absent")), undefined);
  const { pid } = await started(t, "sh", ["-c", "echo 1; while sleep 0.1; do :; done"]);
  for (const text of ["", "-1\n", "0\n", "no number", `${process.pid}\n`, ...(hasProc ? [`${pid}\n`] : [])]) {
    writeFileSync(file, text);
    assert.equal(livingHolder(file), undefined, text);
  }
});
