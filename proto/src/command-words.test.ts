/** Hyperparameters in a command's arguments: what is put in, what is left out, and what is refused before anything starts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { namePattern } from "./check-values.js";
import { filledWords, parameterVariable, wordParts } from "./command-words.js";
import { readSearchDocument } from "./search-file.js";

const name = fc.stringMatching(namePattern).filter((text) => !(text in {}));

/** Problems of a search with this command and space, by field. */
function problems(argv: readonly string[], space: Readonly<Record<string, unknown>>): Record<string, string> {
  const read = readSearchDocument({
    name: "words",
    command: { argv },
    objective: { metric: "loss" },
    strategy: "random",
    space,
    budget: { trials: 1 },
  });
  return Object.fromEntries(read.problems.map(({ field, seen, expected }) => [field, `${seen} | ${expected}`]));
}
const range = { type: "double", min: 0, max: 1 };

test("whatever stands around a name stays, and $${ gives ${", () => {
  assert.deepEqual(filledWords(["a", "--q=${q}", "{q}", "$q", "$${q}", "${q}/${r}"], { q: 0.5, r: "x y" }), [
    "a",
    "--q=0.5",
    "{q}",
    "$q",
    "${q}",
    "0.5/x y",
  ]);
});

test("a text without ${ is an argument as it is, and an escaped one comes back whole", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll("${", "$");
      assert.deepEqual(filledWords([plain], {}), [plain]);
      // A $ before an escaped ${ would itself escape it.
      const escapable = text.replaceAll("$$", "$").replaceAll("${", "{");
      assert.deepEqual(filledWords([`a${escapable.replace(/\$+$/, "")}$\${b`], {}), [`a${escapable.replace(/\$+$/, "")}\${b`]);
    }),
  );
});

test("every value of a parameter arrives as JSON writes it, a text as it is", () => {
  fc.assert(
    fc.property(
      name,
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.string()),
      (key, value) => {
        const [word = ""] = filledWords([`x=\${${key}}`], { [key]: value });
        assert.equal(word, `x=${typeof value === "string" ? value : JSON.stringify(value)}`);
      },
    ),
  );
});

test("an argument whose parameter the trial lacks is left out", () => {
  assert.deepEqual(filledWords(["train", "--momentum=${momentum}", "--lr=${lr}"], { lr: 1 }), ["train", "--lr=1"]);
});

test("unknown names are refused with their place and the likely name", () => {
  const said = problems(["python3", "train.py", "--lr=${learningrate}", "${HOME}"], { learningRate: range });
  assert.match(
    said["command.argv[2]"] ?? "",
    /^\$\{learningrate\} \| a parameter of the space \(did you mean learningRate\?\): learningRate;/,
  );
  assert.match(said["command.argv[3]"] ?? "", /write \$\$\{ for a plain \$\{$/);
  assert.deepEqual(Object.keys(problems(["a", "${learningRate}", "{x}", "$x", "$${x}"], { learningRate: range })), []);
  assert.match(problems(["a", "--x=${learningRate"], { learningRate: range })["command.argv[1]"] ?? "", /a } after/);
});

test("a flag apart from a value that some trials lack is refused, and so is such a program", () => {
  const space = { o: { type: "boolean" }, m: { ...range, when: { parameter: "o", equals: true } } };
  assert.match(problems(["a", "--m", "${m}"], space)["command.argv[2]"] ?? "", /--m=\$\{m\}/);
  assert.match(problems(["${m}"], space)["command.argv[0]"] ?? "", /a program/);
  assert.deepEqual(problems(["a", "--m=${m}", "--o", "${o}", "${m}"], space), {});
});

test("names that give one variable are refused, both named, and for commands only", () => {
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 6 }), (names) => {
      const space = Object.fromEntries(names.map((key) => [key, range]));
      const variables = new Set(names.map(parameterVariable));
      const refused = Object.values(problems(["a"], space)).filter((words) => words.includes("environment variable"));
      assert.equal(refused.length, names.length - variables.size);
    }),
  );
  const said = problems(["a"], { "opt.lr": range, "opt-lr": range });
  assert.match(said["space.opt-lr"] ?? "", /opt\.lr and opt-lr both give REGULUS_PARAM_opt_lr/);
});

test("a hyperparameter's variable keeps the case of its name", () => {
  for (const [own, variable] of [
    ["lr", "REGULUS_PARAM_lr"],
    ["learningRate", "REGULUS_PARAM_learningRate"],
    ["opt.lr", "REGULUS_PARAM_opt_lr"],
  ] as const)
    assert.equal(parameterVariable(own), variable);
});

test("the pieces of a word put together again are the word", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("$", "{", "}", "a", "$${", "${a}"), { maxLength: 12 }), (pieces) => {
      const parts = wordParts(pieces.join(""));
      const again = parts.map((part) => {
        if (part.kind === "parameter") return `\${${part.name}}`;
        return part.kind === "open" ? part.text : part.text.split("${").join("$${");
      });
      assert.equal(again.join(""), pieces.join(""));
    }),
  );
});
