/**
 * The recurrence of long short-term memory, without its weights: gates in the order forget, input, output (sigmoid), candidate (tanh);
 * c = f c + i g, hidden = o tanh(c); both states begin at zero. What drives the gates at each time comes in already multiplied, since that
 * product is one for all times.
 * Source: Hochreiter and Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers et al., Neural Computation 12 (2000); the order
 * of the gates is that of the self-tuning networks' released code.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { lstmCell } from "../../kernels/index.js";

/**
 * Hidden states [batch, time, units].
 * @param driven what the inputs give the gates, biases in, [batch, time, 4 units].
 * @param recur what the last hidden state [batch, units] gives them, [batch, 4 units].
 */
export function lstmSequence(driven: tf.Tensor, recur: (hidden: tf.Tensor) => tf.Tensor): tf.Tensor {
  assert(driven.rank === 3, `an LSTM takes [batch, time, in], not [${driven.shape.join(", ")}]`);
  const [batch = 0, , gates = 0] = driven.shape;
  let cell: tf.Tensor = tf.zeros([batch, gates / 4]);
  let hidden: tf.Tensor | undefined;
  const outputs: tf.Tensor[] = [];
  for (const now of tf.unstack(tf.transpose(driven, [1, 0, 2]))) {
    // The state before the first time is zero, and so is what it gives.
    const next = lstmCell(hidden === undefined ? now : tf.add(now, recur(hidden)), cell);
    cell = next.cell;
    hidden = next.hidden;
    outputs.push(hidden);
  }
  return tf.stack(outputs, 1);
}
