/**
 * A program's checkpoint folder as one checkpoint file and back: the agent's header, then a tar of the folder without times and owners, so
 * that equal contents give equal bytes.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { RegulusError } from "@regulus/proto";
import { create, extract } from "tar";
import { type CheckpointHeader, encodeHeader, readHeader } from "../trial/checkpoint-file.js";

export async function archiveDirectory(directory: string, path: string, header: CheckpointHeader): Promise<void> {
  await writeFile(path, encodeHeader(header));
  const bytes = create({ cwd: directory, portable: true, noMtime: true }, ["."]);
  await pipeline(bytes, createWriteStream(path, { flags: "a" }));
}

/** Restores a folder and answers the checkpoint's header. Fails with "data-loss" where the archive is cut short. */
export async function restoreDirectory(path: string, directory: string): Promise<CheckpointHeader> {
  const { header, payloadAt } = await readHeader(path);
  await mkdir(directory, { recursive: true });
  try {
    await pipeline(createReadStream(path, { start: payloadAt }), extract({ cwd: directory, strict: true }));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RegulusError("data-loss", `the checkpoint folder can't be restored from its archive: ${words}`, { cause: error });
  }
  return header;
}
