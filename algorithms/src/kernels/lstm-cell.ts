/**
 * One time of a long short-term memory: from what drives its gates and its last cell state to the next cell and hidden states. On wasm it and
 * its gradient are a pass each; on other backends it is made of plain operations.
 * Source: Gers, Schmidhuber and Cummins, "Learning to forget", Neural Computation 12 (2000), equations 3 to 9 without peepholes.
 */
import { assert } from "@regulus/proto";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { LSTM_CELL } from "./wasm/lstm-cell.js";

export interface LstmState {
  /** [batch, units] */
  readonly cell: tf.Tensor;
  /** [batch, units] */
  readonly hidden: tf.Tensor;
}

/** @param gates before their nonlinearities, in the order forget, input, output, candidate, [batch, 4 units]. @param cell [batch, units]. */
export function lstmCell(gates: tf.Tensor, cell: tf.Tensor): LstmState {
  if (tf.backend() instanceof BackendWasm) {
    const [next, hidden] = tf.engine().runKernel<tf.Tensor[]>(LSTM_CELL, { gates, cell });
    assert(next !== undefined && hidden !== undefined, "the kernel gives two states");
    return { cell: next, hidden };
  }
  const [forget, input, output, candidate] = tf.split(gates, 4, 1);
  assert(forget && input && output && candidate, "split gives four parts");
  const next = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
  return { cell: next, hidden: tf.mul(tf.sigmoid(output), tf.tanh(next)) };
}
