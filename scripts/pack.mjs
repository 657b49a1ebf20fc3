// `npm run pack`: one tarball that `npm install -g` takes, with the `regulus` command and the modules that users import (decision 38).
//   node scripts/pack.mjs [FOLDER]   writes regulus-VERSION.tgz into the folder, by default this one
// The package keeps the rooms' folders. Imports of one room by another (@regulus/proto) become private imports of the package (#proto).
// Fails where the code imports a package that the manifest does not name.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const rooms = ["proto", "transport", "algorithms", "coordinator", "agent", "client"];
/** Copied as they are. */
const asTheyAre = [
  ...["README.md", "LICENSE", "CHANGELOG.md", "docs", "examples"],
  ...["proto/regulus", "proto/schema", "client/bin", "client/assets"],
];
/** Code that only tests run. */
const forTests = /\.test\.ts$|(^|\/)(testing|conformance|simulation)\//;

const destination = resolve(root, process.argv[2] ?? ".");
const stage = mkdtempSync(join(tmpdir(), "regulus-pack-"));
try {
  layOut();
  packTarball();
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function layOut() {
  const rootManifest = readManifest(".");
  const manifests = rooms.map((room) => [room, readManifest(room)]);
  for (const path of asTheyAre) cpSync(join(root, path), join(stage, path), { recursive: true });
  const dependencies = mergeDependencies(manifests);
  const imports = privateImports(manifests);
  for (const room of rooms) copyRoom(room, { dependencies, imports });
  const { name, version, description, license, type, engines, bin, exports } = rootManifest;
  const manifest = { name, version, description, license, type, engines, bin, exports };
  writeJson("package.json", { ...manifest, imports, dependencies });
}

/** The compiled twin of every source file, so that leftovers of removed sources stay behind. */
function copyRoom(room, known) {
  const sources = readdirSync(join(root, room, "src"), { recursive: true }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && !forTests.test(file),
  );
  for (const source of sources)
    for (const ending of [".js", ".d.ts"]) {
      const file = join(room, "dist", source.replace(/\.ts$/, ending));
      if (!existsSync(join(root, file))) throw new Error(`${file} is missing; run: npm run build`);
      const code = readFileSync(join(root, file), "utf8")
        .replace(/(["'])@regulus\/([a-z]+)/g, "$1#$2")
        .replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
      if (ending === ".js") checkImports(file, code, known);
      mkdirSync(dirname(join(stage, file)), { recursive: true });
      writeFileSync(join(stage, file), code);
    }
}

/** Fails where code imports a package that is no dependency, or a room or file that stays behind. */
function checkImports(file, code, { dependencies, imports }) {
  const found = code.matchAll(
    /^\s*(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|^import\s+"([^"]+)"/gm,
  );
  for (const [, first, second, third] of found) {
    const name = first ?? second ?? third;
    if (name.startsWith("#") && imports[name] === undefined)
      throw new Error(`${file} imports ${name}, which no room exports to users`);
    if (name.startsWith("#") || name.startsWith("node:") || builtinModules.includes(name)) continue;
    if (name.startsWith(".")) {
      const target = join(dirname(file), name);
      const source = target
        .replace("/dist/", "/src/")
        .replace(/\.js$/, ".ts")
        .slice(target.indexOf("/") + 1);
      if (forTests.test(source)) throw new Error(`${file} imports ${name}, which only tests may`);
      continue;
    }
    const packageName = name
      .split("/")
      .slice(0, name.startsWith("@") ? 2 : 1)
      .join("/");
    if (dependencies[packageName] === undefined) throw new Error(`${file} imports ${name}, and no room names it as a dependency`);
  }
}

/** What the rooms depend on, each at the version that this repository is tested with. */
function mergeDependencies(manifests) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const names = manifests.flatMap(([, { dependencies = {} }]) => Object.keys(dependencies));
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, packages[`node_modules/${name}`].version]));
}

/** What rooms export to each other, under names that only this package's own files may import. */
function privateImports(manifests) {
  const moved = (room, target) =>
    typeof target === "string"
      ? `./${join(room, target)}`
      : Object.fromEntries(Object.entries(target).map(([condition, file]) => [condition, moved(room, file)]));
  return Object.fromEntries(
    manifests.flatMap(([room, { exports }]) =>
      Object.entries(exports)
        .filter(([path]) => !/testing|conformance|simulation/.test(path))
        .map(([path, target]) => [`#${room}${path.slice(1)}`, moved(room, target)]),
    ),
  );
}

function packTarball() {
  const result = spawnSync("npm", ["pack", "--pack-destination", destination, "--loglevel", "error"], {
    cwd: stage,
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(`npm pack failed:\n${result.stderr}`);
  const file = join(destination, result.stdout.trim());
  console.log(`Install it with\n  npm install -g ${file}`);
}

function readManifest(room) {
  return JSON.parse(readFileSync(join(root, room, "package.json"), "utf8"));
}

function writeJson(name, value) {
  writeFileSync(join(stage, name), `${JSON.stringify(value, undefined, 2)}\n`);
}
