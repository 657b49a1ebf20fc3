/** Claims about BO-REP: unbounded smoothness in closed form, and hyper-cleaning of noisy labels. */
import { runBlobCleaningClaim, runDigitCleaningClaim } from "./bo-rep-cleaning.js";
import { reportRefinement, runHeadlineClaim, runMildClaim, runPeriodClaim } from "./bo-rep-synthetic.js";
import type { Reproduction } from "./claim.js";

export const boRep: Reproduction = {
  paper: "bo-rep",
  claims: [
    { id: "BO-1", run: runHeadlineClaim },
    { id: "BO-2", run: runMildClaim },
    { id: "BO-3", run: runPeriodClaim },
    { id: "BO-4", run: reportRefinement },
    { id: "BO-CLEAN", run: runBlobCleaningClaim },
    { id: "BO-CLEAN-MNIST", run: runDigitCleaningClaim },
  ],
};
