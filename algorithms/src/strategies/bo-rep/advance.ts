/**
 * Moves the machine as far as the answers of shards go: averages first, then momentum, then one normalization. Synchronous rounds take answers to the
 * very question; with a tolerance, upper steps take each shard's newest answer as long as it is not too old, and wait for the others.
 */
import { counted, fromVectors, type Measurement } from "@regulus/proto";
import {
  admits,
  averageOfShards,
  awaitedQuestion,
  type BoRepSettings,
  decodeDescription,
  etaAt,
  type OracleShape,
  startBoRep,
  tellBoRep,
} from "../../solvers/bo-rep/index.js";
import { combineNodes, shardRanges } from "../../solvers/summation-tree.js";
import { type BoRepSearch, type GivenAnswer, newShard } from "./search-state.js";

/** What the strategy was told once and for all. */
export interface Rules {
  readonly settings: BoRepSettings;
  readonly shards: number;
  readonly staleTolerance: number;
  readonly kappa: number | undefined;
  readonly replacements: number;
  /** Steps of one trial that the budget allows; 0 for any number. */
  readonly stepsPerTrial: number;
  /** Steps of all trials together; 0 for any number. */
  readonly stepsMax: number;
  /** Trials that the budget allows; 0 for any number. */
  readonly trialsMax: number;
}

/** Rounds that a trial needs after the last upper step: exact metrics, and the end. */
const closingRounds = 2;

/** Takes in what the workload says of itself; false where that is not in the measurement. */
export function takeDescription(rules: Rules, state: BoRepSearch, measurement: Measurement | undefined): boolean {
  const description = decodeDescription(fromVectors(measurement?.vectors));
  if (description === undefined) return false;
  const { units, owned, x, y } = description;
  state.description = description;
  state.machine = startBoRep(rules.settings, { x, y: owned ? [] : y });
  // The trial that described goes on as the first shard's.
  const [first = newShard(0, 0)] = state.shards;
  state.shards = shardRanges(units, rules.shards).map(({ lo, hi }) => (lo === 0 ? { ...first, lo, hi } : newShard(lo, hi)));
  state.phase = "rounds";
  return true;
}

export function shapeOfSearch({ description }: Readonly<BoRepSearch>): OracleShape {
  const { upperDim, lowerDim, units, edges } = description ?? { upperDim: 0, lowerDim: 0, units: 0, edges: [] };
  return { upperDim, lowerDim, units, sliced: edges.length > 0 };
}

/** Whether an answer may still be used for what the machine waits for. */
export function isUsable(rules: Rules, state: Readonly<BoRepSearch>, answer: GivenAnswer | null): boolean {
  const { machine, description } = state;
  if (machine === null || description === null || answer === null) return false;
  const question = awaitedQuestion(machine);
  if (answer.kind !== question?.kind) return false;
  if (answer.draw === question.draw) return true;
  if (rules.staleTolerance === 0 || (question.kind !== "joint" && question.kind !== "owned")) return false;
  const kappa = rules.kappa ?? description.kappa;
  return admits(machine.step - answer.at, { eta: etaAt(rules.settings, machine.step), kappa, tolerance: rules.staleTolerance });
}

/** Goes on as far as it can. */
export function advance(rules: Rules, state: BoRepSearch): void {
  while (state.phase === "rounds" && oneRound(rules, state));
  if (state.phase === "evaluate") evaluated(state);
  if (state.phase === "close" && state.shards.every(({ status }) => status === "ended")) state.phase = "over";
}

function oneRound(rules: Rules, state: BoRepSearch): boolean {
  const { machine, shards } = state;
  const answers = shards.map(({ answer }) => answer).filter((answer) => answer !== null);
  if (machine === null || answers.length < shards.length) return false;
  if (!answers.every((answer) => isUsable(rules, state, answer)) || answers.every(({ used }) => used)) return false;
  const kind = machine.awaited;
  const before = machine.step;
  const average = averageOfShards(
    shapeOfSearch(state),
    kind,
    answers.map(({ answer }) => answer),
  );
  state.lag = Math.max(state.lag, ...answers.map(({ at }) => before - at));
  tellBoRep(machine, rules.settings, average);
  for (const answer of answers) answer.used = true;
  const [x, y, z] = state.versions;
  const hasMoved = (...kinds: readonly string[]) => (kinds.includes(kind) ? 1 : 0);
  state.versions = [x + hasMoved("direction", "joint", "owned"), y + hasMoved("lower"), z + hasMoved("adjoint", "joint")];
  stopAtBudget(rules, state, machine.step > before);
  if (machine.ended === "diverged") diverge(state, "an average of the shards' estimates is not finite");
  else if (machine.ended !== "no") state.phase = "evaluate";
  if (machine.step > before && (machine.step % rules.settings.period === 0 || machine.ended !== "no")) report(rules, state);
  return true;
}

/** Nothing more can come of it; what is left is stopped. */
export function diverge(state: BoRepSearch, words: string): void {
  if (state.machine !== null) state.machine.ended = "diverged";
  state.phase = "over";
  const step = state.machine?.step ?? 0;
  const message = `diverged after ${step} upper steps: ${words}; a smaller eta, or smaller rates, may help`;
  state.reports.push({ step, accepted: false, metrics: {}, message });
}

/**
 * Ends with the last upper step that leaves every trial, and all of them together, the rounds to close: refinement, or a step once begun, goes on
 * while those are left.
 */
function stopAtBudget({ stepsPerTrial, stepsMax, settings }: Rules, state: BoRepSearch, atStep: boolean): void {
  const { machine, shards } = state;
  if (machine === null || machine.ended !== "no") return;
  const isRefining = machine.epochs < settings.refinementEpochs && machine.awaited === "lower";
  if (!atStep && !isRefining) return;
  // The newest round is in no shard's steps yet; a round of refinement comes before the next time that this is asked.
  const rounds = (isRefining ? 2 : 1) + roundsOfStep(settings) + closingRounds;
  const most = Math.max(...shards.map(({ step }) => step));
  const isSpent = (steps: number, limit: number) => limit > 0 && steps > limit;
  if (isSpent(most + rounds, stepsPerTrial) || isSpent((machine.draws + rounds) * shards.length, stepsMax))
    machine.ended = "steps";
}

/** Rounds that an upper step takes at most: with a refresh before it. */
function roundsOfStep({ innerSteps, adjoint }: Pick<BoRepSettings, "innerSteps" | "adjoint">): number {
  return innerSteps + (adjoint === "fresh" ? 2 : 1);
}

/** Steps that a trial needs to say what the workload is, to take part in one upper step, and to close. */
export function stepsOfTrialMin(settings: Pick<BoRepSettings, "innerSteps" | "adjoint">): number {
  return 1 + roundsOfStep(settings) + closingRounds;
}

function report({ settings, kappa }: Rules, state: BoRepSearch): void {
  const { machine, description, lag } = state;
  if (machine === null || description === null) return;
  const { upperLoss, momentumNorm, directionNorm, adjointNorm, eta } = machine.newest;
  const lagBound = settings.period * eta * (kappa ?? description.kappa);
  const metrics = { upperLoss, momentumNorm, directionNorm, zNorm: adjointNorm, eta, lag, lagBound, draws: machine.draws };
  const shown = (value: number) => Number(value.toPrecision(4));
  const old = lag > 0 ? `, from estimates up to ${counted(lag, "step")} old` : "";
  const why = machine.ended === "converged" ? "; it ends, since the momentum has been small for long" : "";
  const message =
    `upper step ${machine.step} of ${settings.steps}: upper loss ${shown(upperLoss)}, momentum ${shown(momentumNorm)}, ` +
    `|z| ${shown(adjointNorm)}, eta ${shown(eta)}${old}${why}`;
  // The answers of every step hold as many numbers, so that the log hardly grows by these.
  state.reports.push({ step: machine.step, accepted: true, metrics, vectors: { x: [...machine.x] }, message });
  state.lag = 0;
}

/** Once all shards have measured exactly, the sums are the outcome. */
function evaluated(state: BoRepSearch): void {
  const answers = state.shards.map(({ answer }) => answer).filter((answer) => answer?.kind === "evaluate");
  if (answers.length < state.shards.length) return;
  const nodes = answers.flatMap((one) => one?.answer.nodes ?? []);
  state.outcome = [...combineNodes(shapeOfSearch(state).units, nodes)];
  state.phase = "close";
}
