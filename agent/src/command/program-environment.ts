/**
 * A program's inputs: environment variables and a JSON file. Of the agent's own environment only a short list is passed on
 * (`owner-environment.ts`), and what the agent gives the attempt: its slots, its devices, variables that the owner named.
 */
import { join, resolve } from "node:path";
import { parameterText, parameterVariable, seedOf } from "@regulus/proto";
import { markVariable } from "../attempts/descendants.js";
import { pick, programPart } from "../attempts/owner-environment.js";
import type { Begin } from "../trial/messages.js";

/** Where a program finds what it is told: absolute paths, since a program may work in any folder. */
export interface ProgramPaths {
  readonly parameters: string;
  readonly checkpointDirectory: string;
}

export function programPaths(directory: string): ProgramPaths {
  const own = resolve(directory);
  return { parameters: join(own, "parameters.json"), checkpointDirectory: join(own, "checkpoint") };
}

export function programEnvironment(begin: Begin, paths: ProgramPaths, own: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...answeringEnvironment(begin, own),
    REGULUS_ATTEMPT: String(begin.attempt),
    REGULUS_SEED: String(begin.seed),
    REGULUS_UNTIL_STEP: String(begin.work.untilStep),
    REGULUS_PARAMETERS: paths.parameters,
    REGULUS_CHECKPOINT_DIR: paths.checkpointDirectory,
  };
}

/**
 * The environment of a program that answers for samples. It outlives attempts, and the samples of all trials are the same: no attempt, and the
 * seed is the search's.
 */
export function answeringEnvironment(begin: Begin, own: NodeJS.ProcessEnv): Record<string, string> {
  const environment: Record<string, string> = programPart(own);
  for (const [name, value] of Object.entries(begin.work.parameters ?? {}))
    environment[parameterVariable(name)] = parameterText(value);
  return {
    ...environment,
    ...begin.environment,
    // Programs that print into a pipe would else hold lines back until a buffer is full.
    PYTHONUNBUFFERED: "1",
    ...begin.spec.command?.env,
    REGULUS_SEARCH: begin.searchId,
    REGULUS_TRIAL: String(begin.trial),
    REGULUS_SEED: String(seedOf(begin.spec)),
    // By which the agent finds what the program started, wherever it went.
    ...pick(own, [markVariable]),
  };
}
