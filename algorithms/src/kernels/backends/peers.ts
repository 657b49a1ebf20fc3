/**
 * Packages that may be absent: native TensorFlow and webgpu. They are imported from Regulus's own tree, or from the folder that the
 * environment variable REGULUS_PEERS names (one with a node_modules folder, as an image has beside the application).
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The folder to look for optional packages in, besides Regulus's own. */
export const PEERS_VARIABLE = "REGULUS_PEERS";

/** Why a backend is not available here; a sentence for people. */
export class Unavailable extends Error {}

/**
 * Imports a package that may be absent.
 * @throws Unavailable when it is.
 */
export async function importPeer(packageName: string): Promise<object> {
  const imported: unknown = await import(pathToFileURL(resolvePeer(packageName)).href);
  if (typeof imported !== "object" || imported === null) throw new Unavailable(`npm package ${packageName} is not a module`);
  return imported;
}

function resolvePeer(packageName: string): string {
  const peers = process.env[PEERS_VARIABLE];
  for (const from of [import.meta.url, ...(peers ? [join(peers, "package.json")] : [])]) {
    try {
      return createRequire(from).resolve(packageName);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) throw error;
    }
  }
  throw new Unavailable(`npm package ${packageName} is not installed${peers ? `, nor in ${peers}` : ""}`);
}
