/** The entry of a trial process: what the agent forks for every attempt. Its one argument is a Preparation as JSON. */
import type { Preparation } from "./messages.js";
import { serveTrial } from "./serve-trial.js";
import { trainingSource } from "./training-source.js";

const preparation: Preparation = JSON.parse(process.argv[2] ?? '{"backend":"auto"}');
serveTrial(trainingSource, preparation);
