/** Options of MAID and of HOAG as schemas, with defaults. Pure: specs use them. */
import { z } from "zod";

const positive = z.number().positive().max(1e12);

/** What both methods take. */
const shared = {
  /** Accuracy of the first lower solves, in the units of x. */
  accuracy: positive.default(0.1),
  /** No accuracy below this is asked for. */
  accuracyMin: z.number().min(1e-300).max(1).default(1e-12),
  /** Converged once the hypergradient's norm is at most this. */
  tolerance: z.number().min(0).max(1e12).default(1e-6),
  /** Accepted steps after which it ends. */
  steps: z.int().min(1).max(10_000_000).default(1000),
  /** Lower and adjoint steps of all samples together after which it ends; 0 for no limit. */
  work: z.number().min(0).max(1e15).default(0),
  /** Box of every hyperparameter: e^15 is as far as a penalty should go in either direction. */
  thetaMin: z.number().min(-1e6).max(1e6).default(-15),
  thetaMax: z.number().min(-1e6).max(1e6).default(15),
  /** Steps after which one lower or adjoint solve gives up. */
  iterationsMax: z.int().min(1).max(100_000_000).default(100_000),
};

const isOrdered = ({ thetaMin, thetaMax }: { thetaMin: number; thetaMax: number }): boolean => thetaMin < thetaMax;
const notOrdered = { path: ["thetaMin"], message: "expected thetaMin below thetaMax" };

/** Letters in brackets are those of arXiv 2308.10098. */
export const maidOptions = z
  .strictObject({
    ...shared,
    /** Residual of the first adjoint solves (delta). */
    residual: positive.default(0.1),
    /** First step length (alpha). */
    stepLength: positive.default(0.01),
    /** Factor from one trial of a line search to the next (rho). */
    stepShrink: z.number().min(0.01).max(0.99).default(0.5),
    /** Factor of the step length after an accepted step (rho bar). */
    stepGrowth: z
      .number()
      .min(1)
      .max(100)
      .default(10 / 9),
    /** Factor of accuracy and residual after a failed line search (nu). */
    accuracyShrink: z.number().min(0.001).max(0.99).default(0.5),
    /** Factor of accuracy and residual after an accepted step (nu bar). It enters the next bounds: keep it small. */
    accuracyGrowth: z.number().min(1).max(10).default(1.05),
    /** Demanded decrease: this share of step length times squared hypergradient norm (lambda). */
    decrease: z.number().positive().max(0.999).default(1e-4),
    /** The descent check wants omega at most 1 - this of the hypergradient's norm (eta); above `decrease`. */
    descentMargin: z.number().positive().max(0.999).default(0.5),
    /** Trials of the first line search at a point (J0); one more each time that it fails. */
    trials: z.int().min(1).max(100).default(10),
    /**
     * A line search leaves out steps that would pass only if the loss fell this many times as fast as the hypergradient says: where
     * this * alpha |z|^2 is below the uncertainty of the loss. 0 tries them all, as published.
     */
    futility: z.number().min(0).max(1e6).default(4),
    /** Whether a hypergradient is accepted only where its error bound proves descent. Bounds are loose by thousands: costs much. */
    checkDescent: z.boolean().default(false),
    /**
     * What a step follows. gradient: -z, as published. barzilai-borwein: -z, first tried at the length <s,s> / <s,y>. l-bfgs: a quasi-Newton
     * direction of the last steps; for many hyperparameters of unlike scales. The decrease is certified in each case.
     */
    direction: z.enum(["gradient", "barzilai-borwein", "l-bfgs"]).default("gradient"),
    /** For experiments: accuracy and residual stay as they begin, and the first line search that fails ends the run. */
    freezeAccuracy: z.boolean().default(false),
    /** Whether shards may stop a trial that has certainly failed (upper losses are at least 0). Failed trials then don't count as work. */
    earlyRejection: z.boolean().default(false),
  })
  .refine(isOrdered, notOrdered)
  .refine(({ decrease, descentMargin }) => decrease < descentMargin, {
    path: ["decrease"],
    message: "expected decrease below descentMargin",
  });
export type MaidOptions = z.infer<typeof maidOptions>;

export const hoagOptions = z
  .strictObject({
    ...shared,
    /** How the accuracy of solve k falls from `accuracy`: 0.9^k, 1 / (k + 1)^2, 1 / (k + 1)^3. */
    schedule: z.enum(["geometric", "quadratic", "cubic"]).default("quadratic"),
    /** First step length; absent for the method's own, sqrt(p) over the norm of the first hypergradient. */
    stepLength: positive.optional(),
  })
  .refine(isOrdered, notOrdered);
export type HoagOptions = z.infer<typeof hoagOptions>;
