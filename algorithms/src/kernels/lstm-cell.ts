/**
 * One time of a long short-term memory: from what drives its gates and its last cell state to the next cell and hidden states.
 * Source: Gers, Schmidhuber and Cummins, "Learning to forget", Neural Computation 12 (2000), equations 3 to 9 without peepholes.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs-core";

export interface LstmState {
  /** [batch, units] */
  readonly cell: tf.Tensor;
  /** [batch, units] */
  readonly hidden: tf.Tensor;
}

/** @param gates before their nonlinearities, in the order forget, input, output, candidate, [batch, 4 units]. @param cell [batch, units]. */
export function lstmCell(gates: tf.Tensor, cell: tf.Tensor): LstmState {
  const [forget, input, output, candidate] = tf.split(gates, 4, 1);
  assert(forget && input && output && candidate, "split gives four parts");
  const next = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
  return { cell: next, hidden: tf.mul(tf.sigmoid(output), tf.tanh(next)) };
}
