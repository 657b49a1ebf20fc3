/**
 * The life of a trial process: prepare (load tfjs, choose the backend) before there is work, take an attempt, work on it, end. A process works
 * for one trial only, so that nothing of one reaches another; where that trial pauses, it may hold the session open for its next attempt.
 */
import { outputPart, RegulusError } from "@regulus/proto";
import { type CommandOutside, runCommand } from "../command/command-attempt.js";
import type { OutputRing } from "../command/output-ring.js";
import { RespondAttempts } from "../command/respond-attempt.js";
import type { Held } from "./held-session.js";
import type { BackendLooked, Begin, FromTrial, LikelyTrial, Preparation, ToTrial } from "./messages.js";
import { watchParent } from "./parent-watch.js";
import { failure, type StopReason } from "./trainer.js";
import { type ProcedureFinder, trainAttempt } from "./training-attempt.js";

/** What a trial process trains with. */
export interface Training {
  readonly procedures: ProcedureFinder;
  readonly backend: string;
  readonly reason: string;
  readonly tried: readonly BackendLooked[];
}

/** Where training comes from; given in, so that a process for commands loads none of it. */
export interface TrainingSource {
  load(backend: string): Promise<Training>;
}

/** Runs the process until its agent lets it go. */
export function serveTrial(source: TrainingSource, preparation: Preparation): void {
  const send = (message: FromTrial) => {
    if (process.connected) process.send?.(message);
  };
  let stop: StopReason | undefined;
  let stored = true;
  let held: Held | undefined;
  const stopped: (() => void)[] = [];
  let onStored: () => void = () => undefined;
  watchParent();
  // The agent is gone: nobody waits for this work any more.
  process.on("disconnect", () => process.exit(0));

  const training = preparation.backend === "command" ? undefined : load(source, preparation, send);
  if (training === undefined) send({ kind: "ready", backend: "", reason: "runs programs", tried: [] });

  const outside = {
    stopReason: () => stop,
    stored: () => stored,
    onStored: (call: () => void) => {
      onStored = call;
    },
    // It may have been asked to stop while it prepared.
    onStop: (call: () => void) => (stop === undefined ? void stopped.push(call) : call()),
    showOutput: (ring: OutputRing) => {
      output = ring;
    },
  };
  let output: OutputRing | undefined;
  const answering = new RespondAttempts();
  const onMessage = (message: ToTrial) => {
    switch (message.kind) {
      case "begin":
        // For what user code starts or loads from here on; programs get it from `begin` themselves.
        Object.assign(process.env, message.begin.environment);
        stop = undefined;
        stored = true;
        stopped.length = 0;
        onStored = () => undefined;
        void (async () => {
          const from = message.begin.goesOn ? held : undefined;
          held = undefined;
          held = await attempt({ begin: message.begin, training, answering, held: from }, outside, (said) => {
            if (said.kind === "saved") stored = false;
            send(said);
          });
        })();
        return;
      case "stop":
        stop = message.reason;
        for (const call of stopped.splice(0)) call();
        return;
      case "output": {
        const kept = output?.kept() ?? { head: new Uint8Array(), dropped: 0, tail: new Uint8Array() };
        send({ kind: "output", request: message.request, part: outputPart(kept, message.offset, message.bytesMax) });
        return;
      }
      case "stored":
        stored = true;
        onStored();
        return;
      default:
        message satisfies never;
    }
  };
  process.on("message", onMessage);
}

async function load(
  source: TrainingSource,
  preparation: Preparation,
  send: (message: FromTrial) => void,
): Promise<Training | Error> {
  try {
    const training = await source.load(preparation.backend);
    // What fails here fails again in the trial, which tells it.
    if (preparation.likely !== undefined) await warmUp(training, preparation.likely).catch(() => undefined);
    send({ kind: "ready", backend: training.backend, reason: training.reason, tried: training.tried });
    return training;
  } catch (error) {
    const failed = error instanceof Error ? error : new Error(String(error));
    send({ kind: "unready", reason: failed.message });
    return failed;
  }
}

/** Opens and closes a session, which loads code and data. Of ours only: a user's module runs in trials and nowhere else. */
async function warmUp(training: Training, likely: LikelyTrial): Promise<void> {
  if ((likely.spec.workload?.module ?? "") !== "") return;
  const procedure = await training.procedures(likely.work.procedure);
  const session = await procedure.open({ ...likely, found: () => undefined });
  session.close();
}

interface AttemptParts {
  readonly begin: Begin;
  readonly training: Promise<Training | Error> | undefined;
  readonly answering: RespondAttempts;
  readonly held: Held | undefined;
}

/** Answers what stays open for the trial's next attempt. */
async function attempt(
  { begin, training, answering, held }: AttemptParts,
  outside: CommandOutside,
  send: (message: FromTrial) => void,
): Promise<Held | undefined> {
  try {
    if (training === undefined) {
      const { procedure } = begin.work;
      if (procedure === "respond") return await answering.work(begin, outside, send, held);
      if (procedure !== "command") throw new RegulusError("failed-precondition", noProgramWords(procedure));
      await runCommand(begin, outside, send);
      return undefined;
    }
    const loaded = await training;
    if (loaded instanceof Error) {
      // Another agent may have the backend: not this trial's fault.
      send({ kind: "finished", reason: "lost", message: loaded.message, step: 0, final: undefined, leaves: [] });
      return undefined;
    }
    return await trainAttempt(begin, loaded.procedures, outside, send, held);
  } catch (error) {
    const userCode = (begin.spec.workload?.module ?? "") !== "";
    send({ kind: "finished", ...failure(error, userCode), step: 0, final: undefined, leaves: [] });
    return undefined;
  }
}

function noProgramWords(procedure: string): string {
  return `procedure ${procedure} needs a workload, saw a search with a command: a program runs whole trials (docs/command.md) or answers for samples of maid and hoag (docs/respond-programs.md)`;
}
