/**
 * Native TensorFlow through @tensorflow/tfjs-node or -gpu, whose addon `npm run build-native -w agent` builds (docs/backends.md).
 */
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import { importPeer, Unavailable } from "./peers.js";

/** What was loaded. */
export interface NativeTensorflow {
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** One sentence for people. */
  readonly found: string;
}

/** Loads the package and sets tfjs on it. */
export async function openTensorflow(packageName: string): Promise<NativeTensorflow> {
  // Its C++ logs every device to stderr otherwise.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  restoreIsNullOrUndefined();
  try {
    await importPeer(packageName);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    const [line] = String(error instanceof Error ? error.message : error).split("\n");
    throw new Unavailable(
      `npm package ${packageName} is installed but does not load (${line}); run npm run build-native -w agent`,
    );
  }
  if (!(await tf.setBackend("tensorflow"))) throw new Unavailable(`${packageName} could not start`);
  const backend: object = tf.backend();
  const gpu = "isUsingGpuDevice" in backend && backend.isUsingGpuDevice === true;
  return { gpu, found: `native TensorFlow${version(backend)} of ${packageName} on ${gpu ? "a GPU" : "the CPU"}` };
}

function version(backend: object): string {
  const binding: unknown = "binding" in backend ? backend.binding : undefined;
  const seen: unknown =
    typeof binding === "object" && binding !== null && "TF_Version" in binding ? binding.TF_Version : undefined;
  return typeof seen === "string" ? ` ${seen}` : "";
}

/** tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 took away. */
function restoreIsNullOrUndefined(): void {
  const util: object = createRequire(import.meta.url)("node:util");
  if (!("isNullOrUndefined" in util))
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}
