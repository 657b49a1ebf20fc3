/**
 * The files of a log: the database, SQLite's write-ahead log beside it, the witness (witness.ts), and a marker that says that there is a log, so
 * that a lost one is not taken for a new one. Told apart from damage by which of them are there; kept to their owner; watched for being gone.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { RegulusError } from "@regulus/proto";
import { holderWords, livingHolder } from "@regulus/transport";
import { fileMode, folderMode, tighten } from "../file-modes.js";
import { keptOf } from "./kept-write-ahead.js";
import { damaged, misplaced } from "./seal.js";
import { syncFolder, type Testimony } from "./witness.js";

/** What only a coordinator whose log is open makes in the same folder; a folder counts once it holds something. */
export const neighbourNames = ["artifacts", "nats-cursors.json"] as const;

export class LogFiles {
  readonly log: string;
  readonly writeAhead: string;
  readonly witness: string;
  readonly marker: string;
  /** Process id of who has it open: for those who look at the files and not through SQLite, which has a lock of its own. */
  readonly holder: string;
  /** Bytes for a full disk (reserve.ts). Worth nothing: no part of the log. */
  readonly reserve: string;
  /** Says which renames of a repair are left to do (doctor/repair-journal.ts). */
  readonly repair: string;
  readonly folder: string;
  /** Devices and inodes, as they were when first looked at. */
  readonly #places = new Map<string, string>();

  constructor(log: string) {
    this.folder = dirname(log);
    const name = parse(log).name;
    this.log = log;
    this.writeAhead = `${log}-wal`;
    this.witness = join(this.folder, `${name}.heads`);
    this.marker = join(this.folder, `has-${name}`);
    this.holder = join(this.folder, `${name}.pid`);
    this.reserve = join(this.folder, `${name}.reserve`);
    this.repair = join(this.folder, `${name}.repair`);
  }

  /** Those that together are the log. */
  get all(): readonly string[] {
    return [this.log, this.writeAhead, `${this.log}-journal`, ...keptOf(this.writeAhead), this.witness, this.marker];
  }

  /** Says who has it open. Answers how to take that back. */
  hold(): () => void {
    writeFileSync(this.holder, holderWords(), { mode: fileMode });
    return () => rmSync(this.holder, { force: true });
  }

  /** Fails with "failed-precondition" where a living process has it open. */
  assertFree(): void {
    const pid = livingHolder(this.holder)?.pid;
    if (pid === undefined) return;
    throw new RegulusError(
      "failed-precondition",
      `the log ${this.log} is in use by the coordinator with process id ${pid}; stop that one first`,
    );
  }

  /** Fails with "failed-precondition" where a repair was cut short: what is there is partly the old log and partly the new one. */
  assertRepaired(): void {
    if (!existsSync(this.repair)) return;
    throw new RegulusError(
      "failed-precondition",
      `a repair of the log ${this.log} was cut short; run it again, it continues where it stopped: regulus doctor --data ${this.folder} --repair`,
    );
  }

  /** Fails with "data-loss" where other files say that there was a database, and there is none. */
  assertNotLost(hasWitnessed: boolean): void {
    if (sizeOf(this.log) > 0) return;
    const traces = [
      ...(sizeOf(this.writeAhead) >= 0 ? [this.writeAhead] : []),
      ...(hasWitnessed ? [this.witness] : []),
      ...[this.marker, this.holder, ...keptOf(this.writeAhead), this.reserve].filter((path) => sizeOf(path) >= 0),
      ...neighbourNames.map((name) => join(this.folder, name)).filter(holdsSomething),
    ];
    if (traces.length > 0)
      throw damaged(`${this.log} is ${sizeOf(this.log) < 0 ? "missing" : "empty"}, but there is ${traces.join(", ")}`);
  }

  /** Fails with "data-loss" where a database has no witness, which is always written before it, or has nothing of what its witness saw. */
  assertWitnessed(isEmpty: boolean, testimony: Testimony | undefined): void {
    if (isEmpty && (testimony?.keyMax ?? 0) > 0) throw damaged(`${this.log} is empty, but ${this.witness} is not`);
    if (sizeOf(this.witness) >= 0) return;
    const [trace] = [this.log, this.writeAhead, this.marker].filter((path) => sizeOf(path) > 0);
    throw damaged(`${this.witness} is missing${trace === undefined ? "" : `, but there is ${trace}`}`);
  }

  /** Whether the database has any bytes. */
  get hasDatabase(): boolean {
    return sizeOf(this.log) > 0;
  }

  makeFolder(): void {
    mkdirSync(this.folder, { recursive: true, mode: folderMode });
  }

  /** Makes an empty database where it is missing, and keeps all of the log from others. */
  prepare(): void {
    // A folder that was no log's before may hold other things: it is left as it is.
    if (sizeOf(this.marker) >= 0) tighten(this.folder, folderMode);
    closeSync(openSync(this.log, "a", fileMode));
    for (const path of [this.log, this.writeAhead, this.witness, this.marker]) tighten(path, fileMode);
  }

  /** Says that there is a log. */
  mark(): void {
    if (sizeOf(this.marker) > 0) return;
    const words = `There is a log of Regulus in this folder: ${parse(this.log).base}. A coordinator does not start without it.\n`;
    writeFileSync(this.marker, words, { mode: fileMode, flush: true });
    syncFolder(this.folder);
  }

  /** Fails with "unavailable" where a file is gone or is another one than before: what is written now would be lost. */
  assertInPlace(): void {
    for (const path of [this.log, this.writeAhead]) this.#assertInPlace(path);
  }

  #assertInPlace(path: string): void {
    const seen = statSync(path, { throwIfNoEntry: false });
    const known = this.#places.get(path);
    const place = seen && `${seen.dev}:${seen.ino}`;
    if (known === undefined && place !== undefined) this.#places.set(path, place);
    if (known !== undefined && known !== place) throw misplaced(path, place === undefined);
  }
}

/** Whether there is such a file, or such a folder with anything in it: an empty one may have been made for a disk of its own. */
function holdsSomething(path: string): boolean {
  const seen = statSync(path, { throwIfNoEntry: false });
  if (seen?.isDirectory() !== true) return seen !== undefined;
  return readdirSync(path).some((name) => name !== "lost+found");
}

/** Bytes of a file; -1 where there is none. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}
