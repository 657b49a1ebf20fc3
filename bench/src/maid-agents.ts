/**
 * `npm run bench -- maid-agents [IMAGES STEPS]`: MAID on the 24 crops of the bench `denoising`, total variation at 96x96, in two shards, on one agent
 * of one slot and on two of them. Prints the wall time of each from the search's creation to its last step, where it went, and their ratio; the steps
 * must be the same to the last bit.
 */
import { type MaidCourse, runMaidSearch } from "@regulus/test/cluster";
import { tvCount, tvCrops, tvMethod, tvSize } from "./denoising/tv-problem.js";

/** Accepted steps where nothing else is given: as many as the search takes to converge. */
const stepsDefault = 40;
const shards = 2;

/** Runs the bench and prints its object as the last line. */
export async function run(args: readonly string[]): Promise<void> {
  const [images = tvCount, steps = stepsDefault] = args.map(Number);
  const document = {
    workload: { name: "tv-denoising", options: { ...tvCrops, size: tvSize, count: images } },
    strategy: { name: "maid", options: { ...tvMethod, steps, shards } },
    parallelism: shards,
    seed: 1,
  };
  const courses: MaidCourse[] = [];
  for (const agents of [1, 2]) {
    const course = await runMaidSearch({ agents, document });
    console.error(`maid-agents: ${agents} agents of one slot ${course.seconds.toFixed(2)} s, ${course.steps.length} iterations`);
    courses.push(course);
  }
  const [one, two] = courses;
  if (one === undefined || two === undefined) throw new Error("both were run");
  const sameSteps = JSON.stringify(one.steps) === JSON.stringify(two.steps);
  console.log(
    JSON.stringify({
      bench: "maid-agents",
      images,
      steps,
      iterations: one.steps.length,
      one: whereItWent(one),
      two: whereItWent(two),
      ratio: rounded(one.seconds / two.seconds),
      ratioAfterFirstAnswers: rounded((one.seconds - firstAnswers(one)) / (two.seconds - firstAnswers(two))),
      sameSteps,
    }),
  );
}

/**
 * Of a course, in seconds: until all shards gave their first answer (processes, photographs, one round); what shards computed for, by the clock of their
 * process, and the sum over questions of the slower one's share: with a core for each shard no course is faster than that, and the sum of both over it
 * is the best ratio that two agents can have.
 */
function whereItWent(course: MaidCourse) {
  const byQuestion = new Map<number, number[]>();
  const before = new Map<number, number>();
  for (const { kind } of course.facts) {
    const question = kind?.$case === "trialMeasured" ? kind.value.measurement?.metrics.question : undefined;
    if (kind?.$case !== "trialMeasured" || question === undefined) continue;
    const seconds = kind.value.measurement?.seconds ?? 0;
    byQuestion.set(question, [...(byQuestion.get(question) ?? []), seconds - (before.get(kind.value.trial) ?? 0)]);
    before.set(kind.value.trial, seconds);
  }
  const rounds = [...byQuestion.values()];
  return {
    seconds: rounded(course.seconds),
    firstAnswers: rounded(firstAnswers(course)),
    questions: rounds.length,
    computed: [...before.values()].map(rounded),
    slower: rounded(rounds.reduce((sum, shares) => sum + Math.max(...shares), 0)),
    processorSeconds: rounded(course.processorSeconds),
  };
}

/** Seconds until every shard had answered the first question. */
function firstAnswers({ facts }: MaidCourse): number {
  const answers = facts.filter(({ kind }) => kind?.$case === "trialMeasured" && kind.value.measurement?.metrics.question === 0);
  return ((answers.at(-1)?.timeMs ?? 0) - (facts[0]?.timeMs ?? 0)) / 1000;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
