/**
 * The shape of the repository, checked: who may import whom (ARCHITECTURE.md), which rooms stay pure, that every algorithm has its
 * folder's four files, that names and sizes keep to their bounds. Reads the tracked files as text.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));
const sources = tracked.filter((file) => file.endsWith(".ts") && !file.includes("/gen/") && !file.endsWith(".generated.ts"));
const text = (file: string): string => readFileSync(join(root, file), "utf8");
const isTest = (file: string): boolean => file.endsWith(".test.ts");

/** Modules that a file imports, static and dynamic; "run only" leaves out what only types are taken from. */
function imports(file: string, types: "with types" | "run only" = "with types"): string[] {
  const code =
    types === "with types" ? text(file) : text(file).replace(/^\s*(?:import|export) type\b[^"';]*?\bfrom\s+"[^"]+"/gm, "");
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm),
  ];
  return found.map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** Groups of files each of which reaches all the others, sorted (Tarjan, "Depth-first search and linear graph algorithms", 1972). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const numbers = new Map<string, number>();
  const open: string[] = [];
  const visit = (file: string): number => {
    const own = numbers.size;
    numbers.set(file, own);
    open.push(file);
    let lowest = own;
    for (const target of graph.get(file) ?? []) {
      const number = numbers.get(target);
      if (number === undefined) lowest = Math.min(lowest, visit(target));
      else if (open.includes(target)) lowest = Math.min(lowest, number);
    }
    if (lowest === own) {
      const group = open.splice(open.indexOf(file));
      if (group.length > 1 || graph.get(file)?.includes(file)) found.push(group.sort());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!numbers.has(file)) visit(file);
  return found;
}

/** Rooms and the rooms of ours that each may import. */
const mayImport: Record<string, readonly string[]> = {
  proto: [],
  transport: ["@regulus/proto"],
  algorithms: ["@regulus/proto", "@regulus/algorithms"],
  coordinator: ["@regulus/proto", "@regulus/transport", "@regulus/algorithms"],
  agent: ["@regulus/proto", "@regulus/transport", "@regulus/algorithms"],
  client: ["@regulus/proto", "@regulus/transport"],
};
/** Halves of algorithms/ that train; the coordinator never loads them. */
const trainingHalf = ["@regulus/algorithms/training", "@regulus/algorithms/kernels"];

test("rooms import inward only", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const room = file.split("/")[0] ?? "";
    const allowed = mayImport[room];
    if (allowed === undefined) continue;
    for (const name of imports(file)) {
      if (name.startsWith("@regulus/")) {
        const target = name.split("/").slice(0, 2).join("/");
        if (!allowed.includes(target)) wrong.push(`${file} imports ${name}`);
        if (room === "coordinator" && trainingHalf.includes(name)) wrong.push(`${file} imports ${name}`);
      }
      if (name.startsWith(".") && !join(dirname(file), name).startsWith(`${room}/`))
        wrong.push(`${file} leaves its room by ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("no source files import each other in a circle, types included", () => {
  const files = tracked.filter((file) => file.endsWith(".ts") && !file.startsWith("algorithms/assembly/"));
  const known = new Set(files);
  const graph = new Map(
    files.map((file) => {
      const targets = imports(file).map((name) =>
        name.startsWith(".") ? join(dirname(file), name).replace(/\.js$/, ".ts") : "",
      );
      return [file, targets.filter((target) => known.has(target))];
    }),
  );
  const triangle = new Map([
    ["a", ["b", "d"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", []],
  ]);
  assert.deepEqual(circles(triangle), [["a", "b", "c"]]);
  assert.ok(graph.get("coordinator/src/runner/round/runner.ts")?.length, "imports are found");
  assert.deepEqual(circles(graph), []);
});

test("the contract knows no gRPC and touches nothing", () => {
  const contract = sources.filter((file) => file.startsWith("proto/src/") && !isTest(file));
  const generated = tracked.filter((file) => file.startsWith("proto/src/gen/"));
  const wrong = [...contract, ...generated].flatMap((file) =>
    imports(file)
      .filter((name) => name.startsWith("@grpc") || /^node:(fs|net|http|tls|child_process)/.test(name))
      .map((name) => `${file} imports ${name}`),
  );
  assert.deepEqual(wrong, []);
});

/** Folders that get no tfjs, gRPC, NATS, file system, clock or global randomness. */
const pureRooms = ["core", "settings", "bilevel", "strategies", "diagnostics", "catalog", "predictions"].map(
  (room) => `algorithms/src/${room}/`,
);
const impure =
  /\bMath\.random\b|\bDate\.now\b|\bnew Date\(|\bprocess\.|\bsetTimeout\b|\bsetInterval\b|\bperformance\.now\b|"node:(?!test|assert)|@tensorflow|@grpc|"nats"/;

test("pure rooms stay pure", () => {
  const files = sources.filter((file) => pureRooms.some((room) => file.startsWith(room)) && !isTest(file));
  const specs = sources.filter((file) => /^algorithms\/src\/[\w-]+\/[^/]+\/spec\.ts$/.test(file));
  assert.ok(files.length > 10, "the pure rooms were found");
  const wrong = [...new Set([...files, ...specs])].flatMap((file) =>
    text(file)
      .split("\n")
      .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
      .filter(({ line }) => !/^\s*(\*|\/\/|\/\*)/.test(line) && impure.test(line))
      .map(({ at, line }) => `${at} ${line.trim()}`),
  );
  assert.deepEqual(wrong, []);
});

test("the modules that the coordinator loads never reach tfjs", () => {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const name of imports(file, "run only")) {
      assert.ok(!name.startsWith("@tensorflow"), `${file} imports ${name}, and the coordinator loads it`);
      if (!name.startsWith(".")) continue;
      const target = join(dirname(file), name).replace(/\.js$/, ".ts");
      if (existsSync(join(root, target))) visit(target);
    }
  };
  for (const door of ["core", "strategies", "catalog"]) visit(`algorithms/src/${door}/index.ts`);
  assert.ok(reached.size > 10);
});

const kinds = [
  "strategies",
  "procedures",
  "techniques",
  "workloads",
  "optimizers",
  "learning-rates",
  "loss-heads",
  "probes",
  "diagnostics",
];

test("one algorithm is one folder with spec, code, test and card", () => {
  const missing: string[] = [];
  let found = 0;
  for (const kind of kinds) {
    const folders = new Set(
      sources.map((file) => file.match(new RegExp(`^algorithms/src/${kind}/([^/]+)/`))?.[1]).filter((name) => name !== undefined),
    );
    for (const name of folders) {
      found += 1;
      const folder = `algorithms/src/${kind}/${name}`;
      // The agent itself works on commands.
      const wanted = ["spec.ts", "README.md", `${name}.test.ts`, ...(name === "command" ? [] : [`${name}.ts`])];
      missing.push(...wanted.map((file) => `${folder}/${file}`).filter((file) => !existsSync(join(root, file))));
    }
  }
  assert.ok(found >= 15, `only ${found} algorithms were found`);
  assert.deepEqual(missing, []);
});

test("files are named for what they hold, in kebab-case", () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|manager|base)(\.|\/)/;
  const wrong = sources.filter(
    (file) => vague.test(file) || !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.ts$/.test(file.split("/").at(-1) ?? ""),
  );
  assert.deepEqual(wrong, []);
});

/** Lines that a reader holds in mind, and those of a file of tests, which is read one test at a time. */
const sourceLinesMax = 300;
const testLinesMax = 340;

test("no file is longer than its reader can hold in mind", () => {
  const wrong = sources
    .filter((file) => !file.startsWith("algorithms/assembly/"))
    .map((file) => ({ file, lines: text(file).split("\n").length - 1 }))
    .filter(({ file, lines }) => lines > (isTest(file) ? testLinesMax : sourceLinesMax))
    .map(({ file, lines }) => `${file} has ${lines} lines; split it by what changes together`);
  assert.deepEqual(wrong, []);
});

test("every source file begins by saying what it is", () => {
  const bare = sources.filter(
    (file) => !isTest(file) && !file.endsWith("/index.ts") && !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text(file)),
  );
  assert.deepEqual(bare, []);
});

test("members are private by #, which the runtime keeps", () => {
  // A constructor has no other word for it.
  const declared = /^\s+(?:private|protected) (?!constructor\b)|\bprivate readonly\b/;
  const wrong = sources
    .filter(
      (file) => file !== "test/src/structure.test.ts" && !file.endsWith(".d.ts") && !file.startsWith("algorithms/assembly/"),
    )
    .flatMap((file) =>
      text(file)
        .split("\n")
        .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
        .filter(({ line }) => !/^\s*(\*|\/\/|\/\*)/.test(line) && declared.test(line))
        .map(({ at, line }) => `${at} ${line.trim()}`),
    );
  assert.deepEqual(wrong, []);
});

test("no leftovers: skipped tests, holes in the types, unfinished marks", () => {
  const leftovers =
    /\b(it|test|describe)\.(only|todo)\b|\b(TODO|FIXME|XXX|HACK)\b|\bas any\b|: any\b|@ts-(ignore|nocheck|expect-error)/;
  const self = "test/src/structure.test.ts"; // it names them
  const wrong = sources
    .filter((file) => file !== self && !file.startsWith("algorithms/assembly/")) // AssemblyScript marks inlining by decorators
    .flatMap((file) =>
      text(file)
        .split("\n")
        .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
        .filter(({ line }) => leftovers.test(line))
        .map(({ at, line }) => `${at} ${line.trim()}`),
    );
  assert.deepEqual(wrong, []);
});

test("Python stands only where it may", () => {
  const wrong = tracked.filter((file) => file.endsWith(".py") && !/^(bench\/peers|examples)\//.test(file));
  assert.deepEqual(wrong, []);
});
