// Runs every compiled test with Node's own test runner: `npm test`, or `npm test -- strategies` for files whose path holds a word.
//   npm test -- --shuffle=SEED    the files in a random order, to find tests that pass by luck
//   npm test -- --load=N          beside N processes that keep a core busy each, to find tests that count on a free machine
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

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
const load = Array.from({ length: busyProcesses }, () => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
const result = spawnSync(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    "--test-concurrency=2",
    `--test-timeout=${fileTimeoutMs}`,
    "--test-reporter=spec",
    ...flags,
    ...files,
  ],
  { stdio: "inherit" },
);
for (const busy of load) busy.kill("SIGKILL");
process.exit(result.status ?? 1);

function numberOf(option) {
  const flag = process.argv.find((word) => word.startsWith(`--${option}=`));
  if (flag === undefined) return undefined;
  const seen = flag.slice(option.length + 3);
  if (/^\d+$/.test(seen)) return Number(seen);
  console.error(`--${option} expects a whole number, saw ${seen}`);
  process.exit(2);
}
