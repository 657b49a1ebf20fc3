/**
 * Branded ids, so that two strings can't be swapped, and the one place where plain values become them. Messages carry plain strings and
 * numbers; code that keeps ids apart brands them at its door.
 */
import { RegulusError } from "./errors.js";
import { limits } from "./limits.js";
import { show } from "./problem-list.js";

declare const brand: unique symbol;
type Branded<Plain, Name extends string> = Plain & { readonly [brand]: Name };

export type SearchId = Branded<string, "SearchId">;
export type AgentId = Branded<string, "AgentId">;
/** Number of a trial in its search, from 0. */
export type TrialNumber = Branded<number, "TrialNumber">;
/** Number of an attempt at a trial, from 1. */
export type AttemptNumber = Branded<number, "AttemptNumber">;
/** Place of a fact in its search, from 1; 0 stands before the first. */
export type Position = Branded<number, "Position">;

/** A letter or digit, then letters, digits, '.', '_' or '-'. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const idWords = `1 to ${limits.nameCharactersMax} letters, digits, '.', '_' or '-', the first a letter or digit`;

export function toSearchId(text: string, field = "searchId"): SearchId {
  return checkId(text, field) as SearchId;
}

export function toAgentId(text: string, field = "agentId"): AgentId {
  return checkId(text, field) as AgentId;
}

export function toTrialNumber(number: number, field = "trial"): TrialNumber {
  return checkCount(number, 0, field) as TrialNumber;
}

export function toAttemptNumber(number: number, field = "attempt"): AttemptNumber {
  return checkCount(number, 1, field) as AttemptNumber;
}

export function toPosition(number: number, field = "position"): Position {
  return checkCount(number, 0, field) as Position;
}

/** Whether a text can be an id of a search or an agent. */
export function isId(text: unknown): text is string {
  return typeof text === "string" && text.length <= limits.nameCharactersMax && idPattern.test(text);
}

function checkId(text: string, field: string): string {
  if (isId(text)) return text;
  throw RegulusError.invalid([{ field, seen: show(text), expected: idWords }]);
}

function checkCount(number: number, least: number, field: string): number {
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw RegulusError.invalid([{ field, seen: show(number), expected: `a whole number from ${least}` }]);
}
