/** Checks what a command makes of the search's hyperparameters: the names in its arguments, and that each has an environment variable of its own. */
import { parameterVariable, wordParts } from "./command-words.js";
import { closestName } from "./did-you-mean.js";
import type { Command, Parameter } from "./gen/regulus/v1/search.js";
import { limits } from "./limits.js";
import type { ProblemList } from "./problem-list.js";

/** Names of parameters in a message. */
const namesShown = 12;

/** Adds everything that is wrong between a command and the space. Both may hold anything. */
export function checkCommandWords(problems: ProblemList, command: Command, space: readonly Parameter[]): void {
  checkVariables(problems, space);
  const { argv } = command;
  if (!Array.isArray(argv)) return;
  const words: readonly unknown[] = argv.slice(0, limits.commandWordsMax);
  for (const [index, word] of words.entries()) {
    if (typeof word === "string" && word.length <= limits.textCharactersMax) {
      checkWord(problems, { index, word, before: words[index - 1], space });
    }
  }
}

interface WordAt {
  readonly index: number;
  readonly word: string;
  /** The argument before it. */
  readonly before: unknown;
  readonly space: readonly Parameter[];
}

function checkWord(problems: ProblemList, { index, word, before, space }: WordAt): void {
  const field = `command.argv[${index}]`;
  const names = space.flatMap((parameter) => (typeof parameter?.name === "string" ? [parameter.name] : []));
  const parts = wordParts(word);
  for (const part of parts) {
    if (part.kind === "text") continue;
    if (part.kind === "open") {
      problems.add(field, part.text, "a } after the parameter's name; write $${ for a plain ${");
      continue;
    }
    const parameter = space.find((one) => one?.name === part.name);
    if (parameter === undefined) {
      problems.addText(field, `\${${part.name}}`, `${knownWords(part.name, names)}; write $\${ for a plain \${`);
    } else if (parameter.when !== undefined && parameter.when !== null) {
      const instead = conditionalWords({ index, before, alone: parts.length === 1 }, part.name);
      if (instead !== undefined) problems.addText(field, `\${${part.name}}, which not every trial has`, instead);
    }
  }
}

function knownWords(name: string, names: readonly string[]): string {
  if (names.length === 0) return "no parameter, since the file's space holds none";
  const closest = closestName(name, names);
  const list = `${names.slice(0, namesShown).join(", ")}${names.length > namesShown ? " ..." : ""}`;
  return `a parameter of the space${closest === undefined ? "" : ` (did you mean ${closest}?)`}: ${list}`;
}

/** An argument is left out where a trial does not have its parameter. What would then go wrong is refused. */
function conditionalWords(
  { index, before, alone }: { readonly index: number; readonly before: unknown; readonly alone: boolean },
  name: string,
): string | undefined {
  if (index === 0) return "a program: only an argument may be left out in the trials that lack it";
  if (!alone || typeof before !== "string" || !/^--?[A-Za-z][^=]*$/.test(before)) return undefined;
  return `flag and value as one argument, such as ${before}=\${${name}}, which is left out in the trials that lack it`;
}

/** Two names must not give one variable: the program would get the value of either. */
function checkVariables(problems: ProblemList, space: readonly Parameter[]): void {
  const owners = new Map<string, { readonly index: number; readonly name: string }>();
  for (const [index, parameter] of space.slice(0, limits.parametersMax).entries()) {
    const name: unknown = parameter?.name;
    if (typeof name !== "string") continue;
    const variable = parameterVariable(name);
    const first = owners.get(variable);
    if (first === undefined) owners.set(variable, { index, name });
    // The same name twice is told by the check of the space.
    else if (first.name !== name) {
      const words = `a name with an environment variable of its own: ${first.name} and ${name} both give ${variable}`;
      problems.add(`space[${index}].name`, name, words);
    }
  }
}
