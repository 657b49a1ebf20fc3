/**
 * A plausible search whose strategy takes steps of its own, with everything that a report shows of one: steps taken and refused, findings, a
 * control arm, a schedule. For tests and for looking at a report without a cluster; the numbers describe no real method.
 */
import type { Fact, StrategyStepped } from "@regulus/proto";
import type { ResultFile, SearchRecord } from "../report/result.js";
import { StepCollector } from "../report/strategy-steps.js";
import { sampleSearch } from "./sample-search.js";

export interface BilevelSampleOptions {
  readonly seed: number;
  readonly name: string;
  /** Steps, refused ones included. Every sixth is refused. */
  readonly steps: number;
  /** Hyperparameters that the strategy moves. */
  readonly parameters: number;
  /** A picture that the last trial left. */
  readonly picture?: Uint8Array;
}

/** The same options give the same sample. */
export function sampleBilevel({ seed, name, steps, parameters, picture }: BilevelSampleOptions): SearchRecord {
  const sample = sampleSearch({ seed, name, strategy: "random", trials: 3, stepsPerTrial: 200 });
  const { search, trials, course } = sample;
  const schedule = { format: "regulus-schedule", version: 1, steps: [0, 50, 120], values: { dropout: [0.1, 0.3, 0.25] } };
  const results: ResultFile[] = [
    { trial: 1, kind: "schedule", bytes: new TextEncoder().encode(JSON.stringify(schedule)) },
    { trial: 1, kind: "schedule", bytes: new TextEncoder().encode("no schedule at all") },
    ...(picture === undefined ? [] : [{ trial: 2, kind: "image", bytes: picture }]),
    { trial: 2, kind: "image", bytes: new TextEncoder().encode("<script>no picture</script>") },
  ];
  const arms = [
    { name: "", trials: 2, steps: 400, bestTrial: 1, bestValue: 0.2 },
    { name: "control", trials: 1, steps: 200, bestTrial: 0, bestValue: 0.25 },
  ];
  const finding = {
    trial: 1,
    source: "scale-watch",
    severity: "warning",
    message: `the scale of ${name} has collapsed`,
    key: undefined,
  };
  const found: Fact = {
    searchId: search.searchId,
    position: 9,
    timeMs: search.createdMs + 4000,
    kind: { $case: "findingReported", value: finding },
  };
  return {
    search: { ...search, arms },
    trials,
    course,
    ...stepsOf(search.createdMs, { name, steps, parameters }),
    findings: [found],
    results,
  };
}

function stepsOf(
  createdMs: number,
  { name, steps, parameters }: Pick<BilevelSampleOptions, "name" | "steps" | "parameters">,
): Required<Pick<SearchRecord, "steps" | "said">> {
  const collector = new StepCollector();
  let accuracy = 0.1;
  for (let index = 1; index <= steps; index += 1) {
    const accepted = index % 6 !== 0;
    if (!accepted) accuracy /= 2;
    const loss = 0.2 + Math.exp(-index / 12);
    const theta = Array.from({ length: parameters }, (_, j) => Math.tanh(index / 15) * (j - parameters / 2) - 2);
    const value: StrategyStepped = {
      step: index - Math.floor(index / 6),
      accepted,
      metrics: {
        upperLoss: loss,
        lowerBound: loss - 0.3 * accuracy,
        upperBound: loss + 0.3 * accuracy,
        stepLength: 0.5 / (1 + (index % 6)),
        gradientNorm: 2 * Math.exp(-index / 14),
        bound: 0.4 * Math.exp(-index / 14),
        accuracy,
        residual: accuracy / 3,
        work: 200 * index ** 1.3,
        psnr: 24 + 5 * Math.tanh(index / 15),
      },
      vectors: { theta: { values: theta } },
      message: accepted ? "" : `none of 10 steps passed: the loss of ${name} is known only to within ${accuracy}`,
    };
    const fact: Fact = {
      searchId: "s",
      position: index,
      timeMs: createdMs + 700 * index,
      kind: { $case: "strategyStepped", value },
    };
    collector.tell(fact);
  }
  const message = "trial 1 ended: another trial replaces it";
  const said: StrategyStepped = { step: steps, accepted: false, metrics: {}, vectors: {}, message };
  const timeMs = createdMs + 700 * (steps + 1);
  collector.tell({ searchId: "s", position: steps + 1, timeMs, kind: { $case: "strategyStepped", value: said } });
  return { steps: collector.all(), said: collector.said() };
}
