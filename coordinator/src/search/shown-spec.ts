/**
 * The problem as clients and events see it: everything but the values of its program's environment, which may be secrets. The log
 * and the agents that run the program have them.
 */
import type { Fact, SearchSpec } from "@regulus/proto";

/** Stands for a value that is not shown. */
export const hiddenValue = "(hidden)";

/** The spec with hidden values of `command.env`. */
export function shownSpec(spec: SearchSpec): SearchSpec {
  const { command } = spec;
  if (command === undefined || Object.keys(command.env).length === 0) return spec;
  const env = Object.fromEntries(Object.keys(command.env).map((name) => [name, hiddenValue]));
  return { ...spec, command: { ...command, env } };
}

/** A fact as it leaves the coordinator for anybody but an agent. */
export function shownFact(fact: Fact): Fact {
  const { kind } = fact;
  if (kind?.$case !== "searchCreated" || kind.value.spec === undefined) return fact;
  return { ...fact, kind: { $case: "searchCreated", value: { ...kind.value, spec: shownSpec(kind.value.spec) } } };
}
