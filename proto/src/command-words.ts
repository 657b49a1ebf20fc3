/**
 * Passes hyperparameters to a user's program: in its arguments, where they are named as `${learningRate}`, and as environment
 * variables. `$${` stands for a plain `${`. The door checks the names; the agent puts the values in.
 */

/** A piece of an argument: text as it is, or the value of a parameter. */
export type WordPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "parameter"; readonly name: string }
  /** A `${` without its `}`. */
  | { readonly kind: "open"; readonly text: string };

/** The pieces of an argument, in order. */
export function wordParts(word: string): WordPart[] {
  const parts: WordPart[] = [];
  let text = "";
  for (let at = 0; at < word.length; ) {
    if (word.startsWith("$${", at)) {
      text += "${";
      at += 3;
    } else if (word.startsWith("${", at)) {
      if (text !== "") parts.push({ kind: "text", text });
      text = "";
      const end = word.indexOf("}", at);
      if (end < 0) return [...parts, { kind: "open", text: word.slice(at) }];
      parts.push({ kind: "parameter", name: word.slice(at + 2, end) });
      at = end + 1;
    } else {
      text += word[at];
      at += 1;
    }
  }
  return text === "" ? parts : [...parts, { kind: "text", text }];
}

/**
 * A command's arguments with the values of a trial's parameters. An argument that names a parameter which the trial does not have (its condition
 * does not hold) is left out, so that the program's own default holds.
 */
export function filledWords(argv: readonly string[], parameters: Readonly<Record<string, unknown>>): string[] {
  return argv.flatMap((word) => {
    const parts = wordParts(word);
    if (parts.some((part) => part.kind === "parameter" && !Object.hasOwn(parameters, part.name))) return [];
    return [parts.map((part) => (part.kind === "parameter" ? parameterText(parameters[part.name]) : part.text)).join("")];
  });
}

/** A parameter's value as a program gets it in an argument or a variable: texts as they are, everything else as JSON. */
export function parameterText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** The variable of a hyperparameter: its name as written, with '.' and '-' as '_', since shells know only those letters. */
export function parameterVariable(name: string): string {
  return `REGULUS_PARAM_${name.replace(/[^A-Za-z0-9_]/g, "_")}`;
}
