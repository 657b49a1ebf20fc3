/** Looks at stored artifacts: whether their bytes are those of their names, and whether all are there that searches refer to. */
import { existsSync } from "node:fs";
import { type ArtifactRef, type Fact, RegulusError } from "@regulus/proto";
import { directoryStoreToRead } from "../artifacts/directory-store.js";
import { heldBySearch, heldOf } from "../runner/artifacts/held-artifacts.js";
import { SearchState } from "../search/search-state.js";

/** Findings. */
export interface ArtifactsInspection {
  readonly stored: number;
  readonly bytes: number;
  /** Numbers of damaged and missing ones, of which the lists may hold the first only. */
  readonly damagedCount: number;
  readonly missingCount: number;
  /** Those whose bytes are others, each with one trial that refers to it, if any does. */
  readonly damaged: readonly { readonly sha256: string; readonly searchId?: string; readonly trial?: number | undefined }[];
  /** Sums of those that a search refers to and that are not there, by search. */
  readonly missing: readonly { readonly searchId: string; readonly trial?: number | undefined; readonly sha256: string }[];
}

/** An artifact and what refers to it: a trial, or a search by its inputs. */
export interface Reference {
  readonly searchId: string;
  readonly trial?: number | undefined;
  readonly ref: ArtifactRef;
}

/** What a search refers to after some facts. */
export function* referencesOf(facts: Iterable<Fact>): Generator<Reference> {
  let state: SearchState | undefined;
  for (const fact of facts) {
    if (state === undefined) state = new SearchState(fact);
    else state.tell(fact);
  }
  if (state === undefined) return;
  for (const ref of heldBySearch(state)) yield { searchId: state.searchId, ref };
  for (let number = 0; number < state.nextTrial; number += 1) {
    for (const ref of new Map(heldOf(state, number).map((one) => [one.sha256, one])).values())
      yield { searchId: state.searchId, trial: number, ref };
  }
}

/** Reads every artifact of a folder. `onBytes` hears of progress. */
export async function inspectArtifacts(
  folder: string,
  references: readonly Reference[],
  onBytes: (bytes: number) => void,
): Promise<ArtifactsInspection> {
  const store = directoryStoreToRead(folder);
  const present = new Set<string>();
  const damaged: string[] = [];
  let bytes = 0;
  // Without the folder all that is referred to is missing.
  for await (const { sha256 } of existsSync(folder) ? store.list() : []) {
    try {
      for await (const piece of store.get(sha256)) {
        bytes += piece.byteLength;
        onBytes(bytes);
      }
      present.add(sha256);
    } catch (thrown) {
      if (!(thrown instanceof RegulusError)) throw thrown;
      damaged.push(sha256);
    }
  }
  await store.close();
  const missing = references
    .filter(({ ref }) => !present.has(ref.sha256) && !damaged.includes(ref.sha256))
    .map(({ searchId, trial, ref }) => ({ searchId, trial, sha256: ref.sha256 }));
  const counts = { damagedCount: damaged.length, missingCount: missing.length };
  const users = new Map(references.map(({ searchId, trial, ref }) => [ref.sha256, { searchId, trial }]));
  const named = damaged.map((sha256) => ({ sha256, ...users.get(sha256) }));
  return { stored: present.size + damaged.length, bytes, ...counts, damaged: named, missing };
}
