/** Paths of a message's fields as paths of a search file's: `space[2].double.max` is `space.learningRate.max` there. */
import type { SearchSpec } from "./gen/regulus/v1/search.js";
import type { Path } from "./schema-issues.js";
import type { ReadDocument } from "./spec-document.js";

/** A path in words: `space.dropout.when.equals[1]`. */
export function pathText(path: Path): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text === "" ? "(file)" : text.replace(/^\./, "");
}

/** Fields that have another name in a file. */
const renamed: Readonly<Record<string, string>> = {
  "budget.wallTimeMs": "budget.wallTime",
  "resources.memoryBytes": "resources.memory",
  "resources.stepTimeoutMs": "resources.stepTimeout",
  "resources.attemptTimeoutMs": "resources.attemptTimeout",
  "retries.backoffMs": "retries.backoff",
  "reporting.checkpointEveryMs": "reporting.checkpointEvery",
};

/** The path in the file that a path in the message came from. */
export function filePath(field: string, spec: SearchSpec, document: ReadDocument): string {
  const [top = ""] = /^\w+/.exec(field) ?? [];
  switch (top) {
    case "space":
      return spacePath(field, spec, document);
    case "objectives":
      return objectivePath(field, document);
    case "workload":
    case "strategy":
    case "tuning":
      return typeof document[top] === "string" ? field.replace(/\.name$/, "") : field;
    case "techniques":
    case "probes":
    case "diagnostics": {
      const [, index] = /\[(\d+)\]/.exec(field) ?? [];
      return typeof document[top]?.[Number(index)] === "string" ? field.replace(/\.name$/, "") : field;
    }
    default:
      return renamed[field] ?? field;
  }
}

function spacePath(field: string, spec: SearchSpec, document: ReadDocument): string {
  const [, index, rest = ""] = /^space\[(\d+)\](.*)$/.exec(field) ?? [];
  if (index === undefined) return field;
  const name = spec.space[Number(index)]?.name ?? "";
  const inside = rest.replace(/^\.(double|int|categorical|boolean)(?=\.|$)/, "").replace(/^\.name$/, "");
  const equals = document.space?.[name]?.when?.equals;
  return `space.${name}${Array.isArray(equals) ? inside : inside.replace(/^\.when\.equals\[0\]$/, ".when.equals")}`;
}

/** A file holds one `objective` or a list of `objectives`; the message holds a list, the single one first. */
function objectivePath(field: string, document: ReadDocument): string {
  if (document.objective === undefined)
    return document.objectives === undefined ? field.replace(/^objectives/, "objective") : field;
  return field.replace(/^objectives\[(\d+)\]/, (_, index) =>
    Number(index) === 0 ? "objective" : `objectives[${Number(index) - 1}]`,
  );
}
