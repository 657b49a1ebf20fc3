/**
 * The memory of techniques and of a learning-rate controller: tensors, and numbers for every training row. It is made on first use, saved with the
 * trial's checkpoint, moves with it to another agent or trial, and is rolled back after a trial run of the weights.
 */
import { assert, counted, RegulusError } from "@regulus/proto";
import type { NamedTensor } from "./checkpoint.js";

/** Bytes that the techniques and the controller of one trial may remember. A checkpoint holds them, so they cost as much there. */
export const memoryBytesMax = 512 * 1024 * 1024;

/** What remembers. With a colon it stands before the names in a checkpoint; no layer's name begins so. */
const memoryKinds = ["technique", "learning-rate"] as const;
type MemoryKind = (typeof memoryKinds)[number];

/** Numbers that last: float32, in row order of their shape. Written to in place. */
export interface StepMemory {
  /**
   * The numbers of a name.
   * @param fill gives them on first use, where no checkpoint has them; zeros where it is absent.
   */
  numbers(name: string, shape: readonly number[], fill?: (values: Float32Array) => void): Float32Array;
}

/** The memories of one trial. */
export class StepMemories {
  /** By KIND:OWNER/NAME, as in a checkpoint. */
  readonly #kept = new Map<string, NamedTensor>();

  /** The memory of a technique, or of a learning rate, by its name. */
  of(owner: string, kind: MemoryKind = "technique"): StepMemory {
    return { numbers: (name, shape, fill) => this.#numbers(`${kind}:${owner}/${name}`, shape, fill) };
  }

  /** A copy of all that is remembered. */
  save(): NamedTensor[] {
    return [...this.#kept.values()].map(({ name, shape, values }) => ({ name, shape, values: Float32Array.from(values) }));
  }

  /** Remembers what was saved, and nothing else. */
  restore(saved: readonly NamedTensor[]): void {
    this.#kept.clear();
    for (const { name, shape, values } of saved) {
      if (memoryKinds.some((kind) => name.startsWith(`${kind}:`)))
        this.#kept.set(name, { name, shape, values: Float32Array.from(values) });
    }
  }

  #numbers(name: string, shape: readonly number[], fill?: (values: Float32Array) => void): Float32Array {
    const known = this.#kept.get(name);
    if (known !== undefined) {
      if (known.shape.join() === shape.join()) return known.values;
      throw new RegulusError(
        "failed-precondition",
        `the checkpoint remembers ${name} as [${known.shape.join(", ")}], expected [${shape.join(", ")}]: did the data or the model change?`,
      );
    }
    const size = shape.reduce((product, length) => product * length, 1);
    assert(Number.isInteger(size) && size > 0, `${name} of shape [${shape.join(", ")}] has numbers`);
    const bytes = 4 * [...this.#kept.values()].reduce((sum, { values }) => sum + values.length, size);
    if (bytes > memoryBytesMax) {
      const words = `saw ${counted(bytes, "byte")} to remember from step to step, ${name} among them; expected at most ${memoryBytesMax}`;
      throw new RegulusError("failed-precondition", words);
    }
    const values = new Float32Array(size);
    fill?.(values);
    this.#kept.set(name, { name, shape, values });
    return values;
  }
}
