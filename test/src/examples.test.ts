/**
 * What documentation shows, works: every search file in examples/ and every yaml block of the documents is a whole search that the coordinator's own
 * checks accept.
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
const examples = ["", "module/", "typescript/"].flatMap((folder) =>
  readdirSync(join(root, "examples", folder))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => `${folder}${file}`),
);

test("there are examples", () => assert.ok(examples.length >= 5));

for (const file of examples) {
  test(`examples/${file} is a search`, () => {
    const spec = resolveSpec(parseSearchDocument(parse(readFileSync(join(root, "examples", file), "utf8"))));
    const ownParameters = strategySpecs.get(spec.strategy?.name ?? "")?.ownParameters === true;
    assert.ok(spec.space.length > 0 || ownParameters, "its space has parameters, or its strategy moves the workload's");
  });
}

test("every search file shown in a document is a whole search, which can be copied", () => {
  const documents = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
  const pages = ["README.md", ...documents.map((file) => `docs/${file}`)];
  const blocks = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    return [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = ""]) => ({ page, block }));
  });
  assert.ok(blocks.length >= 5, `only ${blocks.length} were found`);
  for (const { page, block } of blocks) {
    assert.doesNotThrow(() => resolveSpec(parseSearchDocument(parse(block))), `${page}:\n${block}`);
  }
});

test("the README names every registered algorithm and no other", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const named = [...readme.matchAll(/\[`([a-z-]+)`\]\(algorithms\/src\/([a-z-]+)\/([a-z-]+)\)/g)].map(
    ([, , kind, folder]) => `${kind}/${folder}`,
  );
  const registered = [
    "strategies",
    "procedures",
    "workloads",
    "techniques",
    "optimizers",
    "learning-rates",
    "loss-heads",
    "probes",
    "diagnostics",
  ].flatMap((kind) =>
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
