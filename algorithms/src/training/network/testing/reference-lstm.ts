/** An LSTM in plain doubles, one number at a time, for tests of the quick one. */

export interface ReferenceWeights {
  /** [inputs, 4 units], row by row; columns: forget, input, output, candidate. */
  readonly kernel: ArrayLike<number>;
  /** [units, 4 units] */
  readonly recurrent: ArrayLike<number>;
  /** [4 units] */
  readonly bias: ArrayLike<number>;
}

/** Hidden states [time, units] of one example's inputs [time, inputs]. */
export function referenceLstm(x: readonly (readonly number[])[], weights: ReferenceWeights): number[][] {
  const units = weights.bias.length / 4;
  let hidden = new Array<number>(units).fill(0);
  let cell = hidden;
  return x.map((now) => {
    const gate = (place: number, unit: number) => {
      const column = place * units + unit;
      const product = (values: readonly number[], kernel: ArrayLike<number>) =>
        values.reduce((sum, value, row) => sum + value * (kernel[row * 4 * units + column] ?? Number.NaN), 0);
      return product(now, weights.kernel) + product(hidden, weights.recurrent) + (weights.bias[column] ?? Number.NaN);
    };
    const next = cell.map((old, unit) => sigmoid(gate(0, unit)) * old + sigmoid(gate(1, unit)) * Math.tanh(gate(3, unit)));
    hidden = next.map((value, unit) => sigmoid(gate(2, unit)) * Math.tanh(value));
    cell = next;
    return hidden;
  });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
