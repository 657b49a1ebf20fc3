/** MAID-3: the a-posteriori bound of the hypergradient's error holds on multinomial logistic regression, and is loose by thousands. */
import { createRng } from "@regulus/algorithms/core";
import { answerSample, crossEntropyOf, type LogisticRows, multinomialLogistic } from "@regulus/algorithms/solvers";
import type { ClaimResult, ReproduceRequest } from "./claim.js";

const [classes, features, count] = [3, 8, 120];
const accuracies = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
/** Accuracy of the hypergradient that the others are held against. */
const reference = 1e-11;
/** Draws of theta a seed. */
const draws = 5;

export async function runCertificateClaim({ seed, seeds, progress }: ReproduceRequest): Promise<ClaimResult> {
  progress.begin("MAID-3", seeds * draws);
  let [checked, violations, tightest, loosest] = [0, 0, Number.POSITIVE_INFINITY, 0];
  for (let one = seed; one < seed + seeds; one++) {
    const rng = createRng(one).fork("MAID-3");
    const rows = (name: string): LogisticRows => {
      const inputs = new Float64Array(count * features);
      rng.fork(name).fillNormal(inputs);
      const labels = Uint8Array.from({ length: count }, (_, row) => row % classes);
      // Classes lie apart along three features, so that there is something to fit.
      for (const [row, label] of labels.entries()) inputs[row * features + label] = (inputs[row * features + label] ?? 0) + 1;
      return { features, classes, inputs, labels };
    };
    const dim = classes * features;
    const sample = {
      lower: multinomialLogistic(rows("train")),
      upper: crossEntropyOf(rows("valid")),
      start: () => new Float64Array(dim),
    };
    for (let draw = 0; draw < draws; draw++) {
      const theta = new Float64Array(dim);
      rng.fork("theta", draw).fillNormal(theta);
      const answer = (accuracy: number) => {
        const question = { theta: [...theta].map((one) => one - 3), accuracy, gradient: { residual: accuracy }, commit: false };
        return answerSample(sample, question, { x: new Float64Array(dim) });
      };
      const truth = answer(reference).hypergradient ?? new Float64Array(dim);
      for (const accuracy of accuracies) {
        const { answer: said, hypergradient } = answer(accuracy);
        const error = Math.sqrt(truth.reduce((sum, exact, j) => sum + (exact - (hypergradient?.[j] ?? 0)) ** 2, 0));
        const bound = said.adjoint?.bound ?? 0;
        checked += 1;
        if (error > bound) violations += 1;
        tightest = Math.min(tightest, bound / error);
        loosest = Math.max(loosest, bound / error);
      }
      progress.advance(1);
    }
  }
  return {
    id: "MAID-3",
    statement: "The error of every hypergradient lies within the bound that is computed beside it.",
    measured: { checked, violations, "least bound over error": tightest, "greatest bound over error": loosest },
    threshold: "|z - grad f| <= omega for accuracies from 1 to 1e-6, against a reference at 1e-11",
    holds: violations === 0,
  };
}
