/**
 * Claims about self-tuning networks: convergence and the need for the entropy term where all is known in closed form, one run against a grid
 * on a small network, and one run against random search on MNIST.
 */
import type { Reproduction } from "./claim.js";
import { runGridClaim } from "./stn-grid.js";
import { runMnistClaim } from "./stn-mnist.js";
import { runConvergenceClaim, runEntropyClaim } from "./stn-ridge.js";

export const selfTuningNetworks: Reproduction = {
  paper: "stn",
  claims: [
    { id: "STN-1", run: runConvergenceClaim },
    { id: "STN-2", run: runEntropyClaim },
    { id: "STN-4", run: runGridClaim },
    { id: "STN-MNIST", run: runMnistClaim },
  ],
};
