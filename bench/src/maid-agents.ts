/**
 * `npm run bench -- maid-agents [SAMPLES STEPS]`: MAID on 24 images denoised by total variation, in two shards, on one agent of one slot and on two of
 * them. Prints the wall time of each from the search's creation to its last step, and their ratio; the steps must be the same to the last bit.
 */
import { runMaidSearch } from "@regulus/test/cluster";

/** Images and accepted steps where nothing else is given. */
const [imagesDefault, stepsDefault] = [24, 12];

/** Runs the bench and prints its object as the last line. */
export async function run(args: readonly string[]): Promise<void> {
  const [images = imagesDefault, steps = stepsDefault] = args.map(Number);
  const document = {
    workload: { name: "tv-denoising", options: { count: images } },
    strategy: { name: "maid", options: { steps, shards: 2, accuracy: 1 } },
    parallelism: 2,
    seed: 1,
  };
  const one = await runMaidSearch({ agents: 1, document });
  console.error(`maid-agents: one agent ${one.seconds.toFixed(2)} s, ${one.steps.length} iterations`);
  const two = await runMaidSearch({ agents: 2, document });
  console.error(`maid-agents: two agents ${two.seconds.toFixed(2)} s`);
  const sameSteps = JSON.stringify(one.steps) === JSON.stringify(two.steps);
  const ratio = Number((one.seconds / two.seconds).toFixed(3));
  console.log(
    JSON.stringify({
      bench: "maid-agents",
      images,
      iterations: one.steps.length,
      oneSeconds: one.seconds,
      twoSeconds: two.seconds,
      ratio,
      sameSteps,
    }),
  );
}
