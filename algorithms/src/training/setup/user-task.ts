/**
 * Checks the task of a user's module: reports all missing or wrong parts at once by name, and fills in optional parts. Does not check the model:
 * errors of `forward` show when it runs.
 */
import { RegulusError } from "@regulus/proto";
import { z } from "zod";
import type { WorkloadSpec } from "../../core/component.js";
import type { TrainingDefaults } from "../../settings/training-settings.js";
import type { OpenRequest, Task } from "../contracts/workload.js";

/** What a user's module opens: a task in which some parts may be absent. */
export type UserTask = Pick<Task, "sizes" | "batch" | "forward" | "loss"> &
  Partial<Pick<Task, "measureRows" | "metrics" | "close">> & { readonly training?: Partial<TrainingDefaults> };

/** What a user's module exports as `workload`. Everything in `spec` may be absent. */
export interface UserWorkload<Options = Readonly<Record<string, unknown>>> {
  readonly spec?: Partial<WorkloadSpec<Options>>;
  open(request: OpenRequest<Options>): UserTask | Promise<UserTask>;
}

const rows = z.int("expected how many rows the split has, a whole number").min(1, "expected at least one row");
const positive = z.number().positive();

/** What a module's task may leave out has a default here. */
const taskSchema = z.object({
  sizes: z.object({ train: rows, tune: rows, valid: rows, test: rows }),
  training: z
    .object({
      batchSize: z.int().min(1).default(32),
      optimizer: z.string().default("momentum"),
      learningRate: positive.default(0.02),
      learningRateSchedule: z.string().default("constant"),
      steps: z.int().min(1).default(1000),
    })
    // The loss head, and settings of it, the optimizer and the schedule; they check them.
    .catchall(z.union([z.number(), z.string(), z.boolean()]).optional())
    .prefault({}),
  measureRows: z.int().min(1).optional(),
  batch: method<Task["batch"]>("batch(split, rows) { return { inputs, targets } }"),
  forward: method<Task["forward"]>("forward(net, inputs) { return outputs }"),
  loss: method<Task["loss"]>("loss(outputs, targets) { return one loss an example }"),
  metrics: method<Task["metrics"]>("metrics(outputs, targets) { return { error: one number an example } }").optional(),
  close: method<Task["close"]>("close() { ... }").optional(),
});

/** The task of a user's module. Fails with "failed-precondition", naming every problem. */
export function userTask(path: string, opened: unknown): Task {
  const { data, error } = taskSchema.safeParse(opened);
  if (data === undefined) {
    const lines = error.issues.map((issue) => `${issue.path.join(".") || "it"}: ${issue.message}`);
    throw new RegulusError("failed-precondition", `what the module ${path} opens is no task:\n${lines.join("\n")}`);
  }
  const { sizes, training, measureRows, batch, forward, loss, metrics, close } = data;
  return {
    sizes,
    training,
    ...(measureRows === undefined ? {} : { measureRows }),
    // Called on what the module made, which may be an object of a class.
    batch: batch.bind(opened),
    forward: forward.bind(opened),
    loss: loss.bind(opened),
    metrics: metrics?.bind(opened) ?? (() => ({})),
    close: close?.bind(opened) ?? (() => undefined),
  };
}

function method<Method>(example: string) {
  return z.custom<Method>((value) => typeof value === "function", `expected a function: ${example}`);
}
