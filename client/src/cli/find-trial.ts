/** A trial by its number or as the best of its search, as people type it. */
import { RegulusError, type Search } from "@regulus/proto";
import { InvalidArgumentError } from "commander";
import { wholeNumber } from "./read-values.js";

export type TrialName = number | "best";

export function trialName(text: string): TrialName {
  if (text === "best") return text;
  try {
    return wholeNumber(text);
  } catch {
    throw new InvalidArgumentError("expected a whole number from 0, or best");
  }
}

/** Its number. Fails for the best of a search in which nothing was measured. */
export function trialNumber({ searchId, bestTrial }: Search, name: TrialName): number {
  const number = name === "best" ? bestTrial : name;
  if (number === undefined) throw new RegulusError("not-found", `search ${searchId} has no measured trial yet`);
  return number;
}
