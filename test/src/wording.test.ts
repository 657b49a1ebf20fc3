/** What messages say, checked in the sources: whatever is counted gets the number that its noun needs. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const rooms = ["proto", "algorithms", "coordinator", "agent", "client"].map((room) => `${room}/src`);
const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...rooms], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.ts$/.test(file) && !/\.(test|generated)\.ts$|\/(gen|testing|simulation|conformance)\//.test(file));

const nouns =
  "agents arguments artifacts attempts bytes configurations devices documents entries facts failures files hyperparameters lines metrics " +
  "objectives parameters problems processes reasons searches slots steps trials variables warnings";
/** A number of something, as a text puts it: `${count} more trials`. */
const countedByHand = new RegExp(`\\$\\{([^{}]+)\\} (?:more |further )?(?:${nouns.replaceAll(" ", "|")})\\b`, "g");
/** Bounds, which are more than one, and counts of which the text has another word for one. */
const isPlural = /^(limits|bounds)\.|Max\)?$|^(most|max|left\.length|matching\.length|needs\.slots|ways|agents)$/;
/** Texts for programmers of Regulus, and bounds that stand behind "at most". */
const isForOthers = /assert\(|\b(at most|more than) \$\{[^}]*\} \w+/;

test("every message that counts something says 1 trial and 2 trials", () => {
  const wrong = sources.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) => {
        if (/^\s*(\*|\/\*|\/\/)/.test(line) || isForOthers.test(line)) return [];
        const counts = [...line.matchAll(countedByHand)].filter(([, count = ""]) => !isPlural.test(count));
        return counts.map(([found]) => `${file}:${index + 1}: ${found}; use counted()`);
      }),
  );
  assert.deepEqual(wrong, []);
});
