/** Options as a component's schema wants them; wrong ones are the user's to mend, each told with its path. */
import { expectedOneOf, type Problem, RegulusError } from "@regulus/proto";
import type { z } from "zod";

/** @param field where the options stand, such as workload.options. */
export function parseOptions<Options>(field: string, schema: z.ZodType<Options>, raw: unknown): Options {
  const parsed = schema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue): Problem => ({
      field: [field, ...issue.path.map(String)].join("."),
      seen: shown(at(raw, issue.path)),
      expected: oneOfWords(issue, at(raw, issue.path)) ?? issue.message,
    }),
  );
  throw RegulusError.invalid(problems);
}

/** What was expected where only some values are: with the one that was likely meant. Undefined for any other issue. */
export function oneOfWords(issue: z.core.$ZodIssue, seen: unknown): string | undefined {
  return issue.code === "invalid_value"
    ? expectedOneOf(typeof seen === "string" ? seen : "", issue.values.map(String))
    : undefined;
}

/** What stands at a path; undefined where nothing does. */
function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 200);
}
