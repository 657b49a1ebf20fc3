/**
 * Output of running programs: asked of the agent that runs a trial, past the log, since it is no fact and may be had again. Bounded in
 * requests, bytes and time; an agent that does not answer costs nobody but whoever asked. Of a trial that has ended, what was stored is served.
 */
import {
  type ArtifactRef,
  type GetTrialOutputRequest,
  type GetTrialOutputResponse,
  type LeaseKey,
  type OutputPart,
  type OutputPiece,
  outputHeadBytesMax,
  outputPart,
  outputPieceBytes,
  outputPieceBytesMax,
  outputTailBytesMax,
  RegulusError,
  readKeptOutput,
  type Trial,
} from "@regulus/proto";
import type { ArtifactStore, Clock } from "../../ports.js";
import type { Agents, OpenConnection } from "../agents/agents.js";

/** Requests that wait for agents, in all and of one agent. */
const waitingMax = 256;
const waitingPerAgentMax = 16;
/** Longest wait for an agent's answer, in milliseconds. */
const answerMsMax = 5000;
/** Bytes of a stored output that are read: what an honest agent stores, with its line for what is left out. */
const storedBytesMax = outputHeadBytesMax + outputTailBytesMax + 64;

interface Waiting {
  readonly connection: OpenConnection;
  /** Undefined: the agent does not know. */
  readonly resolve: (part: OutputPart | undefined) => void;
}

export interface OutputDeskOptions {
  readonly agents: Agents;
  readonly artifacts: ArtifactStore;
  readonly clock: Clock;
  /** The trial as it stands. Fails with "not-found". */
  readonly trial: (searchId: string, trial: number) => Trial;
}

export class OutputDesk {
  readonly #options: OutputDeskOptions;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(options: OutputDeskOptions) {
    this.#options = options;
  }

  /** A piece of a trial's output. Fails with "unavailable" where the agent can't tell now. */
  async read(request: GetTrialOutputRequest, signal?: AbortSignal): Promise<GetTrialOutputResponse> {
    const { searchId, trial: number, offset } = request;
    const bytesMax = Math.min(request.bytesMax || outputPieceBytes, outputPieceBytesMax);
    const trial = this.#options.trial(searchId, number);
    if (trial.status !== "TRIAL_STATUS_RUNNING") return await this.#stored(trial, offset, bytesMax, signal);
    const { attempts: attempt, agentId } = trial;
    const part = await this.#ask(agentId, { searchId, trial: number, attempt }, offset, bytesMax);
    if (part !== undefined) return response(part, attempt, false);
    // Its end may have come while the agent was asked.
    const now = this.#options.trial(searchId, number);
    if (now.status !== "TRIAL_STATUS_RUNNING") return await this.#stored(now, offset, bytesMax, signal);
    const words = `agent ${agentId} can't tell the output of trial ${number} now: its attempt begins or ends; ask again`;
    throw new RegulusError("unavailable", words);
  }

  /** Takes an agent's answer. One that nobody waits for, or that another connection gives, is dropped. */
  answer(connection: OpenConnection, piece: OutputPiece): void {
    const waiting = this.#waiting.get(piece.requestId);
    if (waiting?.connection !== connection) return;
    const { offset, data, totalBytes, found } = piece;
    waiting.resolve(found ? { offset, data, totalBytes, nextOffset: offset + data.length } : undefined);
  }

  /** A connection is gone: nobody answers for it. */
  closed(connection: OpenConnection): void {
    for (const waiting of this.#waiting.values()) if (waiting.connection === connection) waiting.resolve(undefined);
  }

  async #ask(agentId: string, lease: LeaseKey, offset: number, bytesMax: number): Promise<OutputPart | undefined> {
    const connection = this.#options.agents.get(agentId)?.connection;
    if (connection === undefined || !connection.open) return undefined;
    const ofAgent = [...this.#waiting.values()].filter((waiting) => waiting.connection === connection).length;
    if (this.#waiting.size >= waitingMax || ofAgent >= waitingPerAgentMax) {
      const words = `${this.#waiting.size} requests wait for the outputs of running trials, ${ofAgent} of them for agent ${agentId}`;
      throw new RegulusError("exhausted", `${words}; at most ${waitingMax} and ${waitingPerAgentMax} may`);
    }
    const requestId = this.#next++;
    return await new Promise((resolve) => {
      const finish = (part: OutputPart | undefined) => {
        cancel();
        this.#waiting.delete(requestId);
        resolve(part);
      };
      const cancel = this.#options.clock.wakeAfter(answerMsMax, () => finish(undefined));
      this.#waiting.set(requestId, { connection, resolve: finish });
      connection.send({ message: { $case: "outputRequest", value: { requestId, lease, offset, bytesMax } } });
    });
  }

  async #stored(trial: Trial, offset: number, bytesMax: number, signal?: AbortSignal): Promise<GetTrialOutputResponse> {
    const kept = trial.artifacts.findLast(({ kind }) => kind === "output");
    const stored = kept === undefined ? new Uint8Array() : await this.#bytesOf(kept, signal);
    return response(outputPart(readKeptOutput(stored), offset, bytesMax), trial.attempts, trial.status === "TRIAL_STATUS_ENDED");
  }

  /** The beginning of an artifact: an agent may have stored anything under this name. */
  async #bytesOf({ sha256 }: ArtifactRef, signal?: AbortSignal): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.#options.artifacts.get(sha256, signal)) {
      pieces.push(piece);
      size += piece.length;
      if (size >= storedBytesMax) break;
    }
    return Buffer.concat(pieces).subarray(0, storedBytesMax);
  }
}

function response(part: OutputPart, attempt: number, ended: boolean): GetTrialOutputResponse {
  return { ...part, data: Buffer.from(part.data), attempt, ended };
}
