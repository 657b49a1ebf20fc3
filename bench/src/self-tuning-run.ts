/**
 * One whole training run of the bench self-tuning in a process of its own, as an agent would have it work: libraries, data, steps, and measurements at the
 * procedure's own pace. Prints the seconds since the process began.
 */
import { openCase, type TrialCase } from "@regulus/algorithms/conformance/training";
import { chooseBackend } from "@regulus/algorithms/kernels";

const trial: TrialCase = JSON.parse(process.argv[2] ?? "{}");
await chooseBackend("wasm");
const session = await openCase(trial);
const steps = trial.untilStep ?? 0;
while (session.stepsDone < steps) {
  await session.step();
  if (session.stepsDone % session.measureEverySteps === 0 || session.stepsDone === steps) await session.measure();
}
session.close();
console.log(performance.now() / 1000);
