/**
 * Which compute backend this process trains on: the quickest that is here, or the one that was asked for, with the reason for each. It
 * makes tfjs quiet, installs our kernels and gradients, and leaves tfjs on the chosen backend. It builds and downloads nothing.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { installGradients } from "./gradients/install.js";
import { installWasmKernels } from "./wasm/install.js";

/** What a user may ask for; `tensorflow` means native TensorFlow on a GPU where there is one, else on the CPU. */
export const BACKEND_PREFERENCES = ["auto", "tensorflow", "webgpu", "wasm", "cpu"] as const;
export type BackendPreference = (typeof BACKEND_PREFERENCES)[number];

/** A backend that was looked at. */
export interface BackendTry {
  /** `tensorflow-gpu`, `tensorflow`, `webgpu`, `wasm` or `cpu`. */
  readonly name: string;
  readonly available: boolean;
  /** Why it is, or is not, available; one sentence for people. */
  readonly reason: string;
}

/** The backend that tfjs is on from now on. */
export interface BackendChoice {
  readonly name: string;
  /** Why this one; one sentence for people. */
  readonly reason: string;
  /** Every backend looked at, in order of preference, the chosen one last. */
  readonly tried: readonly BackendTry[];
}

/** A backend that may be here: `open` sets tfjs on it and says what it found, or throws. */
interface Candidate {
  readonly name: string;
  readonly preference: BackendPreference;
  readonly install: string;
  open(): Promise<string>;
}

const CANDIDATES: readonly Candidate[] = [
  {
    name: "tensorflow-gpu",
    preference: "tensorflow",
    install: "npm install @tensorflow/tfjs-node-gpu --ignore-scripts, then npm run build-native -w agent (docs/backends.md)",
    open: () => openNative("@tensorflow/tfjs-node-gpu"),
  },
  {
    name: "tensorflow",
    preference: "tensorflow",
    install: "npm install @tensorflow/tfjs-node --ignore-scripts, then npm run build-native -w agent (docs/backends.md)",
    open: () => openNative("@tensorflow/tfjs-node"),
  },
  {
    name: "webgpu",
    preference: "webgpu",
    install: "npm install webgpu @tensorflow/tfjs-backend-webgpu (docs/backends.md)",
    open: openWebgpu,
  },
  { name: "wasm", preference: "wasm", install: "npm ci", open: openWasm },
  { name: "cpu", preference: "cpu", install: "npm ci", open: openCpu },
];

/**
 * Sets tfjs on the first available backend that the preference allows.
 * @throws RegulusError `failed-precondition` when none is, saying what to install.
 */
export async function chooseBackend(preference: BackendPreference): Promise<BackendChoice> {
  tf.enableProdMode();
  installGradients();
  const tried: BackendTry[] = [];
  for (const candidate of CANDIDATES) {
    if (preference !== "auto" && preference !== candidate.preference) continue;
    try {
      const found = await candidate.open();
      tried.push({ name: candidate.name, available: true, reason: found });
      const why = preference === "auto" ? "the quickest backend on this machine" : `asked for as ${preference}`;
      return { name: candidate.name, reason: `${why}: ${found}`, tried };
    } catch (error) {
      tried.push({ name: candidate.name, available: false, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  const looked = tried.map((each) => `${each.name}: ${each.reason}`).join("; ");
  const remedies = CANDIDATES.filter((each) => each.preference === preference).map((each) => each.install);
  throw new RegulusError(
    "failed-precondition",
    `backend ${preference} is not available (${looked}). To install it: ${remedies.join("; or ")}. Or ask for auto, wasm or cpu.`,
  );
}

async function openNative(packageName: string): Promise<string> {
  await importOptional(packageName);
  await use("tensorflow");
  return `${packageName} is installed and loads`;
}

async function openWebgpu(): Promise<string> {
  await importOptional("webgpu");
  await importOptional("@tensorflow/tfjs-backend-webgpu");
  await use("webgpu");
  return "webgpu is installed and has an adapter";
}

async function openWasm(): Promise<string> {
  const home = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  if (!tf.engine().registry.wasm) setWasmPaths(join(home, "dist/"));
  // Threads need browser workers; on Node tfjs runs one thread, and one slot is one core.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  installWasmKernels();
  await use("wasm");
  return "WebAssembly with SIMD and Regulus's training kernels, one thread";
}

async function openCpu(): Promise<string> {
  await use("cpu");
  return "plain JavaScript, always there and slow";
}

async function use(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start its ${name} backend`);
  await tf.ready();
}

/** Imports a package that may be absent. The name stays a variable so that the compiler does not ask for its types. */
async function importOptional(packageName: string): Promise<unknown> {
  try {
    return await import(packageName);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")
      throw new Error(`npm package ${packageName} is not installed`);
    throw error;
  }
}
