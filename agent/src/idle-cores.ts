/** Counts idle cores by the operating system's clocks. In a container it counts the host's cores. */
import { type CpuInfo, cpus } from "node:os";

export class IdleCores {
  readonly #look: () => readonly CpuInfo[];
  #idle = 0;
  #all = 0;

  constructor(look: () => readonly CpuInfo[] = cpus) {
    this.#look = look;
    this.sinceLast();
  }

  /** Cores that were idle since the last call or the start, from 0 to all of them; infinitely many where the clocks stand still or tell nothing. */
  readonly sinceLast = (): number => {
    const times = this.#look().map((core) => core.times);
    const idle = times.reduce((sum, core) => sum + core.idle, 0);
    const all = times.reduce((sum, { user, nice, sys, idle: own, irq }) => sum + user + nice + sys + own + irq, 0);
    const [idleSince, allSince] = [idle - this.#idle, all - this.#all];
    [this.#idle, this.#all] = [idle, all];
    return allSince > 0 ? (times.length * idleSince) / allSince : Number.POSITIVE_INFINITY;
  };
}
