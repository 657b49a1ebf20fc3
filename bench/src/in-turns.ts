/**
 * Times training sessions against each other in one process: they take turns of a few steps, so that whatever else the machine does meets all of them
 * alike, and a turn's ratio is of times that lie milliseconds apart.
 */
import type { Session } from "@regulus/algorithms/training";

/** Milliseconds of a step, by turn. */
export interface Timed {
  readonly wall: readonly number[];
  readonly processor: readonly number[];
}

/** Of one session's times over another's. */
export interface Ratios {
  /** Median over turns of the wall time's, and its quartiles. */
  readonly wallRatio: number;
  readonly wallRatioLow: number;
  readonly wallRatioHigh: number;
  /** Median over turns of the processor time's, which counts what compiles and collects beside. */
  readonly processorRatio: number;
}

export interface Turns {
  readonly turns: number;
  /** Turns before those that are timed, in which code is compiled. */
  readonly warmUpTurns: number;
  /** A multiple of what lies between two tuning steps. */
  readonly stepsPerTurn: number;
}

/** Steps every session and gives its times, in order. @param advanced is called after every turn of all. */
export async function timeInTurns(
  sessions: readonly Session[],
  { turns, warmUpTurns, stepsPerTurn }: Turns,
  advanced: () => void = () => undefined,
): Promise<readonly Timed[]> {
  const times = sessions.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (let turn = -warmUpTurns; turn < turns; turn++) {
    for (const [i, session] of sessions.entries()) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      for (let step = 0; step < stepsPerTurn; step++) await session.step();
      const { user, system } = process.cpuUsage(used);
      if (turn < 0) continue;
      times[i]?.wall.push((performance.now() - began) / stepsPerTurn);
      times[i]?.processor.push((user + system) / 1000 / stepsPerTurn);
    }
    advanced();
  }
  return times;
}

/** One session's times over another's, turn by turn. */
export function ratiosOf(one: Timed, base: Timed): Ratios {
  const of = (times: readonly number[], to: readonly number[]) => times.map((ms, turn) => ms / (to[turn] ?? Number.NaN));
  const wall = of(one.wall, base.wall);
  return {
    wallRatio: rounded(median(wall)),
    wallRatioLow: rounded(quantile(wall, 0.25)),
    wallRatioHigh: rounded(quantile(wall, 0.75)),
    processorRatio: rounded(median(of(one.processor, base.processor))),
  };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function rounded(value: number): number {
  return Number(value.toFixed(3));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
