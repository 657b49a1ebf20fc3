/**
 * Predictions of a classifier for rows of a split, as a file (docs/predictions.md): logits in float32 or float16, the numbers of their rows, and
 * the class that each should be. So whoever combines, measures or distils predictions needs neither the model nor the data set. Read in blocks of
 * rows, so that no file has to fit in memory. Pure: no tfjs, no files.
 */
import { assert, counted, expectedOneOf, RegulusError } from "@regulus/proto";
import type { ByteSource } from "./byte-source.js";
import { float16Table, toFloat16 } from "./float16.js";
import { bytesOf, encodeSafetensors, type PlacedTensor, readSafetensors, type WrittenTensor } from "./safetensors.js";

/** What the metadata calls the format; a later version has another number. */
export const predictionsFormat = "regulus-predictions-1";

export const precisions = ["float32", "float16"] as const;
export type Precision = (typeof precisions)[number];

/** Splits that trials may leave predictions for, and the kinds of the artifacts. */
export const predictionSplits = ["train", "tune", "valid", "test"] as const;
export type PredictionSplit = (typeof predictionSplits)[number];
export const predictionsKindOf = (split: PredictionSplit): string => `predictions-${split}`;
export const predictionsKinds: readonly string[] = predictionSplits.map(predictionsKindOf);

/** Rows of predictions. */
export interface PredictionRows {
  /** Numbers of the rows in their split. */
  readonly rows: Int32Array;
  /** Logits [rows, ..., classes], row after row: their softmax over the classes gives probabilities. */
  readonly logits: Float32Array;
  /** The right class [rows, ...] of each prediction. */
  readonly targets: Int32Array;
}

export interface Predictions extends PredictionRows {
  readonly split: PredictionSplit;
  /** [rows, ..., classes]. Between them lies what one row has several predictions for: the places of a text. */
  readonly shape: readonly number[];
}

/** The file of predictions. */
export function encodePredictions({ split, shape, rows, logits, targets }: Predictions, precision: Precision): Uint8Array {
  const places = shape.slice(0, -1);
  assert(shape.length >= 2 && rows.length === shape[0], `rows of the shape [${shape.join(", ")}] are not ${rows.length}`);
  assert(logits.length === sizeOf(shape) && targets.length === sizeOf(places), `numbers for the shape [${shape.join(", ")}]`);
  const half = precision === "float16";
  const values = half ? Uint16Array.from(logits, toFloat16) : logits;
  return encodeSafetensors(
    { format: predictionsFormat, split, values: "logits" },
    {
      rows: numbers("I32", [rows.length], rows),
      targets: numbers("I32", places, targets),
      predictions: numbers(half ? "F16" : "F32", shape, values),
    },
  );
}

/** Whole numbers of a tensor, and what they may be. */
interface WholePart {
  readonly from: number;
  readonly count: number;
  /** What messages call one of them. */
  readonly what: string;
  readonly greatest: number;
}

const int32Max = 2 ** 31 - 1;

/** A file of predictions, opened. */
export class PredictionsFile {
  readonly split: PredictionSplit;
  readonly shape: readonly number[];
  readonly #source: ByteSource;
  readonly #rows: PlacedTensor;
  readonly #targets: PlacedTensor;
  readonly #logits: PlacedTensor;

  private constructor(
    source: ByteSource,
    split: PredictionSplit,
    parts: Readonly<Record<"rows" | "targets" | "logits", PlacedTensor>>,
  ) {
    this.#source = source;
    this.#rows = parts.rows;
    this.#targets = parts.targets;
    this.#logits = parts.logits;
    this.split = split;
    this.shape = parts.logits.shape;
  }

  /** Fails with "data-loss" for a file that is damaged, and with "failed-precondition" for one that holds something else. */
  static async open(source: ByteSource): Promise<PredictionsFile> {
    const { metadata, tensors } = await readSafetensors(source);
    const { format = "none", values = "none" } = metadata;
    if (format !== predictionsFormat) throw strange(`the format ${JSON.stringify(format)}`, predictionsFormat);
    if (values !== "logits") throw strange(`values ${JSON.stringify(values)}`, "logits");
    const split = predictionSplits.find((known) => known === metadata.split);
    if (split === undefined)
      throw strange(`the split ${JSON.stringify(metadata.split ?? "")}`, expectedOneOf("", [...predictionSplits]));
    const logits = tensorOf(tensors, "predictions", ["F32", "F16"]);
    const [rows = 0, ...rest] = logits.shape;
    if (logits.shape.length < 2 || (rest.at(-1) ?? 0) < 2) {
      throw strange(`predictions [${logits.shape.join(", ")}]`, "[rows, ..., classes] with at least two classes");
    }
    if (logits.shape.includes(0)) throw strange(`predictions [${logits.shape.join(", ")}]`, "at least one prediction");
    const parts = {
      logits,
      rows: tensorOf(tensors, "rows", ["I32", "I64"]),
      targets: tensorOf(tensors, "targets", ["I32", "I64"]),
    };
    for (const [name, wanted] of [
      ["rows", [rows]],
      ["targets", logits.shape.slice(0, -1)],
    ] as const) {
      const { shape } = parts[name];
      if (shape.join() !== wanted.join())
        throw strange(`${name} [${shape.join(", ")}]`, `[${wanted.join(", ")}], as predictions say`);
    }
    return new PredictionsFile(source, split, parts);
  }

  /** Rows in all. */
  get rows(): number {
    return this.shape[0] ?? 0;
  }

  get classes(): number {
    return this.shape.at(-1) ?? 0;
  }

  /** Predictions of one row. */
  get places(): number {
    return sizeOf(this.shape.slice(1, -1));
  }

  /** Some rows in the file's order. Fails with "failed-precondition" where a target is none of the classes, or a row has no number. */
  async read(from: number, rows: number): Promise<PredictionRows> {
    const { classes, places } = this;
    return {
      rows: await this.#whole(this.#rows, { from, count: rows, what: "row", greatest: int32Max }),
      targets: await this.#whole(this.#targets, {
        from: from * places,
        count: rows * places,
        what: "target",
        greatest: classes - 1,
      }),
      logits: await this.#real(this.#logits, from * places * classes, rows * places * classes),
    };
  }

  async #whole(tensor: PlacedTensor, { from, count, what, greatest }: WholePart): Promise<Int32Array> {
    const bytes = await this.#bytes(tensor, from, count);
    // Compared before they become int32, where greater ones would wrap.
    const values = tensor.type === "I32" ? new Int32Array(bytes) : new BigInt64Array(bytes);
    for (const [index, value] of values.entries()) {
      if (value < 0 || value > greatest) throw strange(`${what} ${value} at place ${from + index}`, `0 to ${greatest}`);
    }
    return values instanceof Int32Array ? values : Int32Array.from(values, Number);
  }

  async #real(tensor: PlacedTensor, from: number, count: number): Promise<Float32Array> {
    const bytes = await this.#bytes(tensor, from, count);
    if (tensor.type === "F32") return new Float32Array(bytes);
    const table = float16Table();
    const bits = new Uint16Array(bytes);
    const values = new Float32Array(bits.length);
    for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] ?? 0] ?? Number.NaN;
    return values;
  }

  /** Numbers of a tensor as bytes of their own, since those of a file begin anywhere. */
  async #bytes({ type, at }: PlacedTensor, from: number, count: number): Promise<ArrayBuffer> {
    const each = bytesOf(type) ?? 0;
    return new Uint8Array(await this.#source.read(at + from * each, count * each)).buffer;
  }
}

function numbers(
  type: WrittenTensor["type"],
  shape: readonly number[],
  values: Int32Array | Uint16Array | Float32Array,
): WrittenTensor {
  return { type, shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

function tensorOf(tensors: ReadonlyMap<string, PlacedTensor>, name: string, types: readonly string[]): PlacedTensor {
  const found = tensors.get(name);
  if (found === undefined) throw strange(counted(tensors.size, "tensor"), `one called ${name} among them`);
  if (!types.includes(found.type)) throw strange(`${name} in ${found.type}`, types.join(" or "));
  return found;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function strange(seen: string, expected: string): RegulusError {
  return new RegulusError("failed-precondition", `a file of predictions: saw ${seen}, expected ${expected}`);
}
