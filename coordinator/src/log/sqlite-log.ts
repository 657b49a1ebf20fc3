/**
 * The event log in one SQLite file: WAL with full sync, one transaction an append (the runner gives it a whole round: group commit).
 * A row holds one fact as protobuf bytes under a seal. An append is durable in the file, then in its witness, and then it is answered. The
 * file is locked for as long as it is open, so one process writes it. Calls block for the time of one transaction; nothing here waits for
 * anything else.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { counted, RegulusError } from "@regulus/proto";
import type { Append, AppendOptions, EventLog, ReadOptions } from "../ports.js";
import { compareHeads, headsIn } from "./compare-heads.js";
import { insert, insertRows, nextPiece, noTrial, rowsAt } from "./fact-rows.js";
import { keepWriteAhead } from "./kept-write-ahead.js";
import { LogFiles } from "./log-files.js";
import {
  assertBatch,
  conflict,
  decodeFact,
  encodeRows,
  pieceBytesMax,
  pieceFactsMax,
  throwIfAborted,
  trialOf,
} from "./records.js";
import { type Removal, removeLeftovers, removeRows } from "./remove-rows.js";
import { Reserve } from "./reserve.js";
import { chainOf, damaged, emptyChain, seal, unseal } from "./seal.js";
import { fromSystem } from "./sqlite-errors.js";
import { SqliteFile } from "./sqlite-file.js";
import { readWitness, Witness, type WitnessedSearch } from "./witness.js";

/** Facts whose sizes a read looks up first; SQLite walks through all bytes of a large one for that. */
const firstRows = 32;
/** What opening a log may write, in bytes; on a full disk it comes from what is kept. */
const openBytes = 1024 * 1024;

/** How a log file is opened. */
export interface SqliteLogOptions {
  /** Path of the file; it and its folder are made where they are missing. */
  readonly path: string;
  /** Most bytes that the file may grow to; absent for no bound. Past it appends fail with "exhausted". */
  readonly bytesMax?: number;
  /** Bytes to keep on the disk for what makes room (reserve.ts); absent for no more than there are already. */
  readonly reserveBytes?: number;
  /** Hears, in words, of what was found wrong and mended. */
  readonly onWarning?: (words: string) => void;
}

/**
 * Opens a log. Fails with "failed-precondition" where another process has it open or it was written by a newer version (and leaves
 * it untouched), with "data-loss" where it is damaged or something else, with "unavailable" where it can't be read or written.
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<EventLog> {
  return SqliteLog.open(options);
}

class SqliteLog implements EventLog {
  readonly #files: LogFiles;
  readonly #file: SqliteFile;
  readonly #reserve: Reserve;
  /** Where each search ends, oldest first. */
  readonly #heads = new Map<string, WitnessedSearch>();
  /** Heads that moved while the witness could not be written. */
  #unwitnessed: WitnessedSearch[] = [];
  #witness: Witness | undefined;
  #release: () => void = () => undefined;
  #open = true;

  private constructor(files: LogFiles, reserve: Reserve) {
    this.#files = files;
    this.#reserve = reserve;
    this.#file = new SqliteFile(files.log);
  }

  /** Opens a log. On a full disk too, so that searches can be stopped and deleted: with what is kept for that. */
  static async open(options: SqliteLogOptions): Promise<SqliteLog> {
    const files = new LogFiles(options.path);
    files.assertRepaired();
    const reserve = new Reserve(files.reserve, options.reserveBytes);
    reserve.release(openBytes);
    try {
      const log = await SqliteLog.#openFiles(files, reserve, options);
      reserve.fill();
      return log;
    } catch (thrown) {
      reserve.restore();
      throw thrown;
    }
  }

  /** Opens a log and compares it with its witness. */
  static async #openFiles(
    files: LogFiles,
    reserve: Reserve,
    { path, bytesMax, onWarning }: SqliteLogOptions,
  ): Promise<SqliteLog> {
    const testimony = fromSystem(path, () => readWitness(files.witness));
    fromSystem(path, () => files.assertNotLost((testimony?.keyMax ?? 0) > 0));
    fromSystem(path, () => files.makeFolder());
    // The witness is the first file that a log gets: where there is any other and no witness, it was lost (LogFiles.assertWitnessed).
    const isUntouched = testimony === undefined && !files.hasDatabase;
    if (isUntouched) fromSystem(files.witness, () => new Witness(files.witness, { searches: new Map(), keyMax: 0 }).close());
    fromSystem(path, () => files.prepare());
    const kept = fromSystem(files.writeAhead, () => keepWriteAhead(files.writeAhead));
    const log = new SqliteLog(files, reserve);
    try {
      log.#begin(testimony, bytesMax);
      await removeLeftovers(log.#removal, log.#heads);
    } catch (thrown) {
      await log.close();
      kept.settle();
      throw thrown;
    }
    kept.forget();
    if (testimony?.isCut === true) {
      onWarning?.(
        `${files.witness} was cut or overwritten; every fact in ${files.log} is whole, and it was written anew from that`,
      );
    }
    return log;
  }

  async append(batch: readonly Append[], { makesRoom = false }: AppendOptions = {}): Promise<void> {
    this.#assertOpen();
    assertBatch(batch);
    this.#assertInPlace();
    const within = makesRoom ? <T>(work: () => T): T => this.#onReserve(work) : <T>(work: () => T): T => work();
    const moved = within(() => this.#file.guard(() => this.#transact(batch)));
    for (const head of moved) this.#heads.set(head.id, head);
    this.#unwitnessed.push(...moved);
    within(() => fromSystem(this.#files.witness, () => this.#witness?.moved(this.#unwitnessed)));
    this.#unwitnessed = [];
    if (!makesRoom) this.#reserve.refill();
  }

  async *read(searchId: string, after: number, options: ReadOptions = {}) {
    this.#assertOpen();
    throwIfAborted(options.signal);
    const end = this.#heads.get(searchId);
    if (end === undefined) return;
    let position = after;
    // The chain is known where all rows are read.
    let chain = after === 0 && options.about === undefined ? emptyChain : undefined;
    let rowsAhead = firstRows;
    while (position < end.position) {
      const place = { key: end.key, after: position, end: end.position, about: options.about };
      const piece = this.#file.guard(() => nextPiece(this.#file, place, options.bytesMax ?? pieceBytesMax, rowsAhead));
      // Where facts are large, few of them fit, and the sizes of few are looked up.
      rowsAhead = Math.min(pieceFactsMax, 2 * piece.facts + 1);
      if (piece.facts === 0) break;
      if (options.room !== undefined) {
        await options.room(piece.bytes);
        throwIfAborted(options.signal);
        this.#assertOpen();
      }
      const rows = this.#file.guard(() => rowsAt(this.#file, place, piece.facts));
      if (rows.length === 0) break;
      const facts = rows.map(([at, row]) => {
        const fact = decodeFact(
          unseal(row, chain, () => `row ${at} of search ${searchId}`),
          searchId,
          at,
        );
        if (options.about === undefined) chain = chainOf(row);
        return fact;
      });
      position = rows.at(-1)?.[0] ?? end.position;
      yield facts;
      await nextTurn();
      throwIfAborted(options.signal);
      this.#assertOpen();
    }
    if (options.about === undefined && after < end.position) this.#assertReached(end, position, chain);
  }

  async searches(): Promise<readonly string[]> {
    this.#assertOpen();
    return [...this.#heads.keys()];
  }

  async remove(searchId: string): Promise<void> {
    this.#assertOpen();
    const head = this.#heads.get(searchId);
    if (head === undefined) return;
    this.#assertInPlace();
    this.#onReserve(() => fromSystem(this.#files.witness, () => this.#witness?.removing(head.key)));
    try {
      const text = "DELETE FROM searches WHERE key = ?";
      this.#onReserve(() => this.#file.guard(() => this.#file.prepare(text).run(head.key)));
    } catch (thrown) {
      this.#unwitnessed.push(head);
      throw thrown;
    }
    this.#heads.delete(searchId);
    // From here on it is gone. Its rows go in pieces; what a crash or a disk leaves of them goes when the log is opened next.
    await removeRows(this.#removal, head.key).catch((thrown: unknown) => {
      if (!(thrown instanceof RegulusError)) throw thrown;
    });
    this.#reserve.refill();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#file.close();
    this.#witness?.close();
    this.#release();
  }

  #begin(testimony: ReturnType<typeof readWitness>, bytesMax: number | undefined): void {
    const isNew = this.#file.begin(bytesMax, (isEmpty) => this.#files.assertWitnessed(isEmpty, testimony));
    if (!isNew) this.#file.guard(() => this.#file.check());
    const heads = headsIn(this.#file);
    if (testimony !== undefined) compareHeads(this.#file, heads, testimony);
    for (const head of heads) this.#heads.set(head.id, head);
    const keyMax = Math.max(testimony?.keyMax ?? 0, ...heads.map((head) => head.key));
    this.#witness = fromSystem(
      this.#files.witness,
      () => new Witness(this.#files.witness, { searches: new Map(heads.map((head) => [head.key, head])), keyMax }),
    );
    fromSystem(this.#files.marker, () => this.#files.mark());
    this.#release = fromSystem(this.#files.holder, () => this.#files.hold());
  }

  /** Does work that makes room: where there is none, with what is kept for that. */
  #onReserve<T>(work: (isOnReserve: boolean) => T): T {
    return this.#reserve.spend(work, () => this.#file.checkpoint());
  }

  get #removal(): Removal {
    return { file: this.#file, isOpen: () => this.#open, onReserve: (work) => this.#onReserve(work) };
  }

  #transact(batch: readonly Append[]): readonly WitnessedSearch[] {
    const moved: WitnessedSearch[] = [];
    this.#file.transaction(() => this.#write(batch, moved));
    return moved;
  }

  #write(batch: readonly Append[], moved: WitnessedSearch[]): void {
    for (const { searchId, expected, facts } of batch) {
      const head = this.#claim(searchId, expected, moved);
      let { chain } = head;
      for (let at = 0; at < facts.length; at += insertRows) {
        const some = facts.slice(at, at + insertRows);
        const trials = some.map(trialOf);
        const values: unknown[] = [head.key, expected + at + 1];
        for (const [index, row] of encodeRows(some).entries()) {
          chain = seal(row, chain);
          values.push(trials[index] ?? noTrial, row);
        }
        this.#file.prepare(insert(some.length)).run(values);
      }
      moved.push(this.#move(head, expected + facts.length, chain));
    }
  }

  /** Where a search ends, which has to be where the writer expects it to: this is what fences writers. */
  #claim(searchId: string, expected: number, moved: readonly WitnessedSearch[]): WitnessedSearch {
    const known = this.#heads.get(searchId);
    if ((known?.position ?? 0) !== expected) throw conflict(searchId, expected, known?.position ?? 0);
    if (known !== undefined) return known;
    const key =
      Math.max(this.#witness?.keyMax ?? 0, ...moved.map((head) => head.key), ...this.#unwitnessed.map((head) => head.key)) + 1;
    return { key, id: searchId, position: 0, chain: emptyChain };
  }

  #move({ key, id, position: before }: WitnessedSearch, position: number, chain: number): WitnessedSearch {
    if (before === 0) {
      this.#file.prepare("INSERT INTO searches (key, id, position, chain) VALUES (?, ?, ?, ?)").run(key, id, position, chain);
    } else {
      const text = "UPDATE searches SET position = ?, chain = ? WHERE key = ? AND position = ?";
      const { changes } = this.#file.prepare(text).run(position, chain, key, before);
      if (changes !== 1) throw damaged(`search ${id} is not at position ${before}, where its newest fact was written`);
    }
    return { key, id, position, chain };
  }

  /** Fails where a read came to its end early, and not because the search was removed meanwhile. */
  #assertReached(end: WitnessedSearch, position: number, chain: number | undefined): void {
    if (this.#heads.get(end.id)?.key !== end.key) return;
    if (position === end.position && (chain === undefined || chain === end.chain)) return;
    throw damaged(`search ${end.id} has ${counted(end.position, "fact")}, those after ${position} are missing`);
  }

  /** Fails where a file of it is gone: what is written now would be lost. */
  #assertInPlace(): void {
    this.#files.assertInPlace();
    this.#witness?.assertInPlace();
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", `the log ${this.#file.path} is closed`);
  }
}
