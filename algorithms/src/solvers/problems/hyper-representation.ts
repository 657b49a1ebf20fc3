/**
 * Hyper-representation: a feature network shared by tasks, each of which fits a linear softmax head of its own. Lower level of task i, by its support
 * rows: g_i(x, y_i) = mean CE(y_i phi_x(u)) + mu/2 |y_i|^2. Upper level: the mean over tasks of the cross entropy on their query rows.
 *
 * Source: Franceschi et al., "Bilevel programming for hyperparameter optimization and meta-learning", ICML 2018, as posed in arXiv 2401.09587. The
 * network is small and written out, so that everything is a first-order gradient of f - <grad_y g, z>: no second-order differentiation.
 */
import { assert } from "@regulus/proto";
import { createRng } from "../../core/index.js";
import type { LabelledRows } from "../../data/pooled-digits.js";
import { acceleratedGradient } from "../accelerated-gradient.js";
import type { LowerProblem } from "../lower-problem.js";
import type { Draw, StochasticProblem } from "../stochastic-problem.js";
import { batchRows } from "./sample-batch.js";
import { SoftmaxHead } from "./softmax-head.js";
import { TanhFeatures } from "./tanh-features.js";

/** One task: rows to fit the head on, and rows to judge it by. */
export interface RepresentationTask {
  readonly support: LabelledRows;
  readonly query: LabelledRows;
}

export interface HyperRepresentationSettings {
  readonly classes: number;
  /** Hidden units of the feature network. */
  readonly features: number;
  /** Penalty of the heads, at least 1e-3. */
  readonly mu: number;
  /** Support and query rows of one draw of a task; all where there are no more. */
  readonly batchSize: number;
  /** Of the starting network and the minibatches. */
  readonly seed: number;
}

/** Accuracy of the heads that held-out tasks are fitted to, and steps at most. */
const fitted = { accuracy: 1e-4, iterationsMax: 2000 };

/** @param heldOut one for each task: for measuring alone, their heads are fitted to convergence. */
export function createHyperRepresentation(
  tasks: readonly RepresentationTask[],
  heldOut: readonly RepresentationTask[],
  settings: HyperRepresentationSettings,
): StochasticProblem {
  const { classes, mu } = settings;
  const inputs = tasks[0]?.support.width ?? 0;
  assert(tasks.length > 0 && heldOut.length === tasks.length, "there is a held-out task for each task");
  const net = new TanhFeatures(inputs, settings.features);
  const head = new SoftmaxHead(classes, net.width);
  const rng = createRng(settings.seed).fork("hyper-representation");
  const start = new Float64Array(net.size);
  rng.fork("network").fillNormal(start);
  for (let i = 0; i < start.length; i++) start[i] = (start[i] ?? 0) / Math.sqrt(inputs);

  const rowsOf = (task: RepresentationTask | undefined, which: "support" | "query", key: string, { draw, unit }: Draw) => {
    assert(task !== undefined, `there is a task ${unit}`);
    const rows = task[which];
    return { rows, chosen: batchRows(rng.fork(key, draw, unit), { lo: 0, hi: rows.count }, settings.batchSize) };
  };
  /** Visits rows with the network's features and the head's probabilities in place. */
  const visit = (
    { rows, chosen }: { rows: LabelledRows; chosen: Int32Array },
    { x, y }: { x: Float64Array; y: Float64Array },
    each: (row: { at: number; label: number; loss: number; features: Float64Array }) => void,
  ) => {
    for (const row of chosen) {
      const [at, label] = [row * rows.width, rows.labels[row] ?? 0];
      const features = net.forward(x, rows.features, at);
      each({ at, label, loss: head.loss(y, features, 0, label), features });
    }
  };
  const addScaled = (out: Float64Array, values: Float64Array, scale: number) => {
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + scale * (values[i] ?? 0);
  };
  const inFeatures = new Float64Array(net.width);
  /** y' u, by features. */
  const transposedTimes = (weights: Float64Array, u: (c: number) => number): void => {
    for (let c = 0; c < classes; c++) {
      const scale = u(c);
      for (let k = 0; k < net.width; k++) inFeatures[k] = (inFeatures[k] ?? 0) + scale * (weights[c * net.width + k] ?? 0);
    }
  };
  const residualOf = (label: number) => (c: number) => (head.probabilities[c] ?? 0) - (c === label ? 1 : 0);

  return {
    upperDim: net.size,
    lowerDim: head.size,
    units: tasks.length,
    lower: "owned",
    kappa: responseBound(tasks, settings) / mu,
    start: { x: start, y: new Float64Array(head.size) },
    lowerGradient(at, of, out) {
      const batch = rowsOf(tasks[of.unit], "support", "lower", of);
      const scale = 1 / batch.chosen.length;
      let smoothness = mu;
      visit(batch, at, ({ label, features }) => {
        head.addGradient(features, 0, label, scale, out);
        smoothness += scale * head.curvature(features, 0);
      });
      addScaled(out, at.y, mu);
      return smoothness;
    },
    adjointResidual(at, of, out) {
      const support = rowsOf(tasks[of.unit], "support", "product", of);
      let smoothness = mu;
      visit(support, at, ({ features }) => {
        head.addHessianVector(at.z, features, 0, 1 / support.chosen.length, out);
        smoothness += head.curvature(features, 0) / support.chosen.length;
      });
      addScaled(out, at.z, mu);
      const query = rowsOf(tasks[of.unit], "query", "upper", of);
      let upperLoss = 0;
      visit(query, at, ({ label, loss, features }) => {
        upperLoss += loss / query.chosen.length;
        head.addGradient(features, 0, label, -1 / query.chosen.length, out);
      });
      return { smoothness, upperLoss };
    },
    direction(at, of, out) {
      const query = rowsOf(tasks[of.unit], "query", "upper", of);
      visit(query, at, ({ at: begin, label }) => {
        inFeatures.fill(0);
        transposedTimes(at.y, residualOf(label));
        net.addBackward(inFeatures, query.rows.features, begin, 1 / query.chosen.length, out);
      });
      const support = rowsOf(tasks[of.unit], "support", "cross", of);
      visit(support, at, ({ at: begin, label, features }) => {
        // s = <grad_y g, z> = (p - e)' z phi, whose gradient in phi is z'(p - e) + y'(diag p - p p') z phi.
        inFeatures.fill(0);
        transposedTimes(at.z, residualOf(label));
        const bent = head.bend(head.products(at.z, features, 0));
        transposedTimes(at.y, (c) => bent[c] ?? 0);
        net.addBackward(inFeatures, support.rows.features, begin, -1 / support.chosen.length, out);
      });
    },
    metrics: ["validLoss", "validError", "testLoss", "testError"],
    evaluate({ x, y }, unit) {
      const judge = (rows: LabelledRows | undefined, weights: Float64Array) => {
        let [loss, errors] = [0, 0];
        const share = 1 / ((rows?.count ?? 1) * tasks.length);
        if (rows === undefined) return [Number.NaN, Number.NaN];
        visit({ rows, chosen: Int32Array.from({ length: rows.count }, (_, row) => row) }, { x, y: weights }, (row) => {
          loss += share * row.loss;
          errors += head.likeliest === row.label ? 0 : share;
        });
        return [loss, errors];
      };
      const unseen = heldOut[unit];
      assert(unseen !== undefined, `there is a held-out task ${unit}`);
      const fit = acceleratedGradient(headProblem(unseen.support, x), x, new Float64Array(head.size), fitted);
      return [...judge(tasks[unit]?.query, y), ...judge(unseen.query, fit.x)];
    },
  };

  /** The lower level of one task at fixed features, for exact solvers. */
  function headProblem(rows: LabelledRows, x: Float64Array): LowerProblem {
    const features = new Float64Array(rows.count * net.width);
    for (let row = 0; row < rows.count; row++) features.set(net.forward(x, rows.features, row * rows.width), row * net.width);
    let smoothness = mu;
    for (let row = 0; row < rows.count; row++) smoothness += head.curvature(features, row * net.width) / rows.count;
    const each = (weights: Float64Array, act: (at: number, label: number) => void): number => {
      let loss = 0;
      for (let row = 0; row < rows.count; row++) {
        const [at, label] = [row * net.width, rows.labels[row] ?? 0];
        loss += head.loss(weights, features, at, label) / rows.count;
        act(at, label);
      }
      return loss;
    };
    return {
      dim: head.size,
      thetaDim: x.length,
      mu: () => mu,
      smoothness: () => smoothness,
      value: (y) => each(y, () => undefined) + (mu / 2) * y.reduce((sum, value) => sum + value * value, 0),
      gradient(y, _, out) {
        out.fill(0);
        each(y, (at, label) => head.addGradient(features, at, label, 1 / rows.count, out));
        addScaled(out, y, mu);
      },
      hessianVector(y, _, v, out) {
        out.fill(0);
        each(y, (at) => head.addHessianVector(v, features, at, 1 / rows.count, out));
        addScaled(out, v, mu);
      },
      crossTransposed: (_, __, ___, out) => void out.fill(0),
    };
  }
}

/**
 * Norm of d2g / dx dy at most, over every y that a lower level can come to: |y|^2 <= 2 log(classes) / mu. It holds and is loose by orders of magnitude,
 * so that a search that allows lag had better state a kappa that it measured.
 */
function responseBound(tasks: readonly RepresentationTask[], { classes, features, mu }: HyperRepresentationSettings): number {
  let longest = 0;
  for (const { support } of tasks) {
    for (let row = 0; row < support.count; row++) {
      let squared = 0;
      for (let k = 0; k < support.width; k++) squared += (support.features[row * support.width + k] ?? 0) ** 2;
      longest = Math.max(longest, squared);
    }
  }
  const headNorm = Math.sqrt((2 * Math.log(classes)) / mu);
  return Math.sqrt(longest) * (Math.SQRT2 + 0.5 * Math.sqrt(features + 1) * headNorm);
}
