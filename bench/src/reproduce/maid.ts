/**
 * Claims about MAID and HOAG (arXiv 2308.10098): accuracies that tune themselves, robustness to where they begin, certified decrease, certified
 * hypergradients, and sums that do not depend on shards. What did not reproduce is measured and reported beside them, never asserted: that
 * MAID is always cheaper than a fixed accuracy, and that it beats HOAG at equal work on many hyperparameters.
 */
import type { Reproduction } from "./claim.js";
import { reportLiteralClaim, runCurveClaim } from "./maid-accuracy.js";
import { runCertificateClaim } from "./maid-certificate.js";
import { runDecreaseClaim, runShardClaim } from "./maid-quadratic.js";
import { runRobustnessClaim } from "./maid-robustness.js";

export const maidReproduction: Reproduction = {
  paper: "maid",
  claims: [
    { id: "MAID-1", run: reportLiteralClaim },
    { id: "MAID-1-CURVE", run: runCurveClaim },
    { id: "MAID-2", run: runRobustnessClaim },
    { id: "MAID-2b", run: runDecreaseClaim },
    { id: "MAID-3", run: runCertificateClaim },
    { id: "MAID-4", run: runShardClaim },
  ],
};
