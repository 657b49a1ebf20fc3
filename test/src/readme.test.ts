/** The front page stays short: a bound on words and figures, and every page of documentation two clicks away. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { defaults } from "@regulus/proto";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const wordsMax = 700;
const figuresMax = 5;
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the README has at most 700 words, code and tables included", () => {
  const words = readme.split(/\s+/).filter((word) => /[\p{L}\d]/u.test(word));
  assert.ok(words.length <= wordsMax, `${words.length} words; move some of them to docs/`);
});

test("the README has at most five figures, each as a range; bench/README.md has the others", () => {
  const prose = readme.replace(/```[\s\S]*?```|`[^`]*`|<[^>]*>|\]\([^)]*\)|^\|.*$/gm, " ");
  const ranges = prose.match(/\d[\d,.]*\s+to\s+\d[\d,.]*/g) ?? [];
  const single = prose.replace(/\d[\d,.]*\s+to\s+\d[\d,.]*|Node \d+|Apache-2\.0/g, " ").match(/\b\d[\d,.]*/g) ?? [];
  assert.ok(ranges.length >= 1 && ranges.length <= figuresMax, `saw the ranges ${ranges.join("; ")}`);
  assert.deepEqual(single, [], "a figure that is no range");
});

test("the README tells how often checkpoints are stored, as the default is", () => {
  const told = /every `(\d+)s` by default \(`checkpointEvery`\)/.exec(readme)?.[1];
  assert.equal(Number(told) * 1000, defaults.checkpointEveryMs);
});

/** Files that a page links to; a folder counts as its README.md, or as all the pages in it, as a reader of the repository sees them. */
function linked(page: string): string[] {
  const targets = [...readFileSync(join(root, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)];
  return targets.flatMap(([, target = ""]) => {
    const path = join(dirname(page), target);
    if (!existsSync(join(root, path))) return [];
    if (!statSync(join(root, path)).isDirectory()) return [path];
    const inside = readdirSync(join(root, path)).filter((file) => file.endsWith(".md"));
    return (inside.includes("README.md") ? ["README.md"] : inside).map((file) => join(path, file));
  });
}

test("every page is at most two clicks away from the README", () => {
  const first = linked("README.md");
  const reached = new Set([...first, ...first.filter((file) => file.endsWith(".md")).flatMap(linked)]);
  const pages = ["docs", "docs/decisions", "bench", "deploy", "examples/module", "examples/typescript", "."].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".md"))
      .map((file) => join(folder, file)),
  );
  const cards = ["strategies", "procedures", "workloads", "techniques", "optimizers", "learning-rates", "probes", "diagnostics"]
    .flatMap((kind) => readdirSync(join(root, "algorithms/src", kind)).map((name) => `algorithms/src/${kind}/${name}/README.md`))
    .filter((card) => existsSync(join(root, card)));
  assert.ok(pages.length > 40 && cards.length > 40);
  assert.deepEqual(
    [...pages, ...cards].filter((page) => page !== "README.md" && !reached.has(page)),
    [],
  );
});
