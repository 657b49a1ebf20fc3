/** Which compute backends this machine has, best first, as a prepared trial process found them. */
import type { BackendLooked } from "../trial/messages.js";

export interface Compute {
  /** Backends that a search may ask for, best first; empty where none could be prepared. */
  readonly backends: readonly string[];
  /** Why the first was chosen, or why there is none. */
  readonly reason: string;
  readonly tried: readonly BackendLooked[];
}

/** Backends that every installation has: they ship inside the npm packages. */
const always = ["wasm", "cpu"];

/**
 * What to register. The chooser stops at the first backend that works; of those below it only the ones that every installation has are known
 * to work. `tensorflow-gpu` is registered as the `tensorflow` that a search asks for.
 */
export function computeOf(
  preference: string,
  chosen: { backend: string; reason: string; tried: readonly BackendLooked[] },
): Compute {
  const first = chosen.backend === "tensorflow-gpu" ? "tensorflow" : chosen.backend;
  const others = preference === "auto" ? always.filter((name) => name !== first) : [];
  // On a machine where wasm failed, the plain backend was chosen, and wasm is not offered.
  const failed = new Set(chosen.tried.filter((looked) => !looked.available).map((looked) => looked.name));
  return { backends: [first, ...others.filter((name) => !failed.has(name))], reason: chosen.reason, tried: chosen.tried };
}
