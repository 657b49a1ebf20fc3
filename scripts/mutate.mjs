// Mutation testing: plants small faults in the sources below PATH, one at a time, and tells which of them the tests notice.
//   npm run mutate -- coordinator/src/plan                     every fault below the folder, by the tests beside it
//   npm run mutate -- coordinator/src/runner --tests runner doors simulation      by compiled tests of the room whose path holds a word
//   npm run mutate -- client/src/report --sample 60 --seed 3   a random sample
// Results stay in reports/mutation-<path>.json, so that a second run asks again only about what changed. Outside `npm test`: it takes minutes.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Instrumenter } from "@stryker-mutator/instrumenter";

/** Texts are left alone: a message with another word in it is no fault in what the code does. */
const excludedMutations = ["StringLiteral"];
/** A mutant that makes a test take this much longer than without it, and twice as long, hangs. */
const timeoutMs = 20_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: "string", multiple: true },
    sample: { type: "string" },
    seed: { type: "string", default: "1" },
    concurrency: { type: "string", default: "2" },
  },
});
const [path, ...moreWords] = positionals;
const room = path?.split("/")[0] ?? "";
if (path === undefined || !existsSync(path) || !path.startsWith(`${room}/src`)) {
  console.error("usage: npm run mutate -- ROOM/src/PATH [--tests WORD ...] [--sample N] [--seed S] [--concurrency N]");
  console.error(`expected a file or folder below a room's src, saw ${path ?? "none"}`);
  process.exit(2);
}

const sources = filesBelow(
  path,
  (file) => /\.ts$/.test(file) && !/\.(test|d)\.ts$/.test(file) && !/\/(testing|gen)\//.test(file),
);
const words = [...(values.tests ?? []), ...moreWords];
const folder = (statSync(path).isDirectory() ? path : path.slice(0, path.lastIndexOf("/"))).replace("/src", "/dist");
const tests = filesBelow(words.length === 0 ? folder : `${room}/dist`, (file) => {
  return file.endsWith(".test.js") && (words.length === 0 || words.some((word) => file.includes(word)));
});
if (tests.length === 0) {
  console.error(
    `no compiled test below ${folder}${words.length === 0 ? "" : ` holds ${words.join(" or ")}`}: npm run build, or --tests WORD`,
  );
  process.exit(2);
}

const mutate = values.sample === undefined ? sources : await sampled(sources, Number(values.sample), Number(values.seed));
mkdirSync("reports", { recursive: true });
const name = path.replaceAll("/", "-").replace(/\.ts$/, "");
const settings = join("reports", `mutation-${name}-settings.json`);
writeFileSync(
  settings,
  JSON.stringify({
    testRunner: "tap",
    plugins: ["@stryker-mutator/tap-runner"],
    mutate,
    mutator: { excludedMutations },
    buildCommand: "npm run -s build",
    tap: { testFiles: tests, nodeArgs: ["--test-reporter=tap", "-r", "{{hookFile}}", "{{testFile}}"], forceBail: true },
    coverageAnalysis: "perTest",
    timeoutMS: timeoutMs,
    timeoutFactor: 2,
    concurrency: Number(values.concurrency),
    incremental: values.sample === undefined,
    incrementalFile: join("reports", `mutation-${name}.json`),
    reporters: ["clear-text", "progress-append-only"],
    clearTextReporter: { allowColor: false, reportTests: false },
    // The compiler of this project is not the one that the tool would read tsconfig.json with.
    tsconfigFile: "none.json",
    disableTypeChecks: `${room}/src/**/*.ts`,
    ignorePatterns: ["dist", "reports", "docs", "deploy"],
    tempDirName: ".mutants",
  }),
);
const result = spawnSync("npx", ["--no-install", "stryker", "run", settings], { stdio: "inherit" });
rmSync(settings);
process.exit(result.status ?? 1);

function filesBelow(root, wanted) {
  if (!existsSync(root)) return [];
  if (statSync(root).isFile()) return [root];
  return readdirSync(root, { recursive: true })
    .map((file) => join(root, file))
    .filter(wanted)
    .sort();
}

/** Places of `count` mutants, drawn without replacement, as FILE:LINE:COLUMN-LINE:COLUMN. */
async function sampled(files, count, seed) {
  const quiet = { debug() {}, info() {}, warn: console.error, isDebugEnabled: () => false };
  const contents = files.map((file) => ({ name: file, mutate: true, content: readFileSync(file, "utf8") }));
  const { mutants } = await new Instrumenter(quiet).instrument(contents, {
    plugins: null,
    ignorers: [],
    excludedMutations,
    noHeader: false,
  });
  const random = generator(seed);
  const drawn = mutants
    .filter(({ statusReason }) => statusReason === undefined)
    .map((mutant) => ({ mutant, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count);
  console.error(`${drawn.length} of ${mutants.length} faults, seed ${seed}`);
  return drawn.map(({ mutant: { fileName, location } }) => `${fileName}:${place(location.start)}-${place(location.end)}`);
}

function place({ line, column }) {
  return `${line + 1}:${column}`;
}

/** Numbers in [0, 1): mulberry32. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
