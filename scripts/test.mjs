// Runs every compiled test with Node's own test runner: `npm test`, or `npm test -- strategies` for files whose path holds a word.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const rooms = ["proto", "algorithms", "coordinator", "agent", "client", "bench", "test"];
const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const flags = process.argv.slice(2).filter((word) => word.startsWith("--"));

const files = rooms
  .flatMap((room) => readdirSync(join(room, "dist"), { recursive: true }).map((file) => join(room, "dist", file)))
  .filter((file) => file.endsWith(".test.js"))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

if (files.length === 0) {
  console.error(`no test file matches ${words.join(" ")}`);
  process.exit(2);
}
const servers = spawnSync(process.execPath, ["scripts/servers.mjs"], { stdio: "inherit" });
if (servers.status !== 0) process.exit(1);
/** A file that hangs, as one does whose failed test leaves a server open, is ended after this time; the slowest takes about one minute. */
const fileTimeoutMs = 480_000;
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
process.exit(result.status ?? 1);
