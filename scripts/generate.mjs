// Writes everything that is derived from other files of the repository: the messages of proto/, the JSON Schema of the search file, and
// the registries of algorithms/. `--check` changes nothing and fails, naming them, where committed files are not what would be written.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const source = join(root, "algorithms/src");
const check = process.argv.includes("--check");
/** Files that differ from what would be written. */
const stale = [];

/** Kinds of components: folder, what a registry of modules calls them, and their types. */
const kinds = [
  { folder: "strategies", singular: "strategy", spec: "StrategySpec", module: "StrategyModule<unknown>" },
  { folder: "procedures", singular: "procedure", spec: "ProcedureSpec", module: "ProcedureModule" },
  { folder: "techniques", singular: "technique", spec: "TechniqueSpec", module: "TechniqueModule<unknown>" },
  { folder: "workloads", singular: "workload", spec: "WorkloadSpec", module: "WorkloadModule<unknown>" },
  { folder: "diagnostics", singular: "diagnostic", spec: "DiagnosticSpec", module: "DiagnosticModule<unknown>" },
];

/** Procedures whose folder holds no module: `command` starts programs, which is the agent's business alone. */
const moduleElsewhere = new Set(["command"]);

generateProto();
generateRegistries();
generateSchema();

if (stale.length > 0) {
  console.error(`generate: not what \`npm run generate\` would write:\n${stale.map((file) => `  ${file}`).join("\n")}`);
  process.exit(1);
}

function generateProto() {
  const out = check ? mkdtempSync(join(tmpdir(), "regulus-generate-")) : join(root, "proto");
  try {
    run("npx", ["--no-install", "buf", "generate", "-o", out], join(root, "proto"));
    if (check) compareFolders(join(out, "src/gen"), join(root, "proto/src/gen"));
  } finally {
    if (check) rmSync(out, { recursive: true, force: true });
  }
}

function generateRegistries() {
  const found = kinds.map((kind) => ({ ...kind, names: componentNames(kind.folder) }));
  const of = (...folders) => found.filter((kind) => folders.includes(kind.folder));
  write(
    "catalog/registry.generated.ts",
    registry(found, "spec", "what every registered component says of itself", "../core/index.js"),
  );
  write(
    "strategies/registry.generated.ts",
    registry(of("strategies"), "module", "every registered strategy", "../core/index.js"),
  );
  write(
    "diagnostics/registry.generated.ts",
    registry(of("diagnostics"), "module", "every registered diagnostic", "../core/index.js"),
  );
  const training = of("procedures", "techniques", "workloads");
  write(
    "training/registry.generated.ts",
    registry(training, "module", "every registered procedure, technique and workload", undefined),
  );
}

/** The schema of the search file has a generator of its own; it knows `--check` too. */
function generateSchema() {
  const generator = join(root, "scripts/generate-schema.mjs");
  if (!existsSync(generator)) return;
  const result = spawnSync(process.execPath, [generator, ...(check ? ["--check"] : [])], { cwd: root, stdio: "inherit" });
  if (result.status !== 0) stale.push("the JSON Schema of the search file (scripts/generate-schema.mjs)");
}

/** Folders of a kind, sorted. A folder with only one of its two files is a mistake or someone's work in progress. */
function componentNames(folder) {
  const path = join(source, folder);
  if (!existsSync(path)) return [];
  const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = folders.map((entry) => entry.name).filter((name) => readdirSync(join(path, name)).length > 0);
  return names.sort().filter((name) => {
    const missing = ["spec.ts", ...(moduleElsewhere.has(name) ? [] : [`${name}.ts`])].filter(
      (file) => !existsSync(join(path, name, file)),
    );
    if (missing.length > 0) {
      console.error(`generate: left out algorithms/src/${folder}/${name}: it lacks ${missing.join(" and ")}`);
      if (check) stale.push(`algorithms/src/${folder}/${name}`);
    }
    return missing.length === 0;
  });
}

/** Text of a registry: one map from name to export for each kind. */
function registry(found, what, words, coreTypes) {
  const type = (kind) => kind[what];
  const bare = (kind) => type(kind).replace("<unknown>", "");
  const types = coreTypes
    ? [`import type { ${found.map(bare).sort().join(", ")} } from "${coreTypes}";`]
    : found.map((kind) => `import type { ${bare(kind)} } from "./${kind.singular}.js";`).sort();
  const namesOf = (kind) => kind.names.filter((name) => what === "spec" || !moduleElsewhere.has(name));
  const imports = found.flatMap((kind) =>
    namesOf(kind).map((name) => {
      const file = what === "spec" ? "spec" : name;
      return `import { ${what} as ${identifier(kind, name)} } from "../${kind.folder}/${name}/${file}.js";`;
    }),
  );
  const maps = found.map((kind) => {
    const entries = namesOf(kind).map((name) => `  ["${name}", ${identifier(kind, name)}],`);
    const name = what === "spec" ? `${kind.singular}Specs` : kind.folder;
    const body = entries.length > 0 ? `[\n${entries.join("\n")}\n]` : "[]";
    return `export const ${name}: ReadonlyMap<string, ${type(kind)}> = new Map<string, ${type(kind)}>(${body});`;
  });
  const header = `/** Written by scripts/generate.mjs from the folders: ${words}, by name. Do not edit. */`;
  return `${[header, ...types, ...imports, "", ...maps].join("\n")}\n`;
}

/** An identifier that no other kind's component has: `techniqueDropout`. */
function identifier(kind, name) {
  const words = name.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return kind.singular + words.join("");
}

/** Writes a file of algorithms/src, or notes that it is stale. */
function write(file, text) {
  const path = join(source, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  if (check) stale.push(relative(root, path));
  else writeFileSync(path, text);
}

function compareFolders(fresh, committed) {
  const files = (folder) => readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".ts"));
  for (const file of new Set([...files(fresh), ...files(committed)])) {
    const read = (folder) => (existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : undefined);
    if (read(fresh) !== read(committed)) stale.push(relative(root, join(committed, file)));
  }
}

function run(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  if (result.status === 0) return;
  console.error(`generate: ${command} ${args.join(" ")} failed in ${relative(root, cwd)}`);
  process.exit(1);
}
