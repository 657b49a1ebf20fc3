/**
 * What documentation shows, works: every search file in examples/ and every yaml block of the documents is a whole search that the coordinator's own
 * checks accept.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(page: string): Set<string> {
  const headings = [...readFileSync(join(root, page), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

test("links of every page lead to a file, and to a heading where they name one", () => {
  const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const broken = pages
    .split("\n")
    .filter((page) => page !== "" && existsSync(join(root, page)))
    .flatMap((page) =>
      [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)]
        .filter(([, target = "", anchor]) => {
          const file = target === "" ? page : join(dirname(page), target);
          if (!existsSync(join(root, file))) return true;
          return anchor !== undefined && file.endsWith(".md") && !anchors(file).has(anchor);
        })
        .map(([link]) => `${page}: ${link}`),
    );
  assert.deepEqual(broken, []);
});
