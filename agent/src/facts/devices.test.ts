/** GPUs are dealt to slots: disjoint where there are enough, shared where not, and nobody gets one that the agent was not given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DeviceShares, deviceLists, readDevices } from "./devices.js";

const dealt = (own: Record<string, string>, slots: number, found: readonly string[] = []) => {
  const shares = new DeviceShares(deviceLists(own, found), slots);
  return { shares, of: (...numbers: number[]) => shares.environment(numbers) };
};

test("as many devices as slots: one each, by index or UUID, and a trial of two slots has two", () => {
  const { shares, of } = dealt({ CUDA_VISIBLE_DEVICES: "3, GPU-5f" }, 2);
  assert.deepEqual(of(0), { CUDA_VISIBLE_DEVICES: "3" });
  assert.deepEqual(of(1), { CUDA_VISIBLE_DEVICES: "GPU-5f" });
  assert.deepEqual(of(0, 1), { CUDA_VISIBLE_DEVICES: "3,GPU-5f" });
  assert.equal(shares.mismatch(), undefined);
});

test("slots get equal, disjoint parts of more devices, and shared ones of fewer", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (devices, slots) => {
      const list = Array.from({ length: devices }, (_, index) => `GPU-${index}`);
      const { shares, of } = dealt({ CUDA_VISIBLE_DEVICES: list.join(",") }, slots);
      const parts = Array.from({ length: slots }, (_, slot) => (of(slot).CUDA_VISIBLE_DEVICES ?? "").split(","));
      assert.ok(parts.every((part) => part.length === Math.max(1, Math.floor(devices / slots))));
      assert.ok(parts.flat().every((device) => list.includes(device)));
      const distinct = new Set(parts.flat()).size;
      assert.equal(distinct, devices >= slots ? slots * Math.floor(devices / slots) : devices);
      assert.equal(shares.mismatch() === undefined, devices === slots);
      // Slots share a device if and only if they say so.
      for (let a = 0; a < slots; a += 1)
        for (let b = 0; b < slots; b += 1)
          assert.equal(parts[a]?.join() === parts[b]?.join(), shares.shareOf(a) === shares.shareOf(b));
    }),
  );
});

test("devices count up to the first that is none", () => {
  for (const [list, devices] of [
    ["-1,0", undefined],
    [",0", undefined],
    ["2,-1,0", "2"],
    ["2,,0", "2"],
  ] as const)
    assert.equal(dealt({ CUDA_VISIBLE_DEVICES: list }, 1).of(0).CUDA_VISIBLE_DEVICES, devices, list);
});

test("a mismatch is reported with a message that says what is done", () => {
  assert.match(
    dealt({ CUDA_VISIBLE_DEVICES: "0" }, 4).shares.mismatch() ?? "",
    /1 device for 4 slots: slots share devices; --slots 1/,
  );
  assert.match(
    dealt({ CUDA_VISIBLE_DEVICES: "0,1,2" }, 2).shares.mismatch() ?? "",
    /each slot gets 1, and 1 is not used; --slots 3/,
  );
});

test("what is no list of devices is left as it is", () => {
  for (const value of ["", "-1", "NoDevFiles"]) assert.deepEqual(dealt({ CUDA_VISIBLE_DEVICES: value }, 2, ["0", "1"]).of(0), {});
  for (const value of ["all", "none", "void"]) assert.deepEqual(dealt({ NVIDIA_VISIBLE_DEVICES: value }, 2).of(0), {});
  // CUDA sees the devices before the first that is none.
  assert.deepEqual(dealt({ CUDA_VISIBLE_DEVICES: "0,-1,1" }, 1).of(0), { CUDA_VISIBLE_DEVICES: "0" });
});

test("each variable is dealt by itself, and the machine's GPUs stand in for a variable that is not set", () => {
  const { of } = dealt({ NVIDIA_VISIBLE_DEVICES: "GPU-a,GPU-b" }, 2, ["0", "1"]);
  assert.deepEqual(of(1), { CUDA_VISIBLE_DEVICES: "1", NVIDIA_VISIBLE_DEVICES: "GPU-b" });
  assert.deepEqual(dealt({}, 2).of(0), {});
});

test("GPUs are read from the driver's listing, MIG parts in place of the GPU that is cut into them", () => {
  const whole = "GPU 0: NVIDIA H200 (UUID: GPU-1a)\nGPU 1: NVIDIA H200 (UUID: GPU-2b)\n";
  assert.deepEqual(readDevices(whole), ["0", "1"]);
  const cut = `GPU 0: NVIDIA H200 (UUID: GPU-1a)\n  MIG 1g.18gb     Device  0: (UUID: MIG-11)\n  MIG 1g.18gb     Device  1: (UUID: MIG-22)\n`;
  assert.deepEqual(readDevices(cut), ["MIG-11", "MIG-22"]);
  assert.deepEqual(readDevices(""), []);
});
