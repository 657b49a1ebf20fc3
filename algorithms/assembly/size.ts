// Sizes in bytes.

/** Bytes of `count` float32 or int32 elements. */
// @ts-ignore: decorator
@inline
export function bytes(count: i32): usize {
  return usize(count) << 2;
}
