/** Pure numerical methods, in double precision: for procedures, benches and reproductions. */
export * from "../data/relaxed-smooth-problem.js";
export * from "../data/ridge-problem.js";
export * from "./accelerated-gradient.js";
export * from "./bo-rep/index.js";
export * from "./conjugate-gradient.js";
export * from "./lower-problem.js";
export * from "./respond.js";
export * from "./self-tuning/learned-hyperparameters.js";
export * from "./self-tuning/ridge-self-tuning.js";
export * from "./self-tuning/vector-optimizers.js";
export * from "./stochastic-problem.js";
export * from "./summation-tree.js";
