/** The suites of everything that trains, for those who write more of it. Apart from the other suites, since they load tfjs. */
export { openCase, stepTo, type TrialCase } from "./attempt.js";
export { describeLearningRate } from "./learning-rate.js";
export { describeOptimizer } from "./optimizer.js";
export { describeProbe } from "./probe.js";
export { describeProcedure } from "./procedure.js";
export { describeTechnique } from "./technique.js";
export { describeWorkload, type WorkloadCase } from "./workload.js";
