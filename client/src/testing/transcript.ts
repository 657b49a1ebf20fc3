/**
 * Transcripts: a user's view, kept as text beside its test. A change of one is a change for users, to be read before it is
 * kept: REGULUS_TRANSCRIPTS=write with the test's own command writes it anew.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

/** Compares with the file of this name in the sources beside a compiled test, whose own URL is `test`. */
export function assertTranscript(test: string, name: string, text: string): void {
  const file = new URL(test.replace(/\/dist\/(.*\/)[^/]*$/, `/src/$1${name}`));
  if (process.env.REGULUS_TRANSCRIPTS === "write") writeFileSync(file, text);
  const again = `if this change is meant, rewrite it: REGULUS_TRANSCRIPTS=write node ${new URL(test).pathname}`;
  const kept = readFileSync(file, "utf8").split("\n");
  for (const [at, line] of text.split("\n").entries()) assert.equal(line, kept[at], `${name}, line ${at + 1}: ${again}`);
  assert.equal(text.split("\n").length, kept.length, `${name} has other lines at its end; ${again}`);
}
