/** Proposals of the strategy bo-rep: the question that the machine waits for, to every shard that has not answered it, and reports. Pure. */
import type { Configuration, Proposal } from "../../core/index.js";
import { spec as oracle } from "../../procedures/stochastic-oracle/spec.js";
import { awaitedQuestion } from "../../solvers/bo-rep/index.js";
import { isUsable, type Rules } from "./advance.js";
import type { AskedKind, BoRepSearch, Shard } from "./search-state.js";

/** Vectors that each kind of question counts on. */
const needed: Readonly<Record<AskedKind, readonly ("x" | "y" | "z")[]>> = {
  describe: [],
  lower: ["x", "y"],
  adjoint: ["x", "y", "z"],
  direction: ["x", "y", "z"],
  joint: ["x", "y", "z"],
  owned: ["x"],
  evaluate: ["x", "y"],
  close: [],
};

export function askSearch(
  rules: Rules,
  state: Readonly<BoRepSearch>,
  { limit, parameters }: { readonly limit: number; readonly parameters: Configuration },
): readonly Proposal[] {
  const proposals: Proposal[] = state.reports.map((one) => ({ kind: "report", ...one }));
  const stop = (trial: number, reason: string) => proposals.push({ kind: "stop", trial, reason });
  for (const trial of state.silent) stop(trial, "its answer cannot be read");
  if (state.phase === "over") {
    for (const { trial, status } of state.shards) if (trial !== null && status !== "ended") stop(trial, "the search is over");
    return proposals;
  }
  let left = limit;
  let trials = state.trials;
  for (const shard of state.shards) {
    const kind = wantedOf(rules, state, shard);
    if (left <= 0 || kind === undefined) continue;
    const work = workOf(rules, state, shard, kind);
    if (shard.trial === null) {
      if (rules.trialsMax > 0 && trials >= rules.trialsMax) continue;
      trials += 1;
      proposals.push({ kind: "start", procedure: oracle.name, parameters, untilStep: 1, ...work });
    } else proposals.push({ kind: "resume", trial: shard.trial, untilStep: shard.step + 1, ...work });
    left -= 1;
  }
  return proposals;
}

/** What a shard is to be asked now; undefined where it is at work, or has answered. */
function wantedOf(rules: Rules, state: Readonly<BoRepSearch>, shard: Shard): AskedKind | undefined {
  const { status, answer, asked } = shard;
  if (status === "busy" || status === "ended") return undefined;
  switch (state.phase) {
    case "describe":
      return "describe";
    case "rounds": {
      const question = state.machine === null ? undefined : awaitedQuestion(state.machine);
      if (question === undefined) return undefined;
      const hasAnswered = answer?.kind === question.kind && answer.draw === question.draw;
      return hasAnswered || (answer?.used === false && isUsable(rules, state, answer)) ? undefined : question.kind;
    }
    case "evaluate":
      return answer?.kind === "evaluate" ? undefined : "evaluate";
    case "close":
      return asked?.kind === "close" ? undefined : "close";
    case "over":
      return undefined;
  }
}

/** Options, vectors and whether it is the last. */
function workOf(rules: Rules, state: Readonly<BoRepSearch>, shard: Shard, kind: AskedKind) {
  const { machine, description, versions, outcome } = state;
  const { lowerRate, adjointRate, innerSteps, radius, period } = rules.settings;
  const final = kind === "close";
  if (machine === null || description === null || kind === "describe") {
    return { final, options: { kind: "describe", lo: 0 } };
  }
  const { owned } = description;
  const own = { lowerRate, adjointRate, innerSteps, radius };
  // In synchronous rounds this is every `period` steps; a shard that lags refreshes as soon as its time is over.
  const isDue = shard.refreshedAt < 0 || machine.step - shard.refreshedAt >= period;
  const vectors: Record<string, readonly number[]> = {};
  for (const name of needed[kind]) {
    if (owned && name !== "x") continue;
    const place = name === "x" ? 0 : name === "y" ? 1 : 2;
    const isHeld = shard.held[place] === versions[place];
    if (name === "x" && kind === "evaluate") vectors.x = machine.x;
    else if (!isHeld) vectors[name] = name === "x" ? ownUpper(state, shard) : machine[name];
  }
  if (final) vectors.outcome = outcome;
  const holds = versions.map((version, place) => {
    const name = (["x", "y", "z"] as const)[place];
    return name !== undefined && needed[kind].includes(name) ? version : (shard.held[place] ?? -1);
  });
  const options = {
    kind,
    draw: machine.draws,
    lo: shard.lo,
    hi: shard.hi,
    versions: holds,
    ...(kind === "owned" ? { ...own, refresh: isDue } : {}),
  };
  return { final, options, vectors };
}

/** The upper variables that a shard needs: its own where units have some to themselves. */
function ownUpper({ machine, description }: Readonly<BoRepSearch>, { lo, hi }: Shard): readonly number[] {
  const x = machine?.x ?? [];
  const [from, to] = [description?.edges[lo], description?.edges[hi]];
  return from === undefined || to === undefined ? x : x.slice(from, to);
}
