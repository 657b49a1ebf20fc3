/**
 * Our WebAssembly module beside tfjs's: instantiated once for each wasm backend on that backend's own memory, so that it reads and writes
 * tensors where they lie. Its source is algorithms/assembly.
 */
import { assert } from "@regulus/proto";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { compiledModule } from "./compiled-module.js";

/** The module's functions; addresses in bytes, lengths in elements, flags 0 or 1. See algorithms/assembly for each. */
export interface KernelModule {
  gemm(...args: GemmArguments): void;
  convFilterGradient(x: number, dy: number, out: number, ...shape: ConvShape): void;
  convInputGradient(dy: number, filter: number, out: number, ...shape: ConvShape): void;
  maxPoolGradient(dy: number, x: number, y: number, out: number, ...shape: PoolShape): void;
  maxPoolTangent(dx: number, x: number, y: number, out: number, ...shape: PoolShape): void;
  averagePoolGradient(dy: number, out: number, ...shapeAndShare: [...PoolShape, share: number]): void;
  /** The first position of an index outside, or -1. */
  gather(x: number, ids: number, out: number, outer: number, length: number, inner: number, count: number): number;
  segmentSum(x: number, ids: number, out: number, rows: number, inner: number, segments: number): void;
  /** out = base + slope * by; steps in bytes, 0 for a row that all share. */
  bend(...args: [...tensors: BendTensors, out: number, ...size: [rows: number, columns: number], ...steps: BendTensors]): void;
  bendGradient(...args: BendGradientArguments): void;
  /** Addresses may be 0 for none; rows in bytes. */
  bendPlaces(
    ...args: [
      ...tensors: [base: number, slope: number, by: number, bias: number, out: number],
      ...size: [batch: number, places: number, columns: number],
      ...rows: [base: number, slope: number],
    ]
  ): void;
  bendPlacesGradient(
    ...args: [
      ...tensors: BendTensors,
      ...out: [base: number, slope: number, by: number, bias: number],
      ...size: [batch: number, places: number, columns: number],
      ...rows: [slope: number, outBase: number, outSlope: number],
    ]
  ): void;
  /** by is one row for all rows. */
  bentSquares(...args: [...tensors: BendTensors, rows: number, columns: number]): number;
  /** dy is the address of one number. */
  bentSquaresGradient(
    ...args: [dy: number, ...tensors: BendTensors, ...out: BendTensors, ...size: [rows: number, columns: number]]
  ): void;
  lstmCell(...args: [...inputs: LstmStates, outCell: number, outHidden: number, rows: number, units: number]): void;
  lstmCellGradient(...args: LstmGradientArguments): void;
  /** out [rows]. */
  softmaxCrossEntropy(logits: number, targets: number, out: number, rows: number, classes: number): void;
  softmaxCrossEntropyGradient(
    ...args: [dy: number, logits: number, targets: number, out: number, ...size: [rows: number, classes: number]]
  ): void;
  reluGradient(dy: number, x: number, out: number, size: number): void;
  /** row [columns] added to each of x [rows, columns]. */
  addRow(x: number, row: number, out: number, rows: number, columns: number): void;
  /** out [columns] of x [rows, columns]. */
  sumRows(x: number, out: number, rows: number, columns: number): void;
  sumAll(x: number, size: number): number;
  momentum(param: number, velocity: number, grad: number, size: number, rate: number, momentum: number, nesterov: number): void;
  adam(...args: AdamArguments): void;
  /** Address of the scratch that gemm writes. */
  readonly scratch: number;
  /** Address of room for `CONV_COLUMN_FLOATS` floats, or more where a patch is longer; grows on demand. */
  columns(patchFloats: number): number;
}

type GemmArguments = [
  ...size: [m: number, n: number, k: number],
  ...a: [address: number, rowLength: number, transposed: number],
  ...b: [address: number, rowLength: number, transposed: number],
  ...c: [address: number, rowLength: number, accumulate: number],
  scratch: number,
];

/** Of a convolution: x [batch, h, w, ci], y [batch, oh, ow, co], filter [kh, kw, ci, co]. */
export type ConvShape = [
  ...x: [batch: number, h: number, w: number, ci: number],
  ...y: [oh: number, ow: number, co: number],
  ...filter: [kh: number, kw: number, strideH: number, strideW: number, padTop: number, padLeft: number],
  ...room: [columns: number, scratch: number],
];

/** Of a pooling: x [batch, h, w, c], y [batch, oh, ow, c], windows of [kh, kw]. */
export type PoolShape = [
  ...x: [batch: number, h: number, w: number, c: number],
  ...y: [oh: number, ow: number],
  ...window: [kh: number, kw: number, strideH: number, strideW: number, padTop: number, padLeft: number],
];

type BendTensors = [base: number, slope: number, by: number];

type BendGradientArguments = [
  ...tensors: [dy: number, slope: number, by: number, outBy: number, outSlope: number],
  ...size: [rows: number, columns: number],
  ...steps: [slope: number, by: number, outBy: number, outSlope: number],
];

type LstmStates = [gates: number, cell: number];

type LstmGradientArguments = [
  ...inputs: [...LstmStates, dCell: number, dHidden: number],
  ...outputs: [outGates: number, outCell: number],
  ...size: [rows: number, units: number],
];

type AdamArguments = [
  ...tensors: [param: number, first: number, second: number, grad: number, size: number],
  ...rates: [rate: number, beta1: number, beta2: number],
  ...corrections: [correction1: number, correction2: number, epsilon: number],
];

/** A cache line. */
const LINE_BYTES = 64;

const modules = new WeakMap<BackendWasm, KernelModule>();

/** The module on this backend's memory. */
export function kernelModule(backend: BackendWasm): KernelModule {
  const known = modules.get(backend);
  if (known !== undefined) return known;
  const made = instantiate(backend);
  modules.set(backend, made);
  return made;
}

function instantiate(backend: BackendWasm): KernelModule {
  const heap = heapOf(backend);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compiledModule()), { env: { memory: heap.asm.memory } });
  const allocate = (size: number): number => {
    const address = heap._malloc(size) >>> 0;
    assert(address !== 0, `the wasm heap has ${size} bytes left for scratch`);
    return address;
  };
  const columnsAtLeast = constant(exports, "CONV_COLUMN_FLOATS");
  let columns = { address: 0, floats: 0 };
  return {
    ...functions(exports),
    scratch: aligned(allocate(constant(exports, "GEMM_SCRATCH_BYTES") + LINE_BYTES)),
    columns(patchFloats) {
      const floats = Math.max(columnsAtLeast, patchFloats);
      if (floats > columns.floats) {
        if (columns.floats > 0) heap._free(columns.address);
        columns = { address: allocate(4 * floats), floats };
      }
      return columns.address;
    },
  };
}

/** Where a cache line begins: the allocator aligns to 8 bytes, and every fourth vector of what products read from would lie across two lines. */
function aligned(address: number): number {
  return Math.ceil(address / LINE_BYTES) * LINE_BYTES;
}

/** What Emscripten gives tfjs's module beside the kernels; tfjs's types leave it out. */
interface EmscriptenHeap {
  readonly asm: { readonly memory: WebAssembly.Memory };
  _malloc(bytes: number): number;
  _free(address: number): void;
}

function heapOf(backend: BackendWasm): EmscriptenHeap {
  const wasm: object = backend.wasm;
  const exports: unknown = "asm" in wasm ? wasm.asm : undefined;
  const memory: unknown = typeof exports === "object" && exports !== null && "memory" in exports ? exports.memory : undefined;
  assert(memory instanceof WebAssembly.Memory, "tfjs-backend-wasm 4.22 exposes its memory as wasm.asm.memory");
  assert("_malloc" in wasm && "_free" in wasm, "tfjs-backend-wasm 4.22 exposes its allocator");
  return wasm as unknown as EmscriptenHeap;
}

function constant(exports: WebAssembly.Exports, name: string): number {
  const value = exports[name];
  assert(value instanceof WebAssembly.Global && typeof value.value === "number", `our wasm module exports the number ${name}`);
  return value.value;
}

const FUNCTIONS = [
  "gemm",
  "convFilterGradient",
  "convInputGradient",
  "maxPoolGradient",
  "maxPoolTangent",
  "averagePoolGradient",
  "gather",
  "segmentSum",
  "bend",
  "bendGradient",
  "bendPlaces",
  "bendPlacesGradient",
  "bentSquares",
  "bentSquaresGradient",
  "lstmCell",
  "lstmCellGradient",
  "softmaxCrossEntropy",
  "softmaxCrossEntropyGradient",
  "reluGradient",
  "addRow",
  "sumRows",
  "sumAll",
  "momentum",
  "adam",
];

type Functions = Omit<KernelModule, "scratch" | "columns">;

/** What the compiled module exports; its types are those of algorithms/assembly, so this is where they are stated. */
function functions(exports: WebAssembly.Exports): Functions {
  for (const name of FUNCTIONS) assert(typeof exports[name] === "function", `our wasm module exports ${name}`);
  return exports as unknown as Functions;
}
