// Optimizer updates in place, one pass over memory instead of one for each operation. Four elements at a time, the rest one by one in the same
// order of operations, so that a value does not depend on its place.
import { bytes } from "./size";

/** v = mu v + g; p = p - lr v, or p - lr (g + mu v) with Nesterov's. `size` elements each. */
export function momentum(param: usize, velocity: usize, grad: usize, size: i32, lr: f32, mu: f32, nesterov: i32): void {
  const lrs = f32x4.splat(lr), mus = f32x4.splat(mu);
  const end = bytes(size);
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    const g = v128.load(grad + i);
    const v = f32x4.add(f32x4.mul(mus, v128.load(velocity + i)), g);
    const step = nesterov ? f32x4.add(g, f32x4.mul(mus, v)) : v;
    v128.store(velocity + i, v);
    v128.store(param + i, f32x4.sub(v128.load(param + i), f32x4.mul(lrs, step)));
  }
  for (; i < end; i += 4) {
    const g = load<f32>(grad + i);
    const v = mu * load<f32>(velocity + i) + g;
    const step = nesterov ? g + mu * v : v;
    store<f32>(velocity + i, v);
    store<f32>(param + i, load<f32>(param + i) - lr * step);
  }
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1): m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = p - lr (m / c1) / (sqrt(v / c2) + eps), where
 * c1 = 1 - b1^t and c2 = 1 - b2^t.
 */
export function adam(
  param: usize, first: usize, second: usize, grad: usize, size: i32,
  lr: f32, beta1: f32, beta2: f32, correction1: f32, correction2: f32, epsilon: f32,
): void {
  const lrs = f32x4.splat(lr), b1 = f32x4.splat(beta1), b2 = f32x4.splat(beta2);
  const a1 = f32x4.splat(1 - beta1), a2 = f32x4.splat(1 - beta2);
  const c1 = f32x4.splat(correction1), c2 = f32x4.splat(correction2), eps = f32x4.splat(epsilon);
  const end = bytes(size);
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    const g = v128.load(grad + i);
    const m = f32x4.add(f32x4.mul(b1, v128.load(first + i)), f32x4.mul(a1, g));
    const v = f32x4.add(f32x4.mul(b2, v128.load(second + i)), f32x4.mul(a2, f32x4.mul(g, g)));
    v128.store(first + i, m);
    v128.store(second + i, v);
    const step = f32x4.div(f32x4.div(m, c1), f32x4.add(f32x4.sqrt(f32x4.div(v, c2)), eps));
    v128.store(param + i, f32x4.sub(v128.load(param + i), f32x4.mul(lrs, step)));
  }
  for (; i < end; i += 4) {
    const g = load<f32>(grad + i);
    const m = beta1 * load<f32>(first + i) + (1 - beta1) * g;
    const v = beta2 * load<f32>(second + i) + (1 - beta2) * (g * g);
    store<f32>(first + i, m);
    store<f32>(second + i, v);
    const step = m / correction1 / (sqrt<f32>(v / correction2) + epsilon);
    store<f32>(param + i, load<f32>(param + i) - lr * step);
  }
}
