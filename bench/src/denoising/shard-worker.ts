/** A worker thread of the image benchmark: holds a shard of a workload's samples with their warm starts and answers questions about them. */
import { parentPort, workerData } from "node:worker_threads";
import { answerSample, coveringNodes, dealtOrder, sumNode, type WarmStart } from "@regulus/algorithms/solvers";
import { respondTask } from "./respond-task.js";
import type { Asked, Opening, ShardSaid } from "./shards.js";

const opening: Opening = workerData;
const task = await respondTask(opening);
const { lo, hi } = opening.range;
const samples = dealtOrder(task.samples)
  .slice(lo, hi)
  .map((index) => task.sample(index));
/** Solutions by question; those before the question started from are dropped. */
const solutions = new Map<number, readonly WarmStart[]>();

parentPort?.on("message", ({ id, startFrom, question }: Asked) => {
  const theta = Float64Array.from(question.theta);
  const warm = startFrom === null ? undefined : solutions.get(startFrom);
  const answered = samples.map((sample, i) =>
    answerSample(sample, { ...question, commit: false }, warm?.[i] ?? { x: sample.start(theta) }),
  );
  for (const known of solutions.keys()) if (startFrom !== null && known < startFrom) solutions.delete(known);
  solutions.set(
    id,
    answered.map(({ solution }) => solution),
  );
  const hasGradients = answered.every(({ hypergradient }) => hypergradient !== undefined);
  const nodes = hasGradients
    ? coveringNodes(task.samples, { lo, hi }).map((node) => sumNode(node, (i) => answered[i - lo]?.hypergradient ?? []))
    : [];
  const said: ShardSaid = { answers: answered.map(({ answer }) => answer), nodes };
  parentPort?.postMessage(said);
});
parentPort?.postMessage("ready");
