/** Reads and switches the gradient tape of tfjs. Recording an operation costs more than computing a small one. */
import * as tf from "@tensorflow/tfjs-core";

/** Whether what runs now may be differentiated, so that it must be made of operations that can. */
export function isTaped(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

/** What is made of tensors that no gradient is asked by: constants to every gradient, which are not recorded. It may ask for no gradient itself. */
export function untaped<T>(make: () => T): T {
  const { state } = tf.engine();
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return make();
  } finally {
    state.gradientDepth = depth;
  }
}
