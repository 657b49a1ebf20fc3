/** Idle cores from clocks that are known. */
import assert from "node:assert/strict";
import type { CpuInfo } from "node:os";
import { test } from "node:test";
import { IdleCores } from "./idle-cores.js";

/** Cores that were at work and idle for so many milliseconds. */
function cores(...times: readonly (readonly [busy: number, idle: number])[]): CpuInfo[] {
  return times.map(([busy, idle]) => ({ model: "", speed: 0, times: { user: busy, nice: 0, sys: 0, idle, irq: 0 } }));
}

test("idle cores are those since the last look, whatever was before", () => {
  const looks = [
    cores([900, 100], [0, 1000]),
    cores([1400, 100], [0, 1500]),
    cores([1400, 600], [250, 1750]),
    cores([1900, 600], [750, 1750]),
  ];
  const watch = new IdleCores(() => looks.shift() ?? []);
  assert.equal(watch.sinceLast(), 1);
  assert.equal(watch.sinceLast(), 1.5);
  assert.equal(watch.sinceLast(), 0);
});

test("every kind of work counts as work", () => {
  const idle = { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 };
  for (const kind of ["user", "nice", "sys", "irq"] as const) {
    const looks = [idle, { ...idle, [kind]: 500, idle: 500 }];
    const watch = new IdleCores(() => [{ model: "", speed: 0, times: looks.shift() ?? idle }]);
    assert.equal(watch.sinceLast(), 0.5, kind);
  }
});

test("where clocks stand still or tell nothing, nothing waits for an idle core", () => {
  const still = new IdleCores(() => cores([100, 100]));
  assert.equal(still.sinceLast(), Number.POSITIVE_INFINITY);
  const silent = new IdleCores(() => []);
  assert.equal(silent.sinceLast(), Number.POSITIVE_INFINITY);
});
