/**
 * A small feature network, u -> [tanh(A u), 1], with its parameters as one vector, and the way back from a gradient in the features to one in the
 * parameters. Inputs end in a one for the bias. Float64, forward arithmetic and one backward pass written out.
 */

export class TanhFeatures {
  /** Length of an input. */
  readonly inputs: number;
  /** Hidden units; features are one longer. */
  readonly units: number;
  /** Features of the newest input [units + 1]. */
  readonly features: Float64Array;

  constructor(inputs: number, units: number) {
    this.inputs = inputs;
    this.units = units;
    this.features = new Float64Array(units + 1);
  }

  /** Parameters: A [units, inputs], row by row. */
  get size(): number {
    return this.units * this.inputs;
  }

  get width(): number {
    return this.units + 1;
  }

  /** Features of the input that begins at `at`; they stay until the next call. */
  forward(parameters: Float64Array, rows: Float64Array, at: number): Float64Array {
    for (let unit = 0; unit < this.units; unit++) {
      let sum = 0;
      const row = unit * this.inputs;
      for (let k = 0; k < this.inputs; k++) sum += (parameters[row + k] as number) * (rows[at + k] as number);
      this.features[unit] = Math.tanh(sum);
    }
    this.features[this.units] = 1;
    return this.features;
  }

  /** Adds scale * (gradient in the parameters) to `out`, from the gradient in the newest input's features. */
  addBackward(inFeatures: ArrayLike<number>, rows: Float64Array, at: number, scale: number, out: Float64Array): void {
    for (let unit = 0; unit < this.units; unit++) {
      const feature = this.features[unit] as number;
      const slope = scale * (inFeatures[unit] as number) * (1 - feature * feature);
      const row = unit * this.inputs;
      for (let k = 0; k < this.inputs; k++) out[row + k] = (out[row + k] as number) + slope * (rows[at + k] as number);
    }
  }
}
