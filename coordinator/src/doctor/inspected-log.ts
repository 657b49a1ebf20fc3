/**
 * Looks at every fact of a log that nobody has open, by a copy, so that no byte of the original changes: which searches are whole, and up to where
 * those that are not can be read. Says what is wrong and goes on where opening the log would stop at the first fault.
 */
import { constants, copyFileSync, existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { type Fact, RegulusError } from "@regulus/proto";
import { compareHeads, headsIn } from "../log/compare-heads.js";
import { factColumn, rowsOf } from "../log/fact-rows.js";
import { LogFiles } from "../log/log-files.js";
import { decodeAnyFact, decodeFact } from "../log/records.js";
import { chainOf, emptyChain, unseal } from "../log/seal.js";
import { SqliteFile } from "../log/sqlite-file.js";
import { readWitness, type Testimony, type WitnessedSearch } from "../log/witness.js";
import { makeScratch } from "./scratch.js";

/** Rows read at once; one at a time near damage. */
const rowsAtOnce = 500;

/** Findings of one search. */
export interface InspectedSearch {
  readonly key: number;
  readonly searchId: string;
  /** Position up to which its facts are good. */
  readonly good: number;
  /** Facts that were acknowledged, as the witness or, without one, the list of searches says. */
  readonly acknowledged: number;
  /** What is wrong with it; empty for nothing. */
  readonly problem: string;
}

export class InspectedLog {
  /** What is wrong with the log as a whole. */
  readonly problems: string[] = [];
  readonly #scratch: string;
  #file: SqliteFile | undefined;
  #heads: readonly WitnessedSearch[] = [];
  #testimony: Testimony | undefined;

  /** Copies a log and opens the copy. Fails with "failed-precondition" while a coordinator has the log open, or it is of another version. */
  constructor(path: string) {
    const files = new LogFiles(path);
    files.assertFree();
    files.assertRepaired();
    this.#scratch = makeScratch(files.folder);
    try {
      this.#note(() => {
        this.#testimony = readWitness(files.witness);
      });
      this.#note(() => files.assertNotLost((this.#testimony?.keyMax ?? 0) > 0));
      if (existsSync(files.log)) this.#open(files);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** Looks at every search, and tells how many facts it has read. */
  inspect(onFacts: (facts: number) => void): readonly InspectedSearch[] {
    let read = 0;
    const searches = [...this.#keys()].map((key) => {
      const head = this.#heads.find((known) => known.key === key);
      const witnessed = this.#testimony?.searches.get(key);
      const facts = this.facts(key);
      let [good, searchId, next] = [0, witnessed?.id ?? head?.id ?? "", facts.next()];
      for (; next.done !== true; next = facts.next()) {
        good = next.value.position;
        searchId ||= next.value.searchId;
        read += 1;
        if (read % 10_000 === 0) onFacts(read);
      }
      const acknowledged = witnessed?.position ?? head?.position ?? good;
      const missing = good < Math.max(acknowledged, head?.position ?? 0) ? "facts are missing" : "";
      return { key, searchId, good, acknowledged, problem: next.value || missing };
    });
    if (searches.every(({ problem }) => problem === "")) this.#compare();
    return searches;
  }

  /** Facts of a search, in order, up to the first that is damaged. Answers what is wrong with that one; empty for nothing. */
  *facts(key: number): Generator<Fact, string> {
    let position = 0;
    let chain = emptyChain;
    let count = rowsAtOnce;
    for (;;) {
      try {
        const rows = this.#rows(key, position, count);
        if (rows.length === 0) return "";
        for (const row of rows) {
          const fact = this.#factOf(row, position + 1, chain);
          yield fact;
          position += 1;
          chain = chainOf(row);
        }
      } catch (thrown) {
        if (!(thrown instanceof RegulusError)) throw thrown;
        if (count === 1) return thrown.message.replace("the log is damaged: ", "");
        count = 1;
      }
    }
  }

  close(): void {
    this.#file?.close();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #open(files: LogFiles): void {
    const copy = join(this.#scratch, basename(files.log));
    copyFileSync(files.log, copy, constants.COPYFILE_FICLONE);
    // The last is there where a process was killed while it closed: SQLite has something to take back.
    for (const end of ["-wal", "-journal"]) {
      if (existsSync(files.log + end)) copyFileSync(files.log + end, copy + end, constants.COPYFILE_FICLONE);
    }
    this.#note(() => {
      const file = new SqliteFile(copy);
      file.begin(undefined, (isEmpty) => this.#note(() => files.assertWitnessed(isEmpty, this.#testimony)));
      this.#file = file;
    });
    const file = this.#file;
    if (file === undefined) return;
    this.#note(() => file.guard(() => file.check()));
    this.#note(() => {
      this.#heads = headsIn(file);
    });
  }

  /** What a search alone does not show: other facts than were acknowledged, whole though they are. */
  #compare(): void {
    const [file, testimony] = [this.#file, this.#testimony];
    if (file !== undefined && testimony !== undefined) this.#note(() => compareHeads(file, this.#heads, testimony));
  }

  /** Searches by any trace of them. */
  #keys(): ReadonlySet<number> {
    const listed = [...this.#heads.map(({ key }) => key), ...(this.#testimony?.searches.keys() ?? [])];
    const found: number[] = [];
    const file = this.#file;
    if (file !== undefined && this.#heads.length === 0 && this.#testimony === undefined) {
      this.#note(() => {
        const rows = file.guard(() => file.prepare("SELECT DISTINCT CAST(search AS INTEGER) FROM facts").all());
        found.push(...rows.map((row) => Number(Array.isArray(row) ? row[0] : Number.NaN)).filter(Number.isSafeInteger));
      });
    }
    return new Set([...listed, ...found].sort((a, b) => a - b));
  }

  #rows(key: number, after: number, count: number): Uint8Array[] {
    const file = this.#file;
    if (file === undefined) return [];
    const text = `SELECT ${factColumn} FROM facts WHERE search = ? AND position > ? ORDER BY position LIMIT ?`;
    const rows = file.guard(() => file.prepare(text).all(key, after, count));
    return rowsOf(rows.map((row) => [0, Array.isArray(row) ? row[0] : undefined])).map(([, bytes]) => bytes);
  }

  #factOf(row: Uint8Array, position: number, chain: number): Fact {
    const where = `fact ${position}`;
    const bytes = unseal(row, chain, () => where);
    return decodeFact(bytes, decodeAnyFact(bytes, where).searchId, position);
  }

  /** Notes what is wrong and goes on; another version or a log in use ends the inspection. */
  #note(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof RegulusError) || thrown.code !== "data-loss") throw thrown;
      const words = thrown.message.replace("the log is damaged: ", "");
      if (!this.problems.includes(words)) this.problems.push(words);
    }
  }
}
