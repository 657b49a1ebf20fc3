/**
 * The operations that lie between a model's weights and its loss, each looked at alone: is a Hessian-vector product through it what differences
 * of gradients say? They are listened to while the model runs, so that a new workload's operations are looked at without being named anywhere.
 * What lies inside an operation with a gradient of its own (tf.customGrad) is that gradient's affair.
 */
import { assert } from "@regulus/proto";
import * as tf from "@tensorflow/tfjs";
import { relativeGap } from "../kernels/against-cpu.js";

/** An operation as a model used it. */
export interface Operation {
  readonly kernel: string;
  /** Which input it was followed along. */
  readonly input: string;
  readonly shapes: string;
  /** Relative gap of the Hessian-vector product and differences of gradients. */
  readonly gap: number;
}

/** Derivatives of these jump: what a difference steps over is left out of the direction. */
const kinked = new Set([
  "Relu",
  "Relu6",
  "LeakyRelu",
  "Prelu",
  "Elu",
  "Abs",
  "Max",
  "Min",
  "Maximum",
  "Minimum",
  "MaxPool",
  "ClipByValue",
]);
/** Step of the differences, in units of the input's size. Extrapolated, its fourth power is 1e-8; float32's rounding over it is 1e-5. */
const step = 1e-2;
const kinkRounds = 12;

interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>> | readonly tf.Tensor[];
  readonly attrs: tf.NamedAttrMap | undefined;
  /** Names of inputs that depend on the weights. */
  readonly along: readonly string[];
}

/** Runs a model and looks at each operation that leads from the variables on, once for each way in which it is used. */
export function operationsOf(variables: readonly tf.Variable[], run: () => tf.Tensor): readonly Operation[] {
  const calls = listen(variables, run);
  const operations = calls.flatMap((call) =>
    call.along.map((input) => {
      const gap = gapOf(call, input);
      return { kernel: call.kernel, input, shapes: shapesOf(call), gap };
    }),
  );
  for (const { inputs } of calls) tf.dispose(Object.values(inputs));
  return operations;
}

/** The calls of a run, in order, one of each kind. */
function listen(variables: readonly tf.Variable[], run: () => tf.Tensor): readonly Call[] {
  const engine = tf.engine();
  const original = engine.runKernel.bind(engine);
  const depending = new Set(variables.map(({ id }) => id));
  const calls = new Map<string, Call>();
  let copying = false;
  engine.runKernel = <T extends tf.Tensor | tf.Tensor[]>(
    kernel: string,
    inputs: tf.NamedTensorMap,
    attrs?: tf.NamedAttrMap,
  ): T => {
    if (copying) return original<T>(kernel, inputs, attrs);
    const inside = engine.state.kernelDepth > 0;
    const result = original<T>(kernel, inputs, attrs);
    const along = Object.entries(inputs).filter(([, one]) => one instanceof tf.Tensor && depending.has(one.id));
    if (along.length === 0) return result;
    for (const one of Array.isArray(result) ? result : [result]) if (one instanceof tf.Tensor) depending.add(one.id);
    if (inside) return result;
    const names = along.filter(([, { dtype }]) => dtype === "float32").map(([name]) => name);
    const ranks = Object.values(inputs).map(({ rank }) => rank);
    const key = JSON.stringify([kernel, names, ranks, attrs ?? {}]);
    if (!calls.has(key) && names.length > 0) {
      copying = true; // a copy is a kernel too
      const kept = Object.fromEntries(Object.entries(inputs).map(([name, one]) => [name, tf.keep(tf.clone(one))]));
      copying = false;
      calls.set(key, { kernel, inputs: Array.isArray(inputs) ? Object.values(kept) : kept, attrs, along: names });
    }
    return result;
  };
  try {
    run();
  } finally {
    engine.runKernel = original;
  }
  return [...calls.values()];
}

function gapOf({ kernel, inputs, attrs }: Call, input: string): number {
  const at = Object.entries(inputs).find(([name]) => name === input)?.[1];
  assert(at instanceof tf.Tensor, "the operation was listened to");
  const outputsAt = (x: tf.Tensor): readonly tf.Tensor[] => {
    const moved = Array.isArray(inputs)
      ? inputs.map((one: tf.Tensor, i) => (String(i) === input ? x : one))
      : { ...inputs, [input]: x };
    const result = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(kernel, moved as tf.NamedTensorMap, attrs);
    return (Array.isArray(result) ? result : [result]).filter(({ dtype }) => dtype === "float32");
  };
  const sizes = outputsAt(at).map(sizeOf);
  // Tanh of the square, weighted: a function whose second derivative passes through the operation's gradient in every way.
  const scalarOf = (x: tf.Tensor, of: (y: tf.Tensor) => tf.Tensor) =>
    tf.addN(
      outputsAt(x).map((y, i) => {
        const weights = tf.randomUniform(y.shape, 0.5, 1.5, "float32", 9 + i);
        return tf.sum(tf.mul(of(tf.div(y, sizes[i] ?? 1)), weights));
      }),
    );
  const gradient = tf.grad((x: tf.Tensor) => scalarOf(x, (y) => tf.tanh(tf.mul(tf.square(y), 0.3))));
  const slope = tf.grad((x: tf.Tensor) => scalarOf(x, (y) => y));
  // Not around zero, so that means and sums move by more than rounding does.
  let direction = tf.mul(tf.randomNormal(at.shape, 0.7, 0.7, "float32", 77), sizeOf(at));
  const moved = (h: number) => tf.add(at, tf.mul(direction, h));
  for (let round = 0; kinked.has(kernel) && round < kinkRounds; round++) {
    const still = tf.equal(slope(moved(2 * step)), slope(moved(-2 * step)));
    direction = tf.mul(direction, tf.cast(still, "float32"));
  }
  const product = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(gradient(x), direction)))(at);
  const along = (h: number) => tf.div(tf.sub(gradient(moved(h)), gradient(moved(-h))), 2 * h);
  const expected = tf.div(tf.sub(tf.mul(along(step), 4), along(2 * step)), 3);
  return relativeGap(product.dataSync(), expected.dataSync());
}

/** Root mean square, 1 for zeros. */
function sizeOf(x: tf.Tensor): number {
  return Math.sqrt(tf.mean(tf.square(x)).dataSync()[0] ?? 0) || 1;
}

function shapesOf({ inputs }: Call): string {
  return Object.values(inputs)
    .map(({ shape }: tf.Tensor) => `[${shape}]`)
    .join(" ");
}
