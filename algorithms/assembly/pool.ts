// Gradients of max and average pooling, channels last, four channels at a time. Windows are walked in the order of the output, so that sums are
// in an order that depends on the shapes alone.
import { bytes } from "./size";

/** dx [batch, h, w, c] from dy [batch, oh, ow, c]: each window's dy goes to the first of its largest elements, where x equals y. */
export function maxPoolGradient(
  dy: usize, x: usize, y: usize, dx: usize,
  batch: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32,
): void {
  memory.fill(dx, 0, bytes(batch * h * w * c));
  const pixel = bytes(c);
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++, dy += pixel, y += pixel) {
        const top = oy * strideH - padTop, left = ox * strideW - padLeft;
        const y0 = max(top, 0), y1 = min(top + kh, h), x0 = max(left, 0), x1 = min(left + kw, w);
        let i: usize = 0;
        for (; i + 16 <= pixel; i += 16) {
          const most = v128.load(y + i), share = v128.load(dy + i);
          let waiting = i32x4.splat(-1);
          for (let iy = y0; iy < y1; iy++)
            for (let ix = x0; ix < x1; ix++) {
              const at = bytes(((n * h + iy) * w + ix) * c) + i;
              const hit = v128.and(f32x4.eq(v128.load(x + at), most), waiting);
              waiting = v128.andnot(waiting, hit);
              v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(share, hit)));
            }
        }
        for (; i < pixel; i += 4) {
          const most = load<f32>(y + i);
          let waiting = true;
          for (let iy = y0; waiting && iy < y1; iy++)
            for (let ix = x0; waiting && ix < x1; ix++) {
              const at = bytes(((n * h + iy) * w + ix) * c) + i;
              if (load<f32>(x + at) != most) continue;
              waiting = false;
              store<f32>(dx + at, load<f32>(dx + at) + load<f32>(dy + i));
            }
        }
      }
}

/** dy [batch, oh, ow, c] from dx [batch, h, w, c]: what dx holds at the first of each window's largest elements, where x equals y. */
export function maxPoolTangent(
  dx: usize, x: usize, y: usize, dy: usize,
  batch: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32,
): void {
  const pixel = bytes(c);
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++, dy += pixel, y += pixel) {
        const top = oy * strideH - padTop, left = ox * strideW - padLeft;
        const y0 = max(top, 0), y1 = min(top + kh, h), x0 = max(left, 0), x1 = min(left + kw, w);
        let i: usize = 0;
        for (; i + 16 <= pixel; i += 16) {
          const most = v128.load(y + i);
          let waiting = i32x4.splat(-1), taken = f32x4.splat(0);
          for (let iy = y0; iy < y1; iy++)
            for (let ix = x0; ix < x1; ix++) {
              const at = bytes(((n * h + iy) * w + ix) * c) + i;
              const hit = v128.and(f32x4.eq(v128.load(x + at), most), waiting);
              waiting = v128.andnot(waiting, hit);
              taken = v128.or(taken, v128.and(v128.load(dx + at), hit));
            }
          v128.store(dy + i, taken);
        }
        for (; i < pixel; i += 4) {
          const most = load<f32>(y + i);
          let waiting = true;
          store<f32>(dy + i, 0);
          for (let iy = y0; waiting && iy < y1; iy++)
            for (let ix = x0; waiting && ix < x1; ix++) {
              const at = bytes(((n * h + iy) * w + ix) * c) + i;
              if (load<f32>(x + at) != most) continue;
              waiting = false;
              store<f32>(dy + i, load<f32>(dx + at));
            }
        }
      }
}

/** dx [batch, h, w, c] from dy [batch, oh, ow, c]: each window's dy, times `share`, goes to all of it that lies inside. */
export function averagePoolGradient(
  dy: usize, dx: usize,
  batch: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32,
  kh: i32, kw: i32, strideH: i32, strideW: i32, padTop: i32, padLeft: i32, share: f32,
): void {
  memory.fill(dx, 0, bytes(batch * h * w * c));
  const pixel = bytes(c);
  const shares = f32x4.splat(share);
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < oh; oy++)
      for (let ox = 0; ox < ow; ox++, dy += pixel) {
        const top = oy * strideH - padTop, left = ox * strideW - padLeft;
        const y1 = min(top + kh, h), x1 = min(left + kw, w);
        for (let iy = max(top, 0); iy < y1; iy++)
          for (let ix = max(left, 0); ix < x1; ix++) {
            const to = dx + bytes(((n * h + iy) * w + ix) * c);
            let i: usize = 0;
            for (; i + 16 <= pixel; i += 16)
              v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.mul(v128.load(dy + i), shares)));
            for (; i < pixel; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(dy + i) * share);
          }
      }
}
