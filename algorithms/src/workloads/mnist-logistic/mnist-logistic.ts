/**
 * Multinomial logistic regression on small MNIST digits, with one penalty to tune for every weight. A sample is a fold of cross-validation: it trains
 * on the other folds and is judged on its own. What the tuned penalties are worth is measured on images of the official test set.
 */
import { createRng } from "../../core/index.js";
import { mnistClasses, testDigits, trainDigits } from "../../data/mnist-digits.js";
import { mnistTestImages, mnistTrainImages } from "../../data/mnist-sizes.js";
import { pooledDigits } from "../../data/pooled-digits.js";
import type { UpperFunction } from "../../solvers/lower-problem.js";
import {
  crossEntropyOf,
  errorRate,
  type LogisticRows,
  multinomialLogistic,
} from "../../solvers/problems/multinomial-logistic.js";
import type { RespondModule } from "../../training/contracts/workload.js";
import { type MnistLogisticOptions, spec } from "./spec.js";

export const module: RespondModule<MnistLogisticOptions> = {
  spec,
  respond({ options, seed }) {
    const { side, size, folds } = options;
    const rng = createRng(seed).fork("mnist-logistic");
    const places = rng.fork("train").permutation(mnistTrainImages).slice(0, size);
    const dim = mnistClasses * (side * side + 1);
    let known: { rows: LogisticRows; loss: UpperFunction } | undefined;
    const test = () => {
      if (known !== undefined) return known;
      const order = rng.fork("test").permutation(mnistTestImages);
      const rows = rowsOf(testDigits(), order.slice(0, Math.min(size, mnistTestImages)), side);
      known = { rows, loss: crossEntropyOf(rows) };
      return known;
    };
    return {
      samples: folds,
      theta: new Float64Array(dim).fill(options.logPenalty),
      sample(index) {
        const parts = Math.max(2, folds);
        // A single sample is judged on the second half, sample i of several on fold i.
        const judged = folds === 1 ? 1 : index;
        const inFold = (place: number): boolean => Math.floor((place * parts) / size) === judged;
        const train = rowsOf(
          trainDigits(),
          places.filter((_, place) => !inFold(place)),
          side,
        );
        const valid = rowsOf(
          trainDigits(),
          places.filter((_, place) => inFold(place)),
          side,
        );
        return {
          lower: multinomialLogistic(train),
          upper: crossEntropyOf(valid),
          start: () => new Float64Array(dim),
          metrics: (w) => ({
            validError: errorRate(valid, w),
            testLoss: test().loss.value(w),
            testError: errorRate(test().rows, w),
          }),
        };
      },
    };
  },
};

function rowsOf(digits: Parameters<typeof pooledDigits>[0], places: Int32Array, side: number): LogisticRows {
  const { width, features, labels } = pooledDigits(digits, places, { side });
  return { features: width, classes: mnistClasses, inputs: features, labels };
}
