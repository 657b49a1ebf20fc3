/**
 * The agent's own folder: its id, kept over restarts; a lock, so that two agents do not answer to one id; scratch folders of attempts, which
 * are empty after a start, since what a killed agent left there belongs to attempts that are over.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { RegulusError } from "@regulus/proto";
import { holderWords, livingHolder } from "@regulus/transport";

/** Its owner's only, whatever the umask. */
const folderMode = 0o700;
const fileMode = 0o600;

export interface DataFolder {
  readonly agentId: string;
  /** Folder of the attempts' folders; an absolute path, as what runs there may work in another folder. */
  readonly scratch: string;
  /** Gives the lock back. */
  release(): void;
}

/** Opens a folder. Fails with "failed-precondition" where a living agent holds it. */
export function openDataFolder(relative: string, id: string | undefined): DataFolder {
  const folder = resolve(relative);
  mkdirSync(folder, { recursive: true, mode: folderMode });
  tightenOwn(folder);
  const lock = join(folder, "lock");
  takeLock(lock, folder);
  const scratch = join(folder, "attempts");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true, mode: folderMode });
  return { agentId: id ?? keptId(join(folder, "agent-id")), scratch, release: () => rmSync(lock, { force: true }) };
}

/** Takes rights of others from a folder that an agent has used before. One that was never an agent's may hold other things: it is left. */
function tightenOwn(folder: string): void {
  const isOurs = existsSync(join(folder, "agent-id")) || existsSync(join(folder, "attempts"));
  if (!isOurs || (statSync(folder).mode & 0o077) === 0) return;
  try {
    chmodSync(folder, folderMode);
  } catch {
    // Somebody else's folder; what is in it is its owner's only all the same.
  }
}

function takeLock(lock: string, folder: string): void {
  const holder = livingHolder(lock);
  if (holder !== undefined) {
    const words = `${folder} is in use by the agent with process id ${holder.pid}`;
    throw new RegulusError("failed-precondition", `${words}: end that one, or give this one another folder with --data`);
  }
  writeFileSync(lock, holderWords(), { mode: fileMode });
}

function keptId(path: string): string {
  const kept = readText(path).trim();
  if (kept !== "") return kept;
  const host = hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 64);
  const id = `${host || "agent"}-${randomBytes(4).toString("hex")}`;
  writeFileSync(path, `${id}\n`, { mode: fileMode });
  return id;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
