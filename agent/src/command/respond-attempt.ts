/**
 * Attempts of procedure `respond` whose samples a program of the user's own answers for. The rounds, the warm starts and the checkpoints are the
 * procedure's; here the program is started, asked and ended. While the trial waits in its process for its next round, so does the program.
 */
import { type RespondAnswerer, respondModule, type TrialRequest } from "@regulus/algorithms/training";
import { defaults, filledWords, RegulusError, seedOf } from "@regulus/proto";
import type { Held } from "../trial/held-session.js";
import type { Begin, FromTrial } from "../trial/messages.js";
import { trainAttempt } from "../trial/training-attempt.js";
import { answerBytesMax, helloLine, questionLine, readAnswer, readHello } from "./answer-lines.js";
import { AnsweringProgram } from "./answering-program.js";
import type { CommandOutside } from "./command-attempt.js";
import { leaveOutput } from "./output-file.js";
import { answeringEnvironment } from "./program-environment.js";

/** Attempts of one trial, one after the other. */
export class RespondAttempts {
  #program: AnsweringProgram | undefined;
  /** Ends of programs that were closed. */
  readonly #ending: Promise<void>[] = [];

  /** Works on an attempt to its end, as trainAttempt does. */
  async work(
    begin: Begin,
    outside: CommandOutside,
    send: (message: FromTrial) => void,
    held: Held | undefined,
  ): Promise<Held | undefined> {
    let last: Extract<FromTrial, { kind: "finished" }> | undefined;
    const tell = (message: FromTrial) => {
      if (message.kind === "finished") last = message;
      else send(message);
    };
    let timer: NodeJS.Timeout | undefined;
    outside.onStop(() => {
      // Half of the grace for an answer that is on its way, where it still counts; the other half for the program to end.
      const patienceMs = outside.stopReason() === "preempted" ? graceMs(begin) / 2 : 0;
      timer = setTimeout(() => this.#abandon(graceMs(begin) / 2), patienceMs);
    });
    const procedure = respondModule((request) => this.#start(begin, request, outside, send));
    const stays = await trainAttempt(begin, async () => procedure, outside, tell, held);
    clearTimeout(timer);
    await Promise.all(this.#ending.splice(0));
    if (last === undefined) throw new RegulusError("internal", "an attempt came to no end");
    const stopped = outside.stopReason();
    // Asked to stop before the program had said what it is: nothing began, and nothing is to be saved.
    const cut = stopped !== undefined && last.message === unasked;
    const finished = cut ? { ...last, reason: stopped, message: "" } : last;
    send({ ...finished, leaves: [...finished.leaves, ...(stays === undefined ? await this.#leave(begin, send) : [])] });
    return stays;
  }

  async #start(
    begin: Begin,
    request: TrialRequest,
    outside: CommandOutside,
    send: (message: FromTrial) => void,
  ): Promise<RespondAnswerer> {
    if (outside.stopReason() !== undefined) throw new RegulusError("unavailable", unasked);
    const { command } = begin.spec;
    const program = new AnsweringProgram({
      argv: filledWords(command?.argv ?? [], begin.work.parameters ?? {}),
      directory: command?.directory ?? "",
      env: answeringEnvironment(begin, process.env),
      stopGraceMs: graceMs(begin),
      answerBytesMax,
      started: (group) => send({ kind: "program", group }),
      left: (message) => send({ kind: "found", source: "command", severity: "warning", message }),
    });
    this.#program = program;
    outside.showOutput(program.output);
    const greet = () => program.ask(helloLine(seedOf(begin.spec), request.work.parameters ?? {}));
    const close = () => void this.#ending.push(program.end());
    try {
      const said = await greet();
      if (said === undefined) throw new RegulusError("unavailable", unasked);
      const hello = readHello(said);
      return {
        ...hello,
        async answer(sample, question, start) {
          // One that was ended in the midst of a question begins anew.
          if (!program.isRunning) {
            const again = await greet();
            if (again === undefined) return undefined;
            readHello(again);
          }
          const line = await program.ask(questionLine(sample, question, start));
          return line === undefined ? undefined : readAnswer(line, sample, question, start);
        },
        close,
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  #abandon(grace: number): void {
    if (this.#program !== undefined) this.#ending.push(this.#program.end(grace));
  }

  /** What the program wrote to standard error, as an artifact. */
  async #leave({ directory }: Begin, send: (message: FromTrial) => void) {
    return this.#program === undefined ? [] : await leaveOutput(directory, this.#program.output, send);
  }
}

const unasked = "the program was stopped before it answered hello";

function graceMs(begin: Begin): number {
  return begin.spec.command?.stopGraceMs || defaults.stopGraceMs;
}
