// Writes everything that is derived from other files of the repository: the messages of proto/, the JSON Schema of the search file, and
// the registries of algorithms/. `--check` changes nothing and fails, naming them, where committed files are not what would be written.
// `--registries` writes the registries alone.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { splitServices } from "./split-services.mjs";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const source = join(root, "algorithms/src");
const check = process.argv.includes("--check");
/** Files that differ from what would be written. */
const stale = [];

/** Kinds of components: folder, word for one, and the types of specs and modules. */
const kinds = [
  { folder: "strategies", singular: "strategy", spec: "StrategySpec", modules: ["StrategyModule<unknown>"] },
  { folder: "procedures", singular: "procedure", spec: "ProcedureSpec", modules: ["ProcedureModule"] },
  { folder: "techniques", singular: "technique", spec: "TechniqueSpec", modules: ["TechniqueModule<unknown>"] },
  {
    folder: "workloads",
    singular: "workload",
    spec: "WorkloadSpec",
    modules: ["WorkloadModule<unknown>", "ClosedFormModule<unknown>", "RespondModule<unknown>", "StochasticModule<unknown>"],
  },
  { folder: "optimizers", singular: "optimizer", spec: "OptimizerSpec", modules: ["OptimizerModule<unknown>"] },
  { folder: "learning-rates", singular: "learning-rate", spec: "LearningRateSpec", modules: ["LearningRateModule<unknown>"] },
  { folder: "loss-heads", singular: "loss-head", spec: "LossHeadSpec", modules: ["LossHeadModule<unknown>"] },
  { folder: "probes", singular: "probe", spec: "ProbeSpec", modules: ["ProbeModule<unknown>"] },
  { folder: "diagnostics", singular: "diagnostic", spec: "DiagnosticSpec", modules: ["DiagnosticModule<unknown>"] },
];

/** Procedures whose folder holds no module: `command` starts programs, which is the agent's business alone. */
const moduleElsewhere = new Set(["command"]);

generateRegistries();
if (!process.argv.includes("--registries")) {
  generateProto();
  generateSchema();
  generateKernels();
}

if (stale.length > 0) {
  console.error(`generate: not what \`npm run generate\` would write:\n${stale.map((file) => `  ${file}`).join("\n")}`);
  process.exit(1);
}

function generateProto() {
  const out = check ? mkdtempSync(join(tmpdir(), "regulus-generate-")) : join(root, "proto");
  try {
    run("npx", ["--no-install", "buf", "generate", "-o", out], join(root, "proto"));
    keepAllNames(join(out, "src/gen/regulus"));
    convertOnce(join(out, "src/gen"));
    moveServices(join(out, "src/gen/regulus/v1"), join(root, "transport/src/gen/regulus/v1"));
    if (check) compareFolders(join(out, "src/gen"), join(root, "proto/src/gen"));
  } finally {
    if (check) rmSync(out, { recursive: true, force: true });
  }
}

/** The contract knows no gRPC: services and clients go to the room for transport. */
function moveServices(messages, services) {
  for (const file of readdirSync(messages)) {
    const path = join(messages, file);
    const split = splitServices(readFileSync(path, "utf8"));
    writeFileSync(path, split.messages);
    if (split.services !== undefined) write(join(services, file), split.services);
  }
}

/**
 * Decoded maps hold whatever name a peer chose, a metric named __proto__ too: an assignment would set the map's prototype, or be lost.
 */
function keepAllNames(folder) {
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".ts"))) {
    const path = join(folder, file);
    const kept = readFileSync(path, "utf8").replace(
      /^( +)(message\.\w+)\[(entry\d+)\.key\] = \3\.value;$/gm,
      `$1if ($3.key === "__proto__") {
$1  globalThis.Object.defineProperty($2, $3.key, {
$1    value: $3.value,
$1    enumerable: true,
$1    configurable: true,
$1    writable: true,
$1  });
$1} else {
$1  $2[$3.key] = $3.value;
$1}`,
    );
    writeFileSync(path, kept);
  }
}

/**
 * Whole numbers of 64 bits pass through bigints on their way in and out: their text need not be made of them on the way in, and those of 32 bits, whose
 * bytes are the same, need no bigint on the way out. Together a tenth of what a fact costs.
 */
function convertOnce(folder) {
  for (const file of readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".ts"))) {
    const path = join(folder, file);
    const plain = readFileSync(path, "utf8");
    const written = plain
      .replace(
        "const num = globalThis.Number(int64.toString());",
        'const num = globalThis.Number(typeof int64 === "bigint" ? int64 : int64.toString());',
      )
      .replace(/writer\.uint32\((\d+)\)\.uint64\((message\.\w+)\);/g, "writeUint64(writer.uint32($1), $2);");
    const helper = `
function writeUint64(writer: BinaryWriter, value: number): void {
  if (value >= 0 && value <= 0xffffffff) writer.uint32(value);
  else writer.uint64(value);
}
`;
    writeFileSync(path, written.includes("writeUint64(") ? written + helper : written);
  }
}

function generateRegistries() {
  const found = kinds.map((kind) => ({ ...kind, names: componentNames(kind.folder) }));
  const of = (...folders) => found.filter((kind) => folders.includes(kind.folder));
  const trainingParts = ["optimizers", "learning-rates", "loss-heads"];
  write("settings/registry.generated.ts", specRegistry(of(...trainingParts)));
  write("catalog/registry.generated.ts", specRegistry(found.filter(({ folder }) => !trainingParts.includes(folder))));
  write("strategies/registry.generated.ts", moduleRegistry(of("strategies")));
  write("diagnostics/registry.generated.ts", moduleRegistry(of("diagnostics")));
  // Procedures find what they train by the other registry: in one file they would import themselves.
  write("training/procedures.generated.ts", loaderRegistry(of("procedures")));
  write("training/registry.generated.ts", loaderRegistry(of("techniques", "workloads", ...trainingParts, "probes")));
  listInReadme(found);
}

/** The README's table of what there is: the row of each kind names every one with a link to its card. */
function listInReadme(found) {
  const path = join(root, "README.md");
  const before = readFileSync(path, "utf8");
  const after = found.reduce((page, { folder, names }) => {
    const links = names.map((name) => `[\`${name}\`](algorithms/src/${folder}/${name})`);
    const row = `| ${folder} | ${links.join(", ")}${folder === "workloads" ? ", or your own module" : ""} |`;
    return page.replace(new RegExp(`^\\| ${folder} \\|.*$`, "m"), row);
  }, before);
  if (after === before) return;
  if (check) stale.push("README.md");
  else writeFileSync(path, after);
}

/** The schema of the search file has a generator of its own; it knows `--check` too. */
function generateSchema() {
  const generator = join(root, "scripts/generate-schema.mjs");
  if (!existsSync(generator)) return;
  const result = spawnSync(process.execPath, [generator, ...(check ? ["--check"] : [])], { cwd: root, stdio: "inherit" });
  if (result.status !== 0) stale.push("the JSON Schema of the search file (scripts/generate-schema.mjs)");
}

/** The wasm training kernels have a compiler of their own; it knows `--check` too. */
function generateKernels() {
  const generator = join(root, "algorithms/scripts/build-wasm.mjs");
  const result = spawnSync(process.execPath, [generator, ...(check ? ["--check"] : [])], { cwd: root, stdio: "inherit" });
  if (result.status !== 0) stale.push("the wasm training kernels (algorithms/scripts/build-wasm.mjs)");
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

/** Names to what components say of themselves. */
function specRegistry(found) {
  const imports = found.flatMap((kind) =>
    kind.names.map((name) => `import { spec as ${identifier(kind, name)} } from "../${kind.folder}/${name}/spec.js";`),
  );
  const types = found.map((kind) => kind.spec).sort();
  const maps = found.map((kind) =>
    map(`${camelCase(kind.singular)}Specs`, kind.spec, kind.names, (name) => identifier(kind, name)),
  );
  return text("registrations of all components", [
    `import type { ${types.join(", ")} } from "../core/index.js";`,
    ...imports,
    ...maps,
  ]);
}

/** Names to modules, loaded with the registry. */
function moduleRegistry(found) {
  const imports = found.flatMap((kind) =>
    kind.names.map((name) => `import { module as ${identifier(kind, name)} } from "../${kind.folder}/${name}/${name}.js";`),
  );
  const types = found.flatMap((kind) => kind.modules.map(bare)).sort();
  const maps = found.map((kind) =>
    map(camelCase(kind.folder), kind.modules.join(" | "), kind.names, (name) => identifier(kind, name)),
  );
  const words = `every registered ${found.map((kind) => kind.singular).join(", ")}`;
  return text(words, [`import type { ${types.join(", ")} } from "../core/index.js";`, ...imports, ...maps]);
}

/** Names to functions that load a module, so that nothing loads tfjs before it is needed. */
function loaderRegistry(found) {
  const imports = found.map((kind) => {
    const types = kind.modules.map(bare).sort();
    return `import type { ${types.join(", ")} } from "./contracts/${kind.singular}.js";`;
  });
  const maps = found.map((kind) => {
    const names = kind.names.filter((name) => !moduleElsewhere.has(name));
    const loader = (name) => `async () => (await import("../${kind.folder}/${name}/${name}.js")).module`;
    return map(camelCase(kind.folder), `() => Promise<${kind.modules.join(" | ")}>`, names, loader);
  });
  const words = `how to load every registered ${found.map((kind) => kind.singular).join(", ")}`;
  return text(words, [...imports.sort(), ...maps]);
}

function map(name, type, names, value) {
  const entries = names.map((entry) => `  ["${entry}", ${value(entry)}],`);
  const body = entries.length > 0 ? `[\n${entries.join("\n")}\n]` : "[]";
  return `\nexport const ${name}: ReadonlyMap<string, ${type}> = new Map<string, ${type}>(${body});`;
}

function text(words, lines) {
  return `/** Written by scripts/generate.mjs from the folders: ${words}, by name. Do not edit. */\n${lines.join("\n")}\n`;
}

/** A type's name without its arguments. */
function bare(type) {
  return type.replace("<unknown>", "");
}

/** An identifier that no other kind's component has: `techniqueDropout`. */
function identifier(kind, name) {
  return camelCase(`${kind.singular}-${name}`);
}

function camelCase(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** Writes a file, named by its path or by that below algorithms/src, or notes that it is stale. */
function write(file, text) {
  const path = resolve(source, file);
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
