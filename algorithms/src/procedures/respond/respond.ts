/**
 * The procedure over the samples of a workload, which are solved in this process; each is made when it is first asked for. Programs that answer
 * for samples instead are the agent's to start (agent/src/command).
 */
import { RegulusError, seedOf } from "@regulus/proto";
import type { RespondSample, RespondTask } from "../../solvers/respond.js";
import { findWorkload } from "../../training/setup/find-component.js";
import { openRequestOf } from "../../training/setup/open-request.js";
import type { RespondAnswerer } from "./respond-answerer.js";
import { respondModule } from "./respond-session.js";
import { solveForSlice } from "./solve-in-parts.js";
import { spec } from "./spec.js";

export const module = respondModule(async ({ spec: search, work }) => {
  if (search.command !== undefined) {
    const words = "a program answers only where trials have processes of their own: start its agents with --isolation process";
    throw new RegulusError("failed-precondition", words);
  }
  const module = await findWorkload(search);
  if (!("respond" in module)) {
    const words = `the workload ${module.spec.name} has no samples that answer; its procedure is ${module.spec.procedure ?? "fit"}, not ${spec.name}`;
    throw new RegulusError("failed-precondition", words);
  }
  const given = { options: search.workload?.options, parameters: work.parameters, seed: seedOf(search) };
  return answererOf(module.respond(openRequestOf(module.spec, given)));
});

function answererOf(task: RespondTask): RespondAnswerer {
  const samples = new Map<number, RespondSample>();
  const sampleAt = (index: number): RespondSample => {
    const sample = samples.get(index) ?? task.sample(index);
    samples.set(index, sample);
    return sample;
  };
  return {
    samples: task.samples,
    theta: [...task.theta],
    answer(index, question, start, solve) {
      const sample = sampleAt(index);
      const warm = start ?? { x: sample.start(Float64Array.from(question.theta)) };
      return solveForSlice(sample, question, { warm, solve });
    },
    ...(task.results === undefined ? {} : { results: (solutions) => task.results?.(solutions) ?? [] }),
    close: () => samples.clear(),
  };
}
