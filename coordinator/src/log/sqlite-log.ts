/**
 * The event log in one SQLite file: WAL with full sync, one transaction an append (the runner gives it a whole round: group commit).
 * A row holds one fact as protobuf bytes under a seal. An append is durable in the file, then in its witness, and then it is answered. The
 * file is locked for as long as it is open, so one process writes it. Calls block for the time of one transaction; the witness's turn on the disk
 * blocks nobody, and what is asked meanwhile waits.
 */
import { type Fact, RegulusError } from "@regulus/proto";
import type { Append, AppendOptions, EventLog, ReadOptions } from "../ports.js";
import { compareHeads, headsIn } from "./compare-heads.js";
import { insert, insertRows, noTrial } from "./fact-rows.js";
import { keepWriteAhead } from "./kept-write-ahead.js";
import { LogFiles } from "./log-files.js";
import { type Reading, readFacts } from "./read-facts.js";
import { assertBatch, conflict, encodeRows, trialOf } from "./records.js";
import { type Removal, removeLeftovers, removeRows } from "./remove-rows.js";
import { Reserve } from "./reserve.js";
import { damaged, emptyChain, seal } from "./seal.js";
import { fromSystem, systemFailure } from "./sqlite-errors.js";
import { SqliteFile } from "./sqlite-file.js";
import { readWitness, Witness, type WitnessedSearch } from "./witness.js";

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
  /** Settles when what was asked last is done; never fails. */
  #turn: Promise<void> = Promise.resolve();

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
      onWarning?.(`${files.witness} was cut or overwritten; every fact in ${files.log} is whole, and it was rewritten from that`);
    }
    return log;
  }

  async append(batch: readonly Append[], { makesRoom = false }: AppendOptions = {}): Promise<void> {
    await this.#inTurn(async () => {
      this.#assertOpen();
      assertBatch(batch);
      this.#assertInPlace();
      if (makesRoom) this.#onReserve(() => this.#file.guard(() => this.#transact(batch)));
      else this.#file.guard(() => this.#transact(batch));
      await this.#testify(makesRoom);
      if (!makesRoom) this.#reserve.refill();
    });
  }

  read(searchId: string, after: number, options: ReadOptions = {}): AsyncGenerator<readonly Fact[]> {
    return readFacts(this.#reading, searchId, after, options);
  }

  async searches(): Promise<readonly string[]> {
    this.#assertOpen();
    return [...this.#heads.keys()];
  }

  async remove(searchId: string): Promise<void> {
    const head = await this.#inTurn(async () => this.#forget(searchId));
    if (head === undefined) return;
    // From here on it is gone. Its rows go in pieces; what a crash or a disk leaves of them goes when the log is opened next.
    await removeRows(this.#removal, head.key).catch((thrown: unknown) => {
      if (!(thrown instanceof RegulusError)) throw thrown;
    });
    this.#reserve.refill();
  }

  /** Removes a search from the table of searches. Answers where it ended, or nothing where there is none. */
  #forget(searchId: string): WitnessedSearch | undefined {
    this.#assertOpen();
    const head = this.#heads.get(searchId);
    if (head === undefined) return undefined;
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
    return head;
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#turn;
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

  /** Does one thing after another: while the disk works for one, the next one waits. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    const own = before.then(work);
    this.#turn = own.then(
      () => undefined,
      () => undefined,
    );
    return own;
  }

  /** Has the witness say how far searches are. What makes room is synced within its reserve. */
  async #testify(isOnReserve: boolean): Promise<void> {
    const path = this.#files.witness;
    if (isOnReserve) this.#onReserve(() => fromSystem(path, () => this.#witness?.moved(this.#unwitnessed)));
    else {
      await this.#witness?.movedMeanwhile(this.#unwitnessed).catch((thrown: unknown) => {
        throw systemFailure(path, thrown);
      });
    }
    this.#unwitnessed = [];
  }

  /** Does work that makes room: where there is none, with what is kept for that. */
  #onReserve<T>(work: (isOnReserve: boolean) => T): T {
    return this.#reserve.spend(work, () => this.#file.checkpoint());
  }

  get #reading(): Reading {
    return { file: this.#file, headOf: (searchId) => this.#heads.get(searchId), assertOpen: () => this.#assertOpen() };
  }

  get #removal(): Removal {
    return { file: this.#file, isOpen: () => this.#open, onReserve: (work) => this.#onReserve(work) };
  }

  #transact(batch: readonly Append[]): void {
    const moved: WitnessedSearch[] = [];
    this.#file.transaction(() => this.#write(batch, moved));
    for (const head of moved) this.#heads.set(head.id, head);
    this.#unwitnessed.push(...moved);
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

  /** Fails where a file of it is gone: what is written now would be lost. */
  #assertInPlace(): void {
    this.#files.assertInPlace();
    this.#witness?.assertInPlace();
  }

  #assertOpen(): void {
    if (!this.#open) throw new RegulusError("unavailable", `the log ${this.#file.path} is closed`);
  }
}
