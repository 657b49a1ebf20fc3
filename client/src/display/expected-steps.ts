/**
 * Training steps that a search is going to do, as far as its strategy lets one tell. A strategy that stops most trials early spends a small part of
 * trials times steps, and a time left that is reckoned from the product is wrong by the same factor.
 */
import type { SearchSpec } from "@regulus/proto";

/** Strategies that give every trial all of its steps. */
const whole = new Set(["random", "grid", "sobol", "self-tuning-network"]);
/** ASHA's own defaults: η, and rungs below the last where `minSteps` is absent. Source: algorithms/src/strategies/asha. */
const ashaDefaults = { eta: 3, promotions: 3 } as const;

/** More than one in η go on, as trials are promoted before better ones come: an eighth more in simulations of 60 to 300 trials and η of 2 to 4. */
const early = 1.125;

/** Expected steps over all of so many trials; 0 where that is open, undefined where it can't be told for this strategy. */
export function expectedSteps(spec: SearchSpec, trials = spec.budget?.trials ?? 0): number | undefined {
  const { budget, strategy } = spec;
  if (budget === undefined) return 0;
  if (strategy?.name === "asha") {
    const steps = ashaSteps(trials, budget.stepsPerTrial, strategy.options ?? {});
    return budget.steps > 0 ? Math.min(budget.steps, steps > 0 ? steps : budget.steps) : steps;
  }
  if (budget.steps > 0) return budget.steps;
  return whole.has(strategy?.name ?? "") ? trials * budget.stepsPerTrial : undefined;
}

/** Every trial does the first rung, and of those on a rung about one in η goes on, and some more. */
function ashaSteps(trials: number, stepsPerTrial: number, options: Readonly<Record<string, unknown>>): number {
  const { eta, rungs } = ashaRungs(stepsPerTrial, options);
  if (trials === 0) return 0;
  let steps = 0;
  let there = trials;
  for (const [at, rung] of rungs.entries()) {
    steps += there * (rung - (rungs[at - 1] ?? 0));
    there *= early / eta;
  }
  return steps;
}

/** The steps at which ASHA pauses trials, the last rung included; none where that is open. */
export function ashaRungs(
  stepsPerTrial: number,
  options: Readonly<Record<string, unknown>>,
): { readonly eta: number; readonly rungs: readonly number[] } {
  const number = (name: string) => (typeof options[name] === "number" ? options[name] : undefined);
  const eta = number("eta") ?? ashaDefaults.eta;
  const last = number("maxSteps") ?? stepsPerTrial;
  if (last <= 0) return { eta, rungs: [] };
  const first = Math.min(last, number("minSteps") ?? Math.max(1, Math.round(last / eta ** ashaDefaults.promotions)));
  const rungs: number[] = [];
  for (let step = first; step * Math.sqrt(eta) < last; step *= eta) rungs.push(Math.round(step));
  return { eta, rungs: [...rungs, last] };
}
