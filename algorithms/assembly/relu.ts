// The gradient of a rectifier in one pass, where tfjs makes three.
import { bytes } from "./size";

/** out = dy where x > 0, else dy times 0: what is not finite in dy shows either way. `size` elements each. */
export function reluGradient(dy: usize, x: usize, out: usize, size: i32): void {
  const zero = f32x4.splat(0), one = f32x4.splat(1);
  const end = bytes(size);
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    const kept = v128.and(f32x4.gt(v128.load(x + i), zero), one);
    v128.store(out + i, f32x4.mul(v128.load(dy + i), kept));
  }
  for (; i < end; i += 4) store<f32>(out + i, load<f32>(dy + i) * (load<f32>(x + i) > 0 ? <f32>1 : <f32>0));
}
