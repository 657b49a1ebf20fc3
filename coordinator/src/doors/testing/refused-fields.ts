/** What tests of request checks share: which fields were refused, and texts and lists of any length. */
import assert from "node:assert/strict";
import { RegulusError } from "@regulus/proto";

/** Paths of the fields that a check refuses. */
export function refused(check: () => unknown): string[] {
  try {
    check();
    return [];
  } catch (thrown) {
    assert.ok(thrown instanceof RegulusError && thrown.code === "invalid-argument", String(thrown));
    return thrown.problems.map(({ field }) => field);
  }
}

export const text = (characters: number) => "x".repeat(characters);

export const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));
