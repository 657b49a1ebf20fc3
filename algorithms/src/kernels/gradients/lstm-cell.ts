/**
 * The gradient of the fused LSTM cell (../lstm-cell.ts): a kernel of its own, or, where the gradient is itself to be differentiated, the same
 * formula in plain operations.
 */
import type { GradConfig, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { LSTM_CELL, LSTM_CELL_GRADIENT } from "../wasm/lstm-cell.js";
import { one } from "./parts.js";

export const lstmCellGradient: GradConfig = {
  kernelName: LSTM_CELL,
  inputsToSave: ["gates", "cell"],
  gradFunc: (given, [gates, cell]) => {
    const [dCell, dHidden] = Array.isArray(given) ? given : [given];
    const inputs = { gates: one(gates), cell: one(cell), dCell: one(dCell), dHidden: one(dHidden) };
    const [byGates, byCell] = tf.engine().isTapeOn()
      ? plainGradient(inputs)
      : tf.engine().runKernel<Tensor[]>(LSTM_CELL_GRADIENT, inputs);
    return { gates: () => one(byGates), cell: () => one(byCell) };
  },
};

interface GradientInputs {
  readonly gates: Tensor;
  readonly cell: Tensor;
  readonly dCell: Tensor;
  readonly dHidden: Tensor;
}

/** By gates and by cell, as algorithms/assembly/lstm.ts has it. */
function plainGradient({ gates, cell, dCell, dHidden }: GradientInputs): readonly [Tensor, Tensor] {
  const [forget, input, output, candidate] = tf.split(gates, 4, 1);
  const [f, i, o, g] = [tf.sigmoid(one(forget)), tf.sigmoid(one(input)), tf.sigmoid(one(output)), tf.tanh(one(candidate))];
  const bent = tf.tanh(tf.add(tf.mul(f, cell), tf.mul(i, g)));
  const byNext = tf.add(dCell, tf.mul(tf.mul(dHidden, o), tf.sub(1, tf.square(bent))));
  const slope = (s: Tensor) => tf.mul(s, tf.sub(1, s));
  const byGates = [
    tf.mul(tf.mul(byNext, cell), slope(f)),
    tf.mul(tf.mul(byNext, g), slope(i)),
    tf.mul(tf.mul(dHidden, bent), slope(o)),
    tf.mul(tf.mul(byNext, i), tf.sub(1, tf.square(g))),
  ];
  return [tf.concat(byGates, 1), tf.mul(byNext, f)];
}
