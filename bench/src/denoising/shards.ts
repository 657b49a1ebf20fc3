/** A workload's samples over worker threads, one shard each: the smallest cluster that a bilevel method can run on. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import {
  type BilevelMethod,
  type IterationRecord,
  type MethodState,
  type NodeSum,
  type ReducedAnswer,
  type RespondQuestion,
  reduceAnswers,
  type SampleAnswer,
  type SampleRange,
  shardRanges,
} from "@regulus/algorithms/solvers";
import type { SampleSource } from "./respond-task.js";

/** What a worker is opened with. */
export interface Opening extends SampleSource {
  readonly range: SampleRange;
}

/** A question to a worker. */
export interface Asked {
  readonly id: number;
  readonly startFrom: number | null;
  readonly question: Omit<RespondQuestion, "commit">;
}

/** A worker's answer. */
export interface ShardSaid {
  readonly answers: readonly SampleAnswer[];
  readonly nodes: readonly NodeSum[];
}

/** Open shards. */
export class Shards {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async open(opening: Omit<Opening, "range">, { samples, shards }: { samples: number; shards: number }): Promise<Shards> {
    const workers = shardRanges(samples, shards).map((range) => {
      const workerData: Opening = { ...opening, range };
      return new Worker(new URL("shard-worker.js", import.meta.url), { workerData });
    });
    await Promise.all(workers.map((worker) => once(worker, "message")));
    return new Shards(workers);
  }

  /** What every sample says, in order. */
  async answers(asked: Asked): Promise<readonly SampleAnswer[]> {
    return (await this.#say(asked)).flatMap(({ answers }) => answers);
  }

  async ask(asked: Asked): Promise<ReducedAnswer> {
    const said = await this.#say(asked);
    return reduceAnswers(
      said.flatMap(({ answers }) => answers),
      said.flatMap(({ nodes }) => nodes),
    );
  }

  #say(asked: Asked): Promise<readonly ShardSaid[]> {
    return Promise.all(
      this.#workers.map(async (worker): Promise<ShardSaid> => {
        const answered = once(worker, "message");
        worker.postMessage(asked);
        const [message] = await answered;
        return message;
      }),
    );
  }

  /** Runs a method to its end, or until `onRecord` says true. */
  async drive<Options, State extends MethodState>(
    method: BilevelMethod<Options, State>,
    state: State,
    onRecord: (record: IterationRecord) => boolean,
  ): Promise<void> {
    for (;;) {
      const [next] = method.questions(state, 1);
      if (next === undefined) return;
      const answer = await this.ask(next);
      for (const record of method.tell(state, next.id, answer)) if (onRecord(record)) return;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
