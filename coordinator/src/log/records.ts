/**
 * Rules shared by all log adapters about a fact: which trial it is about, its bytes, and that a batch is in order.
 */
import { assert, Fact, RegulusError } from "@regulus/proto";
import { encoderOf, partsEncoderOf } from "../encoded.js";
import type { Append } from "../ports.js";
import { damaged, sealBytes } from "./seal.js";

/** Facts in one piece of a read: about 1 ms of decoding between two turns of the event loop. */
export const pieceFactsMax = 500;
/** Encoded bytes in one piece of a read whose reader names no bound of its own. */
export const pieceBytesMax = 1024 * 1024;

/** How many of the next facts make a piece: those that fit into `bytesMax`, and at least one. `sizes` are their encoded bytes. */
export function pieceOf(sizes: readonly number[], bytesMax: number): { readonly facts: number; readonly bytes: number } {
  let [facts, bytes] = [0, 0];
  for (const size of sizes.slice(0, pieceFactsMax)) {
    if (facts > 0 && bytes + size > bytesMax) break;
    facts += 1;
    bytes += size;
  }
  return { facts, bytes };
}

/** The trial that a fact is about, or undefined for one about the whole search. */
export function trialOf(fact: Fact): number | undefined {
  const kind = fact.kind;
  return kind !== undefined && "trial" in kind.value ? kind.value.trial : undefined;
}

/** Bytes of a fact as logs keep them: its protobuf encoding. */
export const encodeFact: (fact: Fact) => Uint8Array = encoderOf(Fact);

/** Rows of facts, with room for their seals. They share one buffer. */
export const encodeRows: (facts: readonly Fact[]) => readonly Uint8Array[] = partsEncoderOf(Fact, sealBytes / 4);

/** A fact from its bytes. Fails with "data-loss" where they are not those of a fact that this version knows. */
export function decodeFact(bytes: Uint8Array, searchId: string, position: number): Fact {
  const where = `row ${position} of search ${searchId}`;
  const fact = decodeAnyFact(bytes, where);
  if (fact.kind === undefined || fact.position !== position || fact.searchId !== searchId) {
    throw damaged(`${where} holds another fact or one of an unknown kind`);
  }
  return fact;
}

/** A fact of any search. Fails with "data-loss". */
export function decodeAnyFact(bytes: Uint8Array, where: string): Fact {
  try {
    return Fact.decode(bytes);
  } catch (cause) {
    throw damaged(`${where} can't be decoded`, cause);
  }
}

/** Stops where a batch is not what a writer may give: positions without gaps after `expected`, each search once. */
export function assertBatch(batch: readonly Append[]): void {
  const seen = new Set<string>();
  for (const { searchId, expected, facts } of batch) {
    assert(!seen.has(searchId), () => `search ${searchId} stands once in a batch`);
    seen.add(searchId);
    assert(facts.length > 0, () => `an append to ${searchId} holds facts`);
    for (const [index, fact] of facts.entries()) {
      assert(fact.searchId === searchId, () => `fact of ${fact.searchId} is appended to ${searchId}`);
      assert(fact.position === expected + 1 + index, () => `position ${fact.position} follows ${expected + index}`);
      assert(fact.kind !== undefined, () => `fact ${fact.position} has a kind`);
    }
  }
}

/** The error of a writer that is not the only one. */
export function conflict(searchId: string, expected: number, seen: number): RegulusError {
  return new RegulusError(
    "conflict",
    `search ${searchId}: the newest fact is ${seen}, the writer expected ${expected}; another writer was there, read again`,
  );
}

/** Stops a read whose caller lost interest. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RegulusError("cancelled", "the read was cancelled by its caller");
}
