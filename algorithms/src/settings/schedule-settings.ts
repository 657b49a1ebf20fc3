/** Settings that learning-rate schedules share: the warm-up of all of them, and where those end that fall. Pure. */
import { z } from "zod";
import { realParameter } from "./parameters.js";

export const warmUpOptions = {
  /** Share of the planned steps over which the rate rises linearly to the base rate, from 0 to below 1. */
  warmUpShare: z.number().min(0).lt(1).default(0),
};

export const warmUpRanges = { warmUpShare: realParameter("warmUpShare", { min: 0, max: 0.2 }) };

/** Where a schedule that falls ends. */
export const finalOptions = {
  /** The last rate over the base rate, from 0 to 1. */
  finalShare: z.number().min(0).max(1).default(0),
};

export const finalRanges = { finalShare: realParameter("finalShare", { min: 0, max: 0.1 }) };
