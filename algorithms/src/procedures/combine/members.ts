/** The members of an ensemble: their files of predictions by split, opened and found to be of the same rows and classes. */
import { RegulusError } from "@regulus/proto";
import { type PredictionRows, type PredictionSplit, PredictionsFile } from "../../predictions/index.js";
import type { GivenInput } from "../../training/contracts/procedure.js";

/** One trial's predictions. */
export interface Member {
  /** What messages call it. */
  readonly name: string;
  /** By split. */
  readonly files: ReadonlyMap<PredictionSplit, PredictionsFile>;
}

/** The members in the order in which they are first given. Fails where one lacks a split that another has, or differs in its shape. */
export async function openMembers(inputs: readonly GivenInput[]): Promise<readonly Member[]> {
  const members = new Map<string, { name: string; files: Map<PredictionSplit, PredictionsFile> }>();
  for (const { searchId, trial, bytes } of inputs) {
    const name = `trial ${trial}${searchId === "" ? "" : ` of search ${searchId}`}`;
    const member = members.get(name) ?? { name, files: new Map() };
    members.set(name, member);
    const file = await told(name, PredictionsFile.open(bytes));
    if (member.files.has(file.split)) throw wrong(`two files of ${file.split} of ${name}`, "one for each split");
    member.files.set(file.split, file);
  }
  const all = [...members.values()];
  const [first] = all;
  if (first === undefined) throw wrong("no predictions", "those of one trial at least");
  for (const member of all) checkAlike(first, member);
  return all;
}

/** Some rows of a member's file of a split; where they can't be read, says which member's. */
export async function rowsOf(
  { name, files }: Member,
  split: PredictionSplit,
  { from, rows }: { readonly from: number; readonly rows: number },
): Promise<PredictionRows | undefined> {
  return await told(`${split} of ${name}`, files.get(split)?.read(from, rows));
}

/** What is read of a file, or why not, with whose it is. */
async function told<T>(whose: string, reading: T | Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw error instanceof RegulusError ? new RegulusError(error.code, `${whose}: ${error.message}`, { cause: error }) : error;
  }
}

/** Fails where two members do not predict the same rows, in one order, towards the same classes. */
export function checkSameRows(
  split: string,
  [first, firstRows]: readonly [Member, PredictionRows],
  [other, otherRows]: readonly [Member, PredictionRows],
): void {
  const at = firstRows.rows.findIndex((row, index) => row !== otherRows.rows[index]);
  if (at >= 0) {
    const seen = `row ${otherRows.rows[at]} of ${split} in ${other.name} where ${first.name} has row ${firstRows.rows[at]}`;
    throw wrong(seen, "the same rows in one order");
  }
  if (firstRows.targets.every((target, index) => target === otherRows.targets[index])) return;
  throw wrong(`other targets of ${split} in ${other.name} than in ${first.name}`, "predictions for the same data");
}

function checkAlike(first: Member, other: Member): void {
  const [wanted, seen] = [[...first.files.keys()].sort(), [...other.files.keys()].sort()];
  if (wanted.join() !== seen.join()) {
    throw wrong(`predictions of ${seen.join(", ")} of ${other.name}`, `those of ${wanted.join(", ")}, as of ${first.name}`);
  }
  for (const [split, { shape }] of first.files) {
    const { shape: others = [] } = other.files.get(split) ?? {};
    if (shape.join() === others.join()) continue;
    throw wrong(`[${others.join(", ")}] for ${split} of ${other.name}`, `[${shape.join(", ")}], as of ${first.name}`);
  }
}

function wrong(seen: string, expected: string): RegulusError {
  return new RegulusError("invalid-argument", `saw ${seen}, expected ${expected}`);
}
