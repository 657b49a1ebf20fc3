/**
 * What documentation shows, works: every search file in examples/ and every yaml block of docs/search-file.md and the README is a whole search that the
 * coordinator's own checks accept, or (where a fragment) at least parses.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { resolveSpec, strategySpecs } from "@regulus/algorithms/catalog";
import { parseSearchDocument } from "@regulus/proto";
import { parse } from "yaml";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const examples = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".yaml"));

test("there are examples", () => assert.ok(examples.length >= 5));

for (const file of examples) {
  test(`examples/${file} is a search`, () => {
    const spec = resolveSpec(parseSearchDocument(parse(readFileSync(join(root, "examples", file), "utf8"))));
    const ownParameters = strategySpecs.get(spec.strategy?.name ?? "")?.ownParameters === true;
    assert.ok(spec.space.length > 0 || ownParameters, "its space has parameters, or its strategy moves the workload's");
  });
}

test("the search file shown in docs/search-file.md is a search", () => {
  const blocks = [...readFileSync(join(root, "docs/search-file.md"), "utf8").matchAll(/```yaml\n([\s\S]*?)```/g)];
  assert.equal(blocks.length, 1);
  for (const [, block] of blocks) resolveSpec(parseSearchDocument(parse(block ?? "")));
});

test("the README names every registered algorithm and no other", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const named = [...readme.matchAll(/\[`([a-z-]+)`\]\(algorithms\/src\/(\w+)\/([a-z-]+)\)/g)].map(
    ([, , kind, folder]) => `${kind}/${folder}`,
  );
  const registered = ["strategies", "procedures", "workloads", "techniques", "diagnostics"].flatMap((kind) =>
    readdirSync(join(root, "algorithms/src", kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${kind}/${entry.name}`),
  );
  assert.deepEqual(named.sort(), registered.sort());
});

test("links of the README and of the documents lead somewhere", () => {
  const pages = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    ...readdirSync(join(root, "docs"))
      .filter((file) => file.endsWith(".md"))
      .map((file) => `docs/${file}`),
  ];
  const broken = pages.flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => join(dirname(page), target ?? ""))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${page}: ${target}`),
  );
  assert.deepEqual(broken, []);
});
