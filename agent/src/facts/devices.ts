/**
 * Which GPUs each slot of the agent has. The lists that the agent was started with (CUDA_VISIBLE_DEVICES and its kin, by index or by UUID) are
 * dealt out to the slots; without one, all GPUs of the machine are. Pure, but for the question to the driver's own tool.
 */

import { execFile } from "node:child_process";
import { counted } from "@regulus/proto";

/** Variables that hold a list of devices. */
export const deviceVariables = [
  "CUDA_VISIBLE_DEVICES",
  "NVIDIA_VISIBLE_DEVICES",
  "HIP_VISIBLE_DEVICES",
  "ROCR_VISIBLE_DEVICES",
] as const;
type DeviceVariable = (typeof deviceVariables)[number];

/** Longest wait for the tool, in milliseconds: a driver in trouble hangs. */
const toolMsMax = 5000;
/** What stands for no device, all devices or a value that only the container's runtime reads. */
const noLists = new Set(["", "-1", "all", "none", "void", "NoDevFiles"]);

/** Devices by the variable that names them; a variable that names none is absent. */
export type DeviceLists = ReadonlyMap<DeviceVariable, readonly string[]>;

/** The lists of an environment. `found`: the machine's GPUs, for an agent that was told of none. */
export function deviceLists(own: NodeJS.ProcessEnv, found: readonly string[]): DeviceLists {
  const lists = new Map<DeviceVariable, readonly string[]>();
  for (const name of deviceVariables) {
    const devices = listOf(own[name]);
    if (devices.length > 0) lists.set(name, devices);
  }
  if (own.CUDA_VISIBLE_DEVICES === undefined && found.length > 0) lists.set("CUDA_VISIBLE_DEVICES", found);
  return lists;
}

/** What CUDA makes of such a text: the devices before the first that is none. */
function listOf(text: string | undefined): readonly string[] {
  if (text === undefined || noLists.has(text.trim())) return [];
  const devices = text.split(",").map((device) => device.trim());
  const end = devices.findIndex((device) => device === "" || device.startsWith("-"));
  return [...new Set(end < 0 ? devices : devices.slice(0, end))];
}

/** The devices of the slots: as many for each as there are to go round; where there are fewer than slots, slots share. */
export class DeviceShares {
  readonly #lists: DeviceLists;
  readonly #slots: number;

  constructor(lists: DeviceLists, slots: number) {
    this.#lists = lists;
    this.#slots = slots;
  }

  /** Variables for a trial that has these slots. */
  environment(slots: readonly number[]): Record<string, string> {
    const entries = [...this.#lists].map(([name, devices]) => {
      const mine = new Set(slots.flatMap((slot) => this.#of(devices, slot)));
      return [name, devices.filter((device) => mine.has(device)).join(",")];
    });
    return Object.fromEntries(entries);
  }

  /** Slots with the same number share their devices. */
  shareOf(slot: number): number {
    const fewest = Math.min(...[...this.#lists.values()].map(({ length }) => length));
    return Number.isFinite(fewest) ? slot % fewest : slot;
  }

  /** What is done where devices and slots differ in number, in words for the log; undefined where each slot has one. */
  mismatch(): string | undefined {
    for (const [name, { length }] of this.#lists) {
      if (length === this.#slots) continue;
      const have = `${name} holds ${counted(length, "device")} for ${counted(this.#slots, "slot")}`;
      if (length < this.#slots) return `${have}: slots share devices; --slots ${length} gives each trial one of its own`;
      const each = Math.floor(length / this.#slots);
      const left = length - each * this.#slots;
      const rest = left === 0 ? "" : `, and ${left} ${left === 1 ? "is" : "are"} not used`;
      return `${have}: each slot gets ${each}${rest}; --slots ${length} gives each a slot of its own`;
    }
    return undefined;
  }

  #of(devices: readonly string[], slot: number): readonly string[] {
    const each = Math.floor(devices.length / this.#slots);
    if (each === 0) return devices.slice(slot % devices.length, (slot % devices.length) + 1);
    return devices.slice(slot * each, (slot + 1) * each);
  }
}

/** The machine's GPUs as CUDA_VISIBLE_DEVICES names them: by index, or the UUIDs of their MIG parts. Empty where there are none. */
export async function machineDevices(): Promise<readonly string[]> {
  return await new Promise((resolve) => {
    execFile("nvidia-smi", ["-L"], { timeout: toolMsMax }, (error, stdout) => resolve(error === null ? readDevices(stdout) : []));
  });
}

/** Devices in the answer of `nvidia-smi -L`. CUDA counts no whole GPU where one is cut into MIG parts. */
export function readDevices(listing: string): readonly string[] {
  const parts = [...listing.matchAll(/^\s+MIG .*\(UUID: (MIG-[^)]+)\)/gm)].map(([, uuid = ""]) => uuid);
  if (parts.length > 0) return parts;
  return [...listing.matchAll(/^GPU (\d+):/gm)].map(([, index = ""]) => index);
}
