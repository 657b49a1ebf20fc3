/**
 * Which compute backend this process trains on: the quickest that is here, or the one that was asked for, with the reason for each. It
 * makes tfjs quiet, installs our kernels and gradients, and leaves tfjs on the chosen backend. It builds and downloads nothing.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { assert, RegulusError } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { openTensorflow } from "./backends/tensorflow.js";
import { openWebgpu } from "./backends/webgpu.js";
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
  /** `tensorflow-gpu`, `tensorflow`, `webgpu`, `wasm` or `cpu`. */
  readonly name: string;
  /** Why this one; one sentence for people. */
  readonly reason: string;
  /** Every backend looked at, in order of preference, the chosen one last. */
  readonly tried: readonly BackendTry[];
}

/** A backend that may be here: `open` sets tfjs on it and says what it found, or throws. */
interface Candidate {
  readonly name: string;
  readonly preference: Exclude<BackendPreference, "auto">;
  readonly install: string;
  open(preference: BackendPreference): Promise<Opened>;
}

interface Opened {
  readonly found: string;
  /** The candidate's own unless the machine turned out otherwise. */
  readonly name?: string;
}

const CANDIDATES: readonly Candidate[] = [
  {
    name: "tensorflow-gpu",
    preference: "tensorflow",
    install:
      "npm install --no-save --ignore-scripts @tensorflow/tfjs-node-gpu@4.22.0, then npm run build-native -w agent -- --gpu",
    open: () => openNative("@tensorflow/tfjs-node-gpu"),
  },
  {
    name: "tensorflow",
    preference: "tensorflow",
    install: "npm install --no-save --ignore-scripts @tensorflow/tfjs-node@4.22.0, then npm run build-native -w agent",
    open: () => openNative("@tensorflow/tfjs-node"),
  },
  {
    name: "webgpu",
    preference: "webgpu",
    install: "npm install --no-save webgpu @tensorflow/tfjs-backend-webgpu@4.22.0",
    open: async (preference) => ({ found: await openWebgpu(preference === "webgpu") }),
  },
  { name: "wasm", preference: "wasm", install: "npm ci", open: openWasm },
  { name: "cpu", preference: "cpu", install: "npm ci", open: openCpu },
];

/**
 * Sets tfjs on the first available backend that the preference allows.
 * @throws RegulusError `failed-precondition` when none is, saying what to install.
 */
export async function chooseBackend(preference: BackendPreference): Promise<BackendChoice> {
  tf.enableProdMode(); // tfjs's banner and warnings
  const tried: BackendTry[] = [];
  for (const candidate of CANDIDATES) {
    if (preference !== "auto" && preference !== candidate.preference) continue;
    try {
      const { found, name = candidate.name } = await candidate.open(preference);
      installGradients(); // after the import of a backend, which may register tfjs's own again
      tried.push({ name, available: true, reason: found });
      const why = preference === "auto" ? "the fastest backend on this machine" : `asked for as ${preference}`;
      return { name, reason: `${why}: ${found}`, tried };
    } catch (error) {
      tried.push({ name: candidate.name, available: false, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  assert(preference !== "auto", "the cpu backend is always available");
  throw unavailable(preference, tried);
}

function unavailable(preference: BackendPreference, tried: readonly BackendTry[]): RegulusError {
  const looked = tried.map((each) => `${each.name}: ${each.reason}`).join("; ");
  const remedies = CANDIDATES.filter((each) => each.preference === preference).map((each) => each.install);
  return new RegulusError(
    "failed-precondition",
    `backend ${preference} is not available (${looked}). To have it: ${remedies.join("; or ")} (docs/backends.md). Or ask for auto, wasm or cpu.`,
  );
}

async function openNative(packageName: string): Promise<Opened> {
  const { gpu, found } = await openTensorflow(packageName);
  return { found, name: gpu ? "tensorflow-gpu" : "tensorflow" };
}

async function openWasm(): Promise<Opened> {
  const home = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"));
  if (!("wasm" in tf.engine().registry)) setWasmPaths(join(home, "dist/"));
  // Threads need a browser's workers; on Node tfjs runs one thread, and one slot is one core.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  installWasmKernels();
  await use("wasm");
  return { found: "WebAssembly with SIMD and Regulus's training kernels, one thread" };
}

async function openCpu(): Promise<Opened> {
  await use("cpu");
  return { found: "plain JavaScript, always there and slow" };
}

async function use(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs could not start its ${name} backend`);
  await tf.ready();
}
