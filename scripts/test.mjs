// Runs every compiled test with Node's own test runner: `npm test`, or `npm test -- strategies` for files whose path holds a word.
//   npm test -- --shuffle=SEED    the files in a random order, to find tests that pass by luck
//   npm test -- --load=N          beside N processes that keep a core busy each, to find tests that count on a free machine
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const rooms = ["proto", "transport", "algorithms", "coordinator", "agent", "client", "bench", "test"];
const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const flags = process.argv.slice(2).filter((word) => word.startsWith("--") && !/^--(shuffle|load)=/.test(word));
const shuffleSeed = numberOf("shuffle");
const busyProcesses = numberOf("load") ?? 0;

const files = rooms
  .flatMap((room) => readdirSync(join(room, "dist"), { recursive: true }).map((file) => join(room, "dist", file)))
  .filter((file) => file.endsWith(".test.js"))
  // What a moved or removed source left in dist is no test any more.
  .filter((file) => existsSync(file.replace("/dist/", "/src/").replace(/js$/, "ts")))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (shuffleSeed !== undefined) {
  console.log(`test files in the random order of seed ${shuffleSeed}`);
  const order = new Map(files.map((file) => [file, createHash("sha256").update(`${shuffleSeed} ${file}`).digest("hex")]));
  files.sort((a, b) => (order.get(a) < order.get(b) ? -1 : 1));
}

if (files.length === 0) {
  console.error(`no test file matches ${words.join(" ")}`);
  process.exit(2);
}
const servers = spawnSync(process.execPath, ["scripts/servers.mjs"], { stdio: "inherit" });
if (servers.status !== 0) process.exit(1);
/** A file that hangs, as one does whose failed test leaves a server open, is ended after this time; the slowest takes about one minute. */
const fileTimeoutMs = 480_000;
const folder = mkdtempSync(join(tmpdir(), "regulus-tests-"));
const load = Array.from({ length: busyProcesses }, () => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
const result = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    "--test-concurrency=3",
    `--test-timeout=${fileTimeoutMs}`,
    "--test-reporter=spec",
    ...flags,
    ...(words.length === 0 ? inGroups(files) : files),
  ],
  { stdio: "inherit" },
);
for (const busy of load) busy.kill("SIGKILL");
rmSync(folder, { recursive: true, force: true });
process.exit(result.status ?? 1);

function numberOf(option) {
  const flag = process.argv.find((word) => word.startsWith(`--${option}=`));
  if (flag === undefined) return undefined;
  const seen = flag.slice(option.length + 3);
  if (/^\d+$/.test(seen)) return Number(seen);
  console.error(`--${option} expects a whole number, saw ${seen}`);
  process.exit(2);
}

/**
 * Some files together in a process, which spares the start of one and the loading of what they import. Those of rooms without tensors, whose backends
 * belong to a process, unless a file has hooks outside a suite, which would run for its neighbours' tests too, or begins programs or changes its own.
 */
function inGroups(files) {
  const filesOfGroup = 10;
  const own =
    /^(before|beforeEach|afterEach)\(|process\.(env|exitCode|chdir|kill|once?\()|syncBuiltinESMExports|child_process|worker_threads|setBackend|mock\./m;
  const together = files.filter(
    (file) =>
      /^(proto|transport|coordinator|algorithms\/dist\/(core|strategies|catalog|settings|diagnostics))\//.test(file) &&
      !own.test(readFileSync(file, "utf8")),
  );
  const groups = [];
  for (let at = 0; at < together.length; at += filesOfGroup) {
    const group = join(folder, `group-${groups.length}.test.mjs`);
    const imports = together.slice(at, at + filesOfGroup).map((file) => `await import("${pathToFileURL(file)}");\n`);
    writeFileSync(group, imports.join(""));
    groups.push(group);
  }
  return [...files.filter((file) => !together.includes(file)), ...groups];
}
