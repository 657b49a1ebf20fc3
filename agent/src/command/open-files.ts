/**
 * Which files of a folder the program holds open for writing. Whoever holds one so may be in the middle of it, whatever its times say. Needs /proc;
 * empty on other systems.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { childrenOf } from "../attempts/process-memory.js";

/** Processes of one program, and files that each of them holds open, that are looked at. */
const processesMax = 1_000;
const filesMax = 10_000;
/** Of the flags of an open file, as Linux has them: those that say how it is accessed, and that every write goes to its end. */
const accessMask = 0o3;
const appendFlag = 0o2000;

export interface OpenFiles {
  /** Paths seen from the folder of files that are open for writing anywhere. */
  readonly written: ReadonlySet<string>;
  /** Of files that are open for appending only. */
  readonly appended: ReadonlySet<string>;
}

/** What this process and those below it hold open. */
export function openFiles(folder: string): OpenFiles {
  const written = new Set<string>();
  const appended = new Set<string>();
  const top = `${orElse(() => realpathSync(folder), folder)}/`;
  const waiting = [process.pid];
  for (let seen = 0; seen < processesMax; seen += 1) {
    const pid = waiting.pop();
    if (pid === undefined) break;
    waiting.push(...childrenOf(pid));
    for (const descriptor of orElse(() => readdirSync(`/proc/${pid}/fd`), []).slice(0, filesMax)) {
      const path = orElse(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`), "");
      if (!path.startsWith(top)) continue;
      const flags = flagsOf(pid, descriptor);
      if ((flags & accessMask) === 0) continue;
      ((flags & appendFlag) === 0 ? written : appended).add(path.slice(top.length));
    }
  }
  for (const path of written) appended.delete(path);
  return { written, appended };
}

/** Zero for one that is closed meanwhile. */
function flagsOf(pid: number, descriptor: string): number {
  const text = orElse(() => readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "latin1"), "");
  return Number.parseInt(/^flags:\s*([0-7]+)/m.exec(text)?.[1] ?? "0", 8);
}

/** What ends meanwhile, or is another user's, is not looked at. */
function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
