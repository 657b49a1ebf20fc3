// Softmax cross entropy of rows against distributions, and its gradient by the logits: one pass each over a row that stays in the first-level cache, in the
// place of some ten and some thirty small operations of tfjs's. Plain float32 in order, so that a loss collapses to 0 where float32 does.
import { bytes } from "./size";

/** out [rows]: sum(t) log(sum(exp(z - m))) - sum(t (z - m)), m the row's greatest logit. */
export function softmaxCrossEntropy(logits: usize, targets: usize, out: usize, rows: i32, classes: i32): void {
  const row = bytes(classes);
  for (let r = 0; r < rows; r++, logits += row, targets += row, out += 4) {
    const most = greatest(logits, row);
    let sum: f32 = 0, mass: f32 = 0, at: f32 = 0;
    for (let i: usize = 0; i < row; i += 4) {
      const z = load<f32>(logits + i) - most, t = load<f32>(targets + i);
      sum += NativeMathf.exp(z);
      mass += t;
      at += t * z;
    }
    store<f32>(out, NativeMathf.log(sum) * mass - at);
  }
}

/** out [rows, classes]: dy [rows] times sum(t) softmax(z) - t. */
export function softmaxCrossEntropyGradient(
  dy: usize, logits: usize, targets: usize, out: usize, rows: i32, classes: i32,
): void {
  const row = bytes(classes);
  for (let r = 0; r < rows; r++, dy += 4, logits += row, targets += row, out += row) {
    const most = greatest(logits, row);
    let sum: f32 = 0, mass: f32 = 0;
    for (let i: usize = 0; i < row; i += 4) {
      const e = NativeMathf.exp(load<f32>(logits + i) - most);
      store<f32>(out + i, e);
      sum += e;
      mass += load<f32>(targets + i);
    }
    const d = load<f32>(dy);
    for (let i: usize = 0; i < row; i += 4) {
      store<f32>(out + i, d * (mass * (load<f32>(out + i) / sum) - load<f32>(targets + i)));
    }
  }
}

/** NaN where a number is. */
function greatest(x: usize, row: usize): f32 {
  let most: f32 = -Infinity;
  for (let i: usize = 0; i < row; i += 4) most = max<f32>(most, load<f32>(x + i));
  return most;
}
