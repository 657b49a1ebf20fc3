/**
 * Optimizer updates: one pass over memory and in place on the wasm backend, the same rule from plain operations on every other. Only float32.
 * A variable whose memory someone else holds too (a clone, a checkpoint being written) is never changed under them: it gets new memory.
 */
import { assert } from "@regulus/proto";
import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { type KernelModule, kernelModule } from "./wasm/module.js";

/** Of momentum SGD. */
export interface MomentumOptions {
  readonly learningRate: number;
  /** Share of the velocity kept, in [0, 1). */
  readonly momentum: number;
  /** Nesterov's: step along the velocity after next. Default false. */
  readonly nesterov?: boolean;
}

/** Of Adam (Kingma and Ba 2015). */
export interface AdamOptions {
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly step: number;
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
}

/** Moments of Adam for one parameter, each of its shape and zero at first. */
export interface AdamMoments {
  readonly first: tf.Variable;
  readonly second: tf.Variable;
}

/** velocity = momentum velocity + grad; param = param - learningRate velocity. Does not dispose `grad`. */
export function applyMomentum(param: tf.Variable, velocity: tf.Variable, grad: tf.Tensor, options: MomentumOptions): void {
  const { learningRate, momentum, nesterov = false } = options;
  const heap = inPlace([param, velocity], grad);
  if (heap !== undefined) {
    const [p, v, g] = [heap.at(param), heap.at(velocity), heap.at(grad)];
    heap.module.momentum(p, v, g, param.size, learningRate, momentum, nesterov ? 1 : 0);
    heap.changed([param, velocity]);
    return;
  }
  tf.tidy(() => {
    const next = tf.add(tf.mul(velocity, momentum), grad);
    const direction = nesterov ? tf.add(grad, tf.mul(next, momentum)) : next;
    param.assign(tf.sub(param, tf.mul(direction, learningRate)));
    velocity.assign(next);
  });
}

/** One step of Adam with bias correction. Does not dispose `grad`. */
export function applyAdam(param: tf.Variable, moments: AdamMoments, grad: tf.Tensor, options: AdamOptions): void {
  const { learningRate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  assert(Number.isInteger(step) && step >= 1, `Adam's steps count from 1, not ${step}`);
  const { first, second } = moments;
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const heap = inPlace([param, first, second], grad);
  if (heap !== undefined) {
    const tensors = [heap.at(param), heap.at(first), heap.at(second), heap.at(grad), param.size] as const;
    heap.module.adam(...tensors, learningRate, beta1, beta2, correction1, correction2, epsilon);
    heap.changed([param, first, second]);
    return;
  }
  tf.tidy(() => {
    const m = tf.add(tf.mul(first, beta1), tf.mul(grad, 1 - beta1));
    const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(grad), 1 - beta2));
    const direction = tf.div(tf.div(m, correction1), tf.add(tf.sqrt(tf.div(v, correction2)), epsilon));
    param.assign(tf.sub(param, tf.mul(direction, learningRate)));
    first.assign(m);
    second.assign(v);
  });
}

interface InPlace {
  readonly module: KernelModule;
  at(tensor: tf.Tensor): number;
  /** Says that these tensors' elements were changed. */
  changed(tensors: readonly tf.Tensor[]): void;
}

/** How to change `variables` where they lie, or undefined where that can't be done. */
function inPlace(variables: readonly tf.Variable[], grad: tf.Tensor): InPlace | undefined {
  const tensors = [...variables, grad];
  for (const tensor of tensors) {
    assert(tensor.size === grad.size, `an update's tensors have one size, not [${tensor.shape}] and [${grad.shape}]`);
    assert(tensor.dtype === "float32", `an update is of float32, not ${tensor.dtype}`);
  }
  const backend = tf.backend();
  if (!(backend instanceof BackendWasm)) return undefined;
  if (!tensors.every((tensor) => backend.dataIdMap.has(tensor.dataId))) return undefined;
  if (!variables.every((variable) => backend.refCount(variable.dataId) === 1)) return undefined;
  return {
    module: kernelModule(backend),
    at: (tensor) => backend.getMemoryOffset(tensor.dataId),
    changed: (changed) => {
      for (const { dataId } of changed) forgetDerived(backend, dataId);
    },
  };
}

/** tfjs's C++ side keeps packed copies of weights (XNNPACK) by tensor id; registering the id anew drops them. */
function forgetDerived(backend: BackendWasm, dataId: object): void {
  const { id, memoryOffset, shape } = backend.dataIdMap.get(dataId);
  backend.wasm.tfjs.disposeData(id);
  backend.wasm.tfjs.registerTensor(id, tf.util.sizeFromShape(shape), memoryOffset);
}
