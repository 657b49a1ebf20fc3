/**
 * Claims about self-tuning networks: convergence and the need for the entropy term where all is known in closed form, one run against a grid
 * on a small network, and one run against random search on MNIST.
 */
import { forEverySeed, type Reproduction } from "./claim.js";
import { runGridClaim } from "./stn-grid.js";
import { runMnistClaim } from "./stn-mnist.js";
import { runPopulationClaim } from "./stn-population.js";
import { runConvergenceClaim, runEntropyClaim } from "./stn-ridge.js";
import { runShiftClaim } from "./stn-shift.js";

export const selfTuningNetworks: Reproduction = {
  paper: "stn",
  claims: [
    { id: "STN-1", run: (request) => forEverySeed(request, (one) => runConvergenceClaim(one, "stn")) },
    { id: "STN-1-DELTA", run: (request) => forEverySeed(request, (one) => runConvergenceClaim(one, "delta-stn")) },
    { id: "STN-2", run: (request) => forEverySeed(request, runEntropyClaim) },
    { id: "STN-3", run: runShiftClaim },
    { id: "STN-4", run: (request) => forEverySeed(request, (one) => runGridClaim(one, "stn")) },
    { id: "STN-4-DELTA", run: (request) => forEverySeed(request, (one) => runGridClaim(one, "delta-stn")) },
    { id: "STN-MNIST", run: runMnistClaim },
    { id: "STN-POP", run: runPopulationClaim },
  ],
};
