// One time of a long short-term memory, and its gradient: some fifteen and some twenty-five small operations of tfjs's in one pass each. Gates
// [rows, 4 units] in the order forget, input, output, candidate; states [rows, units].
import { bytes } from "./size";

// @ts-ignore: decorator
@inline
function sigmoid(x: f32): f32 {
  return 1 / (1 + NativeMathf.exp(-x));
}

/** cell' = sigmoid(f) cell + sigmoid(i) tanh(g); hidden' = sigmoid(o) tanh(cell'). */
export function lstmCell(gates: usize, cell: usize, outCell: usize, outHidden: usize, rows: i32, units: i32): void {
  const row = bytes(units);
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < row; i += 4) {
      const f = sigmoid(load<f32>(gates + i)), n = sigmoid(load<f32>(gates + row + i));
      const o = sigmoid(load<f32>(gates + 2 * row + i)), g = NativeMathf.tanh(load<f32>(gates + 3 * row + i));
      const next = f * load<f32>(cell + i) + n * g;
      store<f32>(outCell + i, next);
      store<f32>(outHidden + i, o * NativeMathf.tanh(next));
    }
    gates += 4 * row;
    cell += row;
    outCell += row;
    outHidden += row;
  }
}

/** From gradients by both outputs to those by gates and cell; the gates' nonlinearities are computed again. */
export function lstmCellGradient(
  gates: usize, cell: usize, dCell: usize, dHidden: usize, outGates: usize, outCell: usize, rows: i32, units: i32,
): void {
  const row = bytes(units);
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < row; i += 4) {
      const f = sigmoid(load<f32>(gates + i)), n = sigmoid(load<f32>(gates + row + i));
      const o = sigmoid(load<f32>(gates + 2 * row + i)), g = NativeMathf.tanh(load<f32>(gates + 3 * row + i));
      const c = load<f32>(cell + i), dh = load<f32>(dHidden + i);
      const bent = NativeMathf.tanh(f * c + n * g);
      const dc = load<f32>(dCell + i) + dh * o * (1 - bent * bent);
      store<f32>(outGates + i, dc * c * f * (1 - f));
      store<f32>(outGates + row + i, dc * g * n * (1 - n));
      store<f32>(outGates + 2 * row + i, dh * bent * o * (1 - o));
      store<f32>(outGates + 3 * row + i, dc * n * (1 - g * g));
      store<f32>(outCell + i, dc * f);
    }
    gates += 4 * row;
    cell += row;
    dCell += row;
    dHidden += row;
    outGates += 4 * row;
    outCell += row;
  }
}
