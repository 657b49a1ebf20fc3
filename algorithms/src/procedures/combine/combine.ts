/**
 * Averages stored predictions of trials and measures the ensemble. It reads all members' files at once, in blocks of rows, so that neither a model
 * nor a whole file has to fit in memory. Step k measures the ensemble of the first k members: one pass over the files gives all of these.
 * Source: Hansen and Salamon, IEEE PAMI 12 (1990); the mean of logits: arXiv 2509.14786.
 */
import { assert, RegulusError } from "@regulus/proto";
import { encodePredictions, PredictionScore, type PredictionSplit, predictionsKindOf } from "../../predictions/index.js";
import { parseOptions } from "../../settings/parse-options.js";
import type { Observed, ProcedureModule, Session, SessionResult, TrialRequest } from "../../training/contracts/procedure.js";
import { decodeCheckpoint, encodeCheckpoint } from "../../training/state/checkpoint.js";
import { EnsembleMean, type OnPrediction } from "./ensemble-mean.js";
import { checkSameRows, type Member, openMembers, rowsOf } from "./members.js";
import { type CombineOptions, spec } from "./spec.js";

/** Logits of all members that are in memory at once: 16 MB. */
const logitsMax = 4_000_000;

export const module: ProcedureModule = {
  spec,
  async open(request) {
    const options = parseOptions("work.options", spec.options, request.work.options);
    const members = await openMembers(request.inputs ?? []);
    const { weights = members.map(() => 1) } = options;
    if (weights.length !== members.length || !weights.some((weight) => weight > 0)) {
      const words = `work.options.weights: saw ${JSON.stringify(weights)}, expected ${members.length}, one for each member, not all zero`;
      throw new RegulusError("invalid-argument", words);
    }
    return new CombineSession(request, members, { ...options, weights });
  },
};

/** Options with a weight for each member. */
type CheckedOptions = CombineOptions & { readonly weights: readonly number[] };

/** A block of rows of a split. */
interface Block {
  readonly split: PredictionSplit;
  readonly from: number;
  readonly rows: number;
}

/** Scores of a split. */
interface SplitScores {
  /** Of the ensemble of the first k + 1 members. */
  readonly ensembles: readonly PredictionScore[];
  readonly members: readonly PredictionScore[];
}

class CombineSession implements Session {
  readonly measureEverySteps = 1;
  readonly #members: readonly Member[];
  readonly #options: CheckedOptions;
  readonly #seed: number;
  readonly #untilStep: number;
  readonly #blocks: Block[];
  readonly #scores: ReadonlyMap<PredictionSplit, SplitScores>;
  /** Blocks that are scored. */
  #scored = 0;
  #stepsDone = 0;

  constructor({ work, seed, checkpoint }: TrialRequest, members: readonly Member[], options: CheckedOptions) {
    this.#members = members;
    this.#options = options;
    this.#seed = seed;
    this.#untilStep = work.untilStep;
    const files = [...(members[0]?.files ?? [])];
    this.#blocks = files.flatMap(([split, { shape, rows }]) =>
      blocksOf(split, rows, members.length * shape.slice(1).reduce((a, b) => a * b, 1)),
    );
    const scores = () => members.map(() => new PredictionScore(options.bins));
    this.#scores = new Map(files.map(([split]) => [split, { ensembles: scores(), members: scores() }]));
    if (checkpoint !== undefined) this.#stepsDone = decodeCheckpoint(checkpoint, spec.name).step;
  }

  get stepsDone(): number {
    return this.#stepsDone;
  }

  get ended(): boolean {
    return this.#untilStep === 0 && this.#stepsDone >= this.#members.length;
  }

  /** Scores a block; once all are scored, each step looks at one member more. */
  async step(): Promise<void> {
    if (this.#scored < this.#blocks.length) await this.#scoreNext();
    if (this.#scored === this.#blocks.length) this.#stepsDone += 1;
  }

  async measure(): Promise<Observed> {
    // A session that went on from a checkpoint has read nothing yet.
    while (this.#scored < this.#blocks.length) await this.#scoreNext();
    const count = Math.min(this.#stepsDone, this.#members.length);
    const metrics: Record<string, number> = { members: count };
    for (const [split, scores] of this.#scores) {
      const ensemble = scores.ensembles[count - 1];
      if (ensemble === undefined) continue;
      const losses = scores.members.slice(0, count).map(({ loss }) => loss);
      metrics[`${split}Loss`] = ensemble.loss;
      metrics[`${split}Error`] = ensemble.error;
      metrics[`${split}Ece`] = ensemble.calibrationError;
      metrics[`${split}MemberLoss`] = losses.reduce((sum, loss) => sum + loss, 0) / count;
      metrics[`${split}BestMemberLoss`] = Math.min(...losses);
    }
    return { step: this.#stepsDone, metrics, learned: {}, scales: {}, hypergradients: {} };
  }

  async save(): Promise<Uint8Array> {
    return encodeCheckpoint({ procedure: spec.name, step: this.#stepsDone, seed: this.#seed, state: {}, tensors: [] });
  }

  /** The combined predictions, where they are wanted: logarithms of probabilities, which are logits. */
  async results(): Promise<readonly SessionResult[]> {
    const { leaves } = this.#options;
    const results: SessionResult[] = [];
    for (const [split, file] of leaves === undefined ? [] : (this.#members[0]?.files ?? [])) {
      const logits = new Float32Array(file.rows * file.places * file.classes);
      for (const block of this.#blocks) {
        if (block.split !== split) continue;
        const mean = await this.#meanOf(block);
        for (let place = 0; place < block.rows * file.places; place++) {
          logits.set(mean.probabilities(place).map(Math.log), (block.from * file.places + place) * file.classes);
        }
      }
      const { rows, targets } = await file.read(0, file.rows);
      const bytes = encodePredictions({ split, shape: file.shape, rows, targets, logits }, leaves ?? "float32");
      results.push({ kind: predictionsKindOf(split), bytes });
    }
    return results;
  }

  close(): void {}

  async #scoreNext(): Promise<void> {
    const block = this.#blocks[this.#scored];
    assert(block, "there is a block that is not scored");
    const scores = this.#scores.get(block.split);
    await this.#meanOf(block, (k) => (own, mean) => {
      scores?.members[k]?.add(own);
      if (mean !== undefined) scores?.ensembles[k]?.add(mean);
    });
    this.#scored += 1;
  }

  /** The mean over all members of a block. @param each gives who hears of the predictions of member k. */
  async #meanOf({ split, from, rows }: Block, each?: (k: number) => OnPrediction): Promise<EnsembleMean> {
    const parts = await Promise.all(this.#members.map((member) => rowsOf(member, split, { from, rows })));
    const [[first], [firstPart]] = [this.#members, parts];
    const file = first?.files.get(split);
    assert(first && firstPart && file, "every member has every split");
    const mean = new EnsembleMean(this.#options.mean, rows * file.places, file.classes);
    for (const [k, member] of this.#members.entries()) {
      const part = parts[k] ?? firstPart;
      checkSameRows(split, [first, firstPart], [member, part]);
      mean.add(part, { name: member.name, weight: this.#options.weights[k] ?? 0 }, each?.(k));
    }
    return mean;
  }
}

/** The blocks of a split. @param numbers logits of one row, of all members. */
function blocksOf(split: PredictionSplit, rows: number, numbers: number): Block[] {
  const atOnce = Math.max(1, Math.floor(logitsMax / numbers));
  return Array.from({ length: Math.ceil(rows / atOnce) }, (_, index) => {
    const from = index * atOnce;
    return { split, from, rows: Math.min(atOnce, rows - from) };
  });
}
