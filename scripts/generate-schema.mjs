// Writes the JSON Schema of the search file for editors, proto/schema/search.schema.json, from the zod schema in proto/src. `--check`
// changes nothing and fails where the committed file is not what would be written.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(fileURLToPath(import.meta.url), "../..");
const target = join(root, "proto/schema/search.schema.json");

const built = spawnSync("npx", ["--no-install", "tsc", "-b", "proto"], { cwd: root, stdio: ["ignore", 2, 2] });
if (built.status !== 0) process.exit(1);
const { searchJsonSchema } = await import(pathToFileURL(join(root, "proto/dist/index.js")).href);
const formatted = spawnSync("npx", ["--no-install", "biome", "format", "--stdin-file-path=search.schema.json"], {
  cwd: root,
  input: JSON.stringify(searchJsonSchema()),
  encoding: "utf8",
  stdio: ["pipe", "pipe", 2],
});
if (formatted.status !== 0) process.exit(1);
const text = formatted.stdout;
const current = existsSync(target) && readFileSync(target, "utf8") === text;

if (process.argv.includes("--check")) {
  if (!current) console.error("proto/schema/search.schema.json is stale: run npm run generate");
  process.exit(current ? 0 : 1);
}
if (!current) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}
