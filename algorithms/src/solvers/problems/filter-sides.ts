/** Sizes of filters of a field of experts; apart from its arithmetic, since specs name them. */

/** Widths and heights; the wider ones see more, at a cost that grows with the square. */
export const filterSides = [3, 5, 7] as const;
export type FilterSide = (typeof filterSides)[number];
