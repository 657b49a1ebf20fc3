/**
 * Which build of our WebAssembly module this Node runs: the one with relaxed SIMD, whose matrix products take one instruction (and one rounding)
 * where the plain one takes two, about twice as quick on x86 and ARM; or the plain one. Relaxed SIMD is on by default since Node 21, and behind
 * a V8 flag in Node 20. Results of the two differ in the last bits, as they do between any two backends: REGULUS_WASM=plain gives every machine
 * the same bits (docs/decisions/0014).
 */
import { setFlagsFromString } from "node:v8";
import { MODULE_BASE64, RELAXED_MODULE_BASE64 } from "./module.generated.js";

/** Bytes of the quickest build that this process can run. */
export function compiledModule(): Uint8Array {
  if (process.env.REGULUS_WASM === "plain") return plainModule();
  const relaxed = Buffer.from(RELAXED_MODULE_BASE64, "base64");
  if (WebAssembly.validate(relaxed)) return relaxed;
  // Only Node 20 has the flag; others would complain about it on stderr. Set after the start, it holds for what is compiled from now on.
  if (process.versions.node.startsWith("20.")) setFlagsFromString("--experimental-wasm-relaxed-simd");
  return WebAssembly.validate(relaxed) ? relaxed : plainModule();
}

/** The build that every Node with SIMD runs. */
export function plainModule(): Uint8Array {
  return Buffer.from(MODULE_BASE64, "base64");
}
