/**
 * The checkpoints of one run of a program: freezes the folder when the program announces one, packs the best and the newest when `checkpointEvery`
 * has passed and the store has the one before, and packs what is left when the program has ended. Each archive has its own path and was read back.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Objective, show } from "@regulus/proto";
import { type CheckpointHeader, ownFolder } from "../trial/checkpoint-file.js";
import type { FromTrial } from "../trial/messages.js";
import { type Archive, archiveDirectory } from "./directory-archive.js";
import { FileHistories, type FileState } from "./file-histories.js";
import { fileStates } from "./file-states.js";
import {
  changedFiles,
  type FolderSnapshot,
  freezeFolder,
  removeSnapshot,
  withoutFiles,
  writtenFiles,
} from "./folder-snapshot.js";
import { PendingCheckpoints } from "./pending-checkpoints.js";

/** Times that a snapshot is packed again without the files that the program had begun to write. */
const packTriesMax = 3;

/** Announcements in a row that may be lost to files being written before that is told: a file that is about to be renamed is one of them. */
const changedInARowMax = 5;

const changedAdvice =
  "write under a temporary name, close and rename before the line, or keep files that are written all the time elsewhere or open for appending";

/** Different warnings about one run's checkpoints. */
const warnedMax = 16;

export interface ProgramCheckpointsOptions {
  /** The attempt's own folder. */
  readonly directory: string;
  /** The folder that the program saves in. */
  readonly folder: string;
  /** Least time between two packs, in milliseconds. */
  readonly everyMs: number;
  /** Step of the checkpoint that the program was given; 0 for none. */
  readonly resumedStep: number;
  /** Which of two values of the objective is the better one. */
  readonly objective: Pick<Objective, "direction">;
  header(step: number): CheckpointHeader;
  /** Whether the last checkpoint that was sent is stored. */
  stored(): boolean;
  send(message: FromTrial): void;
  /** Bytes of a checkpoint were frozen, packed or read back. */
  moved(): void;
}

/** What a program announced. */
interface Announced {
  readonly step: number;
  /** When its line was read, in milliseconds since 1970. */
  readonly atMs: number;
  /** The files as they were then. */
  readonly states: ReadonlyMap<string, FileState>;
}

interface Frozen extends Announced {
  readonly snapshot: FolderSnapshot;
}

export class ProgramCheckpoints {
  /** The newest announcement that is not frozen yet, and those that are frozen and not packed. */
  #announced: Announced | undefined;
  readonly #pending: PendingCheckpoints<Frozen>;
  readonly #histories = new FileHistories();
  #newestStep = -1;
  #sent: { readonly step: number; readonly contents: string } | undefined;
  #files = 0;
  #packedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  /** The freezing that runs, and the packing. A folder is frozen at once, also while another one is packed. */
  #freezing: Promise<void> | undefined;
  #packing: Promise<void> | undefined;
  /** Announcements in a row, and in all, that were not stored since the program wrote into their files. */
  #changedInARow = 0;
  #changedCount = 0;
  /** The last of them, and a file that it was lost for. */
  #changedStep = -1;
  #changedName = "";
  readonly #warned = new Set<string>();

  readonly #options: ProgramCheckpointsOptions;

  constructor(options: ProgramCheckpointsOptions) {
    this.#options = options;
    this.#pending = new PendingCheckpoints(options.objective);
  }

  /** The program says that its folder is whole and holds a step. */
  announce(step: number): void {
    if (step < this.#newestStep) {
      const words = `it announced a checkpoint at step ${step} after one at step ${this.#newestStep}: not stored; expected steps that do not decrease`;
      this.#warnOnce("back", words);
      return;
    }
    this.#newestStep = step;
    this.#announced = { step, atMs: Date.now(), states: fileStates(this.#options.folder) };
    this.look();
  }

  /** The program measured a step: one before where it was to go on says that it did not load its checkpoint. `value`: of the objective. */
  measured(step: number, value = Number.NaN): void {
    this.#pending.measured(step, value);
    const { resumedStep, folder } = this.#options;
    if (step >= resumedStep) return;
    const words = `it should continue from step ${resumedStep}, but measured step ${step}: it did not load its checkpoint from REGULUS_CHECKPOINT_DIR (${folder})`;
    this.#warnOnce("begun again", words);
  }

  /** Freezes and packs what it is time for. Called when the store has the checkpoint before, too. */
  look(): void {
    const announced = this.#announced;
    if (announced !== undefined && this.#freezing === undefined) {
      this.#announced = undefined;
      this.#freezing = this.#told(this.#freeze(announced, this.#isDue)).finally(() => {
        this.#freezing = undefined;
        // Before the next one is frozen: a program that announces all the time is packed, too. What it announced last is its last word.
        if (!this.#ended) this.#packIfDue();
        this.look();
      });
    }
    // What is being frozen is packed instead of what waits.
    if (this.#freezing === undefined) this.#packIfDue();
  }

  #packIfDue(): void {
    clearTimeout(this.#timer);
    if (this.#packing !== undefined || this.#pending.isEmpty) return;
    if (this.#isDue) {
      this.#packing = this.#told(this.#pack()).finally(() => {
        this.#packing = undefined;
        this.look();
      });
    } else if (this.#waitMs > 0) this.#timer = setTimeout(() => this.look(), this.#waitMs);
  }

  get #waitMs(): number {
    return this.#packedMs + this.#options.everyMs - performance.now();
  }

  get #isDue(): boolean {
    return this.#ended || (this.#waitMs <= 0 && this.#options.stored());
  }

  /** The program has ended: packs what it announced last. Resolves when nothing is left to send. */
  async finish(): Promise<void> {
    this.#ended = true;
    this.look();
    await this.settled();
    if (this.#changedInARow > 0) this.#warnChanged(this.#changedStep);
    if (this.#changedCount >= changedInARowMax) {
      const many = `${this.#changedCount} announced checkpoints are not stored, because their files changed`;
      this.#warnOnce("changed in all", `${many}, ${show(this.#changedName)} the last; ${changedAdvice}`);
    }
  }

  /** Resolves when what was announced is frozen, and packed where it is time. */
  async settled(): Promise<void> {
    while (this.#freezing !== undefined || this.#packing !== undefined) await Promise.all([this.#freezing, this.#packing]);
  }

  /** Never throws. */
  async #told(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#warnOnce(words, `the checkpoint folder at step ${this.#newestStep} could not be packed: ${words}`);
    }
  }

  /** What may be the best, and what is packed now, is worth a copy of the files that the program may write in place meanwhile. */
  async #freeze(announced: Announced, isDue: boolean): Promise<void> {
    this.#files += 1;
    const isWorthCopies = !this.#ended && (isDue || this.#pending.mayBeBest(announced.step));
    const whole = await freezeFolder(this.#options.folder, join(this.#options.directory, `frozen-${this.#files}`), {
      without: ownFolder,
      announcedMs: announced.atMs,
      isCopied: (path, state) => !this.#histories.isKeptByLink(path, state) && isWorthCopies,
      announced: announced.states,
      moved: () => this.#options.moved(),
    });
    const [other] = whole.others;
    if (other !== undefined) {
      const words = `a checkpoint holds files, folders and links; ${show(other)} is none of these and was left out at step ${announced.step}`;
      this.#warnOnce("others", words);
    }
    const [broken] = whole.broken;
    // Files that were begun after the announcement are no part of it.
    const snapshot = withoutFiles(whole, whole.torn);
    if (broken === undefined && !snapshot.isEmpty) {
      for (const dropped of this.#pending.add({ ...announced, snapshot })) await removeSnapshot(dropped.snapshot);
      return;
    }
    await removeSnapshot(snapshot);
    if (broken !== undefined) return this.#changed(announced.step, broken);
    const expected = `expected files in REGULUS_CHECKPOINT_DIR (${this.#options.folder}), saved before the line`;
    this.#warnOnce("empty", `the checkpoint at step ${announced.step} is empty and was not stored; ${expected}`);
  }

  async #pack(): Promise<void> {
    const { next: frozen, isBest, dropped } = this.#pending.take();
    for (const { snapshot } of dropped) await removeSnapshot(snapshot);
    if (frozen === undefined) return;
    // The newest follows the best as soon as that is stored.
    if (!isBest) this.#packedMs = performance.now();
    this.#files += 1;
    const path = join(this.#options.directory, `checkpoint-${this.#files}.tar`);
    const archive = await this.#archive(frozen, path, isBest)
      .catch(async (error: unknown) => {
        // Half an archive would keep the room that others need.
        await rm(path, { force: true });
        throw error;
      })
      .finally(() => removeSnapshot(frozen.snapshot));
    const { step } = frozen;
    if (archive !== undefined) this.#pending.packed();
    if (archive === undefined || (this.#sent?.step === step && this.#sent.contents === archive.contents)) {
      await rm(path, { force: true });
      return;
    }
    this.#sent = { step, contents: archive.contents };
    this.#options.send({ kind: "saved", step, path, sha256: archive.sha256 });
  }

  /** Undefined where the program wrote into the announced files meanwhile: what it announces next is packed at once. */
  async #archive({ step, atMs, snapshot }: Frozen, path: string, isBest: boolean): Promise<Archive | undefined> {
    let wanted = snapshot;
    let name = "";
    for (let tries = 0; tries < packTriesMax && !wanted.isEmpty; tries += 1) {
      const archive = await archiveDirectory(wanted, path, this.#options.header(step), () => this.#options.moved()).catch(
        (error: unknown) => error,
      );
      const begunLater = wanted.copied.filter(({ bornMs }) => bornMs > atMs);
      const changed = [...(await changedFiles(wanted)), ...(await writtenFiles(this.#options.folder, begunLater))];
      if (changed.length === 0) {
        // One that waited since before says nothing of the newest.
        if (step >= this.#changedStep) this.#changedInARow = 0;
        if (isArchive(archive)) return archive;
        throw archive;
      }
      // Files that were begun after the announcement are no part of it.
      name = changed.find(({ bornMs }) => bornMs <= atMs)?.path ?? name;
      if (name !== "") break;
      wanted = withoutFiles(wanted, changed);
    }
    if (isBest) {
      this.#warnBestChanged(step);
      return undefined;
    }
    this.#changed(step, name);
    return undefined;
  }

  /** The program wrote into what it had announced: its next announcement is packed at once. */
  #changed(step: number, name: string): void {
    this.#packedMs = Number.NEGATIVE_INFINITY;
    this.#changedInARow += 1;
    this.#changedCount += 1;
    this.#changedStep = step;
    this.#changedName = name;
    if (this.#changedInARow >= changedInARowMax) this.#warnChanged(step);
  }

  #warnChanged(step: number): void {
    const seen = `its file ${show(this.#changedName)} was written to, or still open for writing, after the line`;
    this.#warnOnce("changed", `the checkpoint at step ${step} is not stored: ${seen}; ${changedAdvice}`);
  }

  #warnBestChanged(step: number): void {
    const words = `the checkpoint at step ${step}, the best until then, is not stored: its files were written to afterwards`;
    this.#warnOnce("best changed", `${words}; write files beside and rename them, and the best is kept`);
  }

  #warnOnce(about: string, message: string): void {
    if (this.#warned.has(about) || this.#warned.size >= warnedMax) return;
    this.#warned.add(about);
    this.#options.send({ kind: "found", source: "command", severity: "warning", message });
  }
}

function isArchive(value: unknown): value is Archive {
  return typeof value === "object" && value !== null && "contents" in value;
}
