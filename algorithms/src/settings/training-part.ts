/** Specs of optimizers, learning-rate schedules and loss heads, built from their options and search ranges. Pure. */
import type { Parameter } from "@regulus/proto";
import type { z } from "zod";
import type { TrainingPartSpec } from "../core/index.js";
import { outer } from "./parameters.js";

/** Options of a part: each has a default, which holds where neither the search nor the workload says otherwise. */
type Shape = Readonly<Record<string, z.ZodDefault<z.ZodType<number | string | boolean>>>>;

export function trainingPart<Own extends Shape>(given: {
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject<Own>;
  /** The range of each option where a search moves it. */
  readonly ranges: { readonly [Name in keyof Own]: Parameter };
}): TrainingPartSpec<z.infer<z.ZodObject<Own>>> {
  const { ranges, ...rest } = given;
  const fallbacks = new Map<string, unknown>(Object.entries(given.options.parse({})));
  const shape: Shape = given.options.shape;
  const settings = Object.entries(shape).map(([name, option]) => {
    const parameter = ranges[name];
    const fallback = fallbacks.get(name);
    if (
      parameter === undefined ||
      (typeof fallback !== "number" && typeof fallback !== "string" && typeof fallback !== "boolean")
    )
      throw new Error(`${given.name}: ${name} has a range and a default`);
    return { ...outer(parameter, fallback), schema: option.unwrap() };
  });
  return { ...rest, settings };
}
