/** Files of predictions: what is written is read, in any blocks, and the bytes are safetensors; what is not one is refused. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RegulusError } from "@regulus/proto";
import fc from "fast-check";
import { bytesSource } from "./byte-source.js";
import { float16Max, fromFloat16, toFloat16 } from "./float16.js";
import { encodePredictions, type Predictions, PredictionsFile, precisions, predictionSplits } from "./predictions-file.js";
import { encodeSafetensors } from "./safetensors.js";

/** Predictions of any shape with two to four dimensions. */
const predictions = fc
  .tuple(
    fc.integer({ min: 1, max: 9 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    fc.integer({ min: 2, max: 5 }),
  )
  .chain(([rows, places, classes]): fc.Arbitrary<Predictions> => {
    const shape = [rows, ...places, classes];
    const count = shape.reduce((product, size) => product * size, 1);
    const logit = fc.float({ noNaN: true, min: -1000, max: 1000 });
    return fc.record({
      split: fc.constantFrom(...predictionSplits),
      shape: fc.constant(shape),
      rows: fc.int32Array({ minLength: rows, maxLength: rows, min: 0 }),
      logits: fc.array(logit, { minLength: count, maxLength: count }).map((values) => Float32Array.from(values)),
      targets: fc.int32Array({ minLength: count / classes, maxLength: count / classes, min: 0, max: classes - 1 }),
    });
  });

describe("a file of predictions", () => {
  for (const precision of precisions) {
    it(`holds what was written, whatever the blocks that it is read in: ${precision}`, async () => {
      await fc.assert(
        fc.asyncProperty(predictions, fc.integer({ min: 1, max: 4 }), async (written, block) => {
          const file = await PredictionsFile.open(bytesSource(encodePredictions(written, precision)));
          assert.deepEqual([file.split, file.shape], [written.split, written.shape]);
          const read: { rows: number[]; targets: number[]; logits: number[] } = { rows: [], targets: [], logits: [] };
          for (let from = 0; from < file.rows; from += block) {
            const part = await file.read(from, Math.min(block, file.rows - from));
            read.rows.push(...part.rows);
            read.targets.push(...part.targets);
            read.logits.push(...part.logits);
          }
          assert.deepEqual([read.rows, read.targets], [[...written.rows], [...written.targets]]);
          assert.deepEqual(
            read.logits,
            [...written.logits].map(precision === "float32" ? Number : (x) => fromFloat16(toFloat16(x))),
          );
        }),
      );
    });
  }

  it("is safetensors, byte by byte", () => {
    const bytes = encodePredictions(
      { split: "valid", shape: [1, 2], rows: Int32Array.of(7), logits: Float32Array.of(1, -2), targets: Int32Array.of(1) },
      "float16",
    );
    const view = new DataView(bytes.buffer);
    const length = Number(view.getBigUint64(0, true));
    assert.equal((8 + length) % 8, 0);
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    assert.deepEqual(header, {
      __metadata__: { format: "regulus-predictions-1", split: "valid", values: "logits" },
      rows: { dtype: "I32", shape: [1], data_offsets: [0, 4] },
      targets: { dtype: "I32", shape: [1], data_offsets: [4, 8] },
      predictions: { dtype: "F16", shape: [1, 2], data_offsets: [8, 12] },
    });
    // 1 is 0x3c00 and -2 is 0xc000 in binary16.
    assert.deepEqual([...bytes.subarray(8 + length)], [7, 0, 0, 0, 1, 0, 0, 0, 0x00, 0x3c, 0x00, 0xc0]);
  });

  it("may come from another program, with its tensors in any order and rows of 64 bits", async () => {
    const bytes = (values: Float32Array | BigInt64Array) => new Uint8Array(values.buffer);
    const file = await PredictionsFile.open(
      bytesSource(
        encodeSafetensors(
          { values: "logits", format: "regulus-predictions-1", split: "test" },
          {
            predictions: { type: "F32", shape: [2, 2], bytes: bytes(Float32Array.of(0, 1, 2, 3)) },
            targets: { type: "I64", shape: [2], bytes: bytes(BigInt64Array.of(1n, 0n)) },
            rows: { type: "I64", shape: [2], bytes: bytes(BigInt64Array.of(5n, 6n)) },
          },
        ),
      ),
    );
    assert.deepEqual(await file.read(1, 1), {
      rows: Int32Array.of(6),
      targets: Int32Array.of(0),
      logits: Float32Array.of(2, 3),
    });
  });

  it("is refused where it is cut short, at any byte", async () => {
    await fc.assert(
      fc.asyncProperty(predictions, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), async (written, share) => {
        const whole = encodePredictions(written, "float32");
        await refused(whole.subarray(0, Math.floor(share * whole.length)), "data-loss", /expected a whole file of predictions/);
      }),
    );
  });

  it("is refused where it holds something else, and says what", async () => {
    const one = { type: "F32", shape: [1, 2], bytes: new Uint8Array(8) } as const;
    const sound = { format: "regulus-predictions-1", values: "logits", split: "valid" };
    const of = (metadata: Record<string, string>, tensors: Parameters<typeof encodeSafetensors>[1]) =>
      encodeSafetensors(metadata, tensors);
    await refused(of({}, {}), "failed-precondition", /saw the format "none", expected regulus-predictions-1/);
    await refused(
      of({ ...sound, values: "probabilities" }, {}),
      "failed-precondition",
      /saw values "probabilities", expected logits/,
    );
    await refused(of(sound, { predictions: one }), "failed-precondition", /saw 1 tensor, expected one called rows/);
    const numbers = { type: "I32", shape: [2], bytes: new Uint8Array(8) } as const;
    const uneven = of(sound, { predictions: one, rows: numbers, targets: numbers });
    await refused(uneven, "failed-precondition", /saw rows \[2\], expected \[1\], as predictions say/);
    for (const shape of [
      [0, 2],
      [1, 0, 2],
    ]) {
      const none = { type: "F32", shape, bytes: new Uint8Array(0) } as const;
      await refused(of(sound, { predictions: none }), "failed-precondition", /expected at least one prediction/);
    }
  });

  it("gives no number of a row or a class that is none, in 32 bits or in 64", async () => {
    const classes = 3;
    const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const edge = fc.constantFrom(-1n, 0n, 2n, 3n, 99n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n + 1n);
    await fc.assert(
      fc.asyncProperty(fc.oneof(edge, number), fc.oneof(edge, number), fc.boolean(), async (row, target, wide) => {
        const of = (value: bigint) => {
          const values = wide ? BigInt64Array.of(value) : Int32Array.of(Number(BigInt.asIntN(32, value)));
          const bytes = new Uint8Array(values.buffer);
          return { held: BigInt(values[0] ?? 0), tensor: { type: wide ? "I64" : "I32", shape: [1], bytes } as const };
        };
        const [rows, targets] = [of(row), of(target)];
        const logits = { type: "F32", shape: [1, classes], bytes: new Uint8Array(4 * classes) } as const;
        const metadata = { values: "logits", format: "regulus-predictions-1", split: "test" };
        const bytes = encodeSafetensors(metadata, { predictions: logits, rows: rows.tensor, targets: targets.tensor });
        const file = await PredictionsFile.open(bytesSource(bytes));
        const good = rows.held >= 0 && rows.held < 2n ** 31n && targets.held >= 0 && targets.held < classes;
        if (!good) return await assert.rejects(file.read(0, 1), /saw (row|target) -?\d+ at place 0, expected 0 to \d+/);
        const read = await file.read(0, 1);
        assert.deepEqual([BigInt(read.rows[0] ?? -1), BigInt(read.targets[0] ?? -1)], [rows.held, targets.held]);
      }),
    );
  });
});

it("a number of 16 bits is the nearest one, and every one of them is itself", () => {
  const finite = Array.from({ length: 0x7c00 }, (_, bits) => fromFloat16(bits));
  for (const [bits, value] of finite.entries()) assert.equal(toFloat16(value), bits);
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -70_000, max: 70_000 }), (value) => {
      const near = fromFloat16(toFloat16(value));
      const gap = Math.abs(near - value);
      const bits = toFloat16(Math.abs(near));
      for (const other of [finite[bits - 1], finite[bits + 1]]) {
        if (other !== undefined && Math.abs(value) <= float16Max)
          assert.ok(gap <= Math.abs(other - Math.abs(value)), `${value} became ${near}`);
      }
      if (Math.abs(value) > float16Max) assert.equal(Math.abs(near), float16Max);
    }),
  );
  assert.ok(Number.isNaN(fromFloat16(toFloat16(Number.NaN))));
});

async function refused(bytes: Uint8Array, code: string, words: RegExp): Promise<void> {
  await assert.rejects(
    PredictionsFile.open(bytesSource(bytes)),
    (error) => error instanceof RegulusError && error.code === code && words.test(error.message),
  );
}
