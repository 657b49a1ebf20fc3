/** The state in a self-tuning trial's checkpoint besides weights and optimizer state: JSON, exact. */
import { z } from "zod";

export const stateSchema = z.strictObject({
  names: z.array(z.string()),
  coordinates: z.array(z.number()),
  rawScales: z.array(z.number()),
  adam: z.strictObject({ updates: z.int(), mean: z.array(z.number()).readonly(), square: z.array(z.number()).readonly() }),
  hypergradients: z.array(z.number()),
  tuningSteps: z.int(),
  lame: z.int(),
  guardScore: z.number().optional(),
  frozen: z.string(),
  recording: z.strictObject({
    steps: z.array(z.int()),
    rows: z.array(z.strictObject({ values: z.array(z.number()), scales: z.array(z.number()) })),
    rounds: z.int(),
    stride: z.int(),
  }),
});
export type State = Readonly<z.infer<typeof stateSchema>>;
