/** Room on the disk of the artifacts: some of it is the log's, and no upload gets that. */
import { statfs } from "node:fs/promises";
import { counted, limits, RegulusError } from "@regulus/proto";

/** Bytes of a disk. */
export interface DiskBytes {
  readonly free: number;
  readonly total: number;
}

/** An upload that has room. */
export interface Room {
  /** Counts bytes that are on the disk now. */
  came(bytes: number): void;
  leave(): void;
}

export async function diskBytesOf(folder: string): Promise<DiskBytes> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}

export class DiskRoom {
  readonly #folder: string;
  readonly #look: typeof diskBytesOf;
  /** Bytes that uploads have announced and not brought yet. */
  #awaited = 0;

  constructor(folder: string, look: typeof diskBytesOf = diskBytesOf) {
    this.#folder = folder;
    this.#look = look;
  }

  /** Room for an upload of so many bytes. Fails with "exhausted" where only that of the log would be left. */
  async take(bytes: number): Promise<Room> {
    this.#awaited += bytes;
    let left = bytes;
    const gone = (count: number): void => {
      this.#awaited -= count;
      left -= count;
    };
    const { free, total } = await this.#look(this.#folder).catch((thrown: unknown) => {
      gone(left);
      throw thrown;
    });
    const kept = keptOf(total);
    if (free - this.#awaited < kept) {
      gone(left);
      const seen = `${counted(free, "byte")} free on the disk of ${this.#folder}`;
      throw new RegulusError(
        "exhausted",
        `no space for an artifact of ${counted(bytes, "byte")}: ${seen}, of which ${kept} are kept for the log; free some and try again`,
      );
    }
    return { came: (count) => gone(Math.min(count, left)), leave: () => gone(left) };
  }

  /** Whether there is so little that what nobody needs had better go soon. */
  async isShort(): Promise<boolean> {
    const { free, total } = await this.#look(this.#folder);
    return free - this.#awaited < 2 * keptOf(total);
  }
}

function keptOf(total: number): number {
  return Math.min(limits.diskKeptBytesMax, Math.floor(total * limits.diskKeptPart));
}
