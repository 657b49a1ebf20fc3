/**
 * A binary heap in a plain array, so that it survives serialization; the order is given at each call, since functions do not.
 */

/** A trial with its loss; lower is better, and of equals the earlier trial is. */
export interface Ranked {
  readonly trial: number;
  readonly loss: number;
}

/** Negative where the first comes before the second. */
export type Order = (a: Ranked, b: Ranked) => number;

export const bestFirst: Order = (a, b) => (a.loss === b.loss ? a.trial - b.trial : a.loss < b.loss ? -1 : 1);
export const worstFirst: Order = (a, b) => bestFirst(b, a);

/** Adds an item. O(log n). */
export function pushHeap<Item extends Ranked>(heap: Item[], order: Order, item: Item): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || order(above, item) <= 0) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

/** Takes the first item. O(log n). */
export function popHeap<Item extends Ranked>(heap: Item[], order: Order): Item | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const [child, below] = b !== undefined && order(b, a) < 0 ? [left + 1, b] : [left, a];
    if (order(last, below) <= 0) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
  return first;
}

/** Shows items in order, without taking them, until `visit` answers false. O(k log k) for k items shown. */
export function walkHeap(heap: readonly Ranked[], order: Order, visit: (item: Ranked) => boolean): void {
  // Places whose parents were shown, as a heap of their own.
  const open: Place[] = [];
  const add = (place: number) => {
    const item = heap[place];
    if (item !== undefined) pushHeap(open, order, { ...item, place });
  };
  add(0);
  for (let next = popHeap(open, order); next !== undefined; next = popHeap(open, order)) {
    if (!visit(next)) return;
    add(2 * next.place + 1);
    add(2 * next.place + 2);
  }
}

/** An item of a heap and where it stands there. */
interface Place extends Ranked {
  readonly place: number;
}
