/** A search of many bytes of measurements, written straight into a coordinator's log, for benches of its readers. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { openDirectoryStore, openSqliteLog } from "@regulus/coordinator";
import { EndReason, Fact, type Measurement, parseSearchDocument, SearchOutcome } from "@regulus/proto";

const trials = 40;
const measurementsPerTrial = 100;
/** Numbers of each measurement: 100 kB, so that the search has 400 MB. */
const numbers = 12_500;
/** Bytes of the artifact. */
const artifactBytes = 64 * 1024 * 1024;

export interface LargeSearch {
  readonly searchId: string;
  readonly facts: number;
  /** An artifact that is large too. */
  readonly sha256: string;
}

/** Fills a coordinator's data folder. */
export async function writeLargeSearch(data: string): Promise<LargeSearch> {
  const searchId = "large";
  const log = await openSqliteLog({ path: join(data, "log.sqlite") });
  let position = 0;
  for (const kinds of factKinds()) {
    const expected = position;
    const facts = kinds.map((kind) => {
      position += 1;
      return Fact.fromPartial({ searchId, position, timeMs: 1_700_000_000_000 + position, kind });
    });
    await log.append([{ searchId, expected, facts }]);
  }
  await log.close();
  const bytes = randomBytes(artifactBytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const artifacts = await openDirectoryStore(join(data, "artifacts"));
  await artifacts.put({ sha256, size: bytes.length, kind: "checkpoint" }, whole(bytes));
  await artifacts.close();
  return { searchId, facts: position, sha256 };
}

function* factKinds(): Generator<NonNullable<Fact["kind"]>[]> {
  const spec = parseSearchDocument({
    name: "large",
    workload: { name: "synthetic-function", options: { function: "noop" } },
    objective: { metric: "validLoss", direction: "minimize" },
    strategy: "random",
    space: { x0: { type: "double", min: 0, max: 1 } },
    budget: { trials },
    parallelism: trials,
    seed: 1,
  });
  const kind = (value: unknown): NonNullable<Fact["kind"]> => {
    const { kind: made } = Fact.fromPartial({ kind: value } as Parameters<typeof Fact.fromPartial>[0]);
    if (made === undefined) throw new Error("a fact has a kind");
    return made;
  };
  yield [kind({ $case: "searchCreated", value: { spec, idempotencyKey: "" } })];
  for (let trial = 0; trial < trials; trial += 1) {
    const work = { procedure: "fit", untilStep: measurementsPerTrial, parameters: { x0: trial / trials } };
    yield [
      kind({ $case: "trialProposed", value: { trial, work } }),
      kind({ $case: "attemptStarted", value: { trial, attempt: 1, agentId: "bench" } }),
    ];
    for (let step = 1; step <= measurementsPerTrial; step += 10) {
      yield Array.from({ length: 10 }, (_, index) =>
        kind({ $case: "trialMeasured", value: { trial, attempt: 1, measurement: measured(step + index) } }),
      );
    }
    const final = { ...measured(measurementsPerTrial), vectors: {} };
    yield [kind({ $case: "trialEnded", value: { trial, reason: EndReason.END_REASON_DONE, step: measurementsPerTrial, final } })];
  }
  yield [kind({ $case: "searchEnded", value: { outcome: SearchOutcome.SEARCH_OUTCOME_COMPLETED } })];
}

function measured(step: number): Partial<Measurement> {
  const values = Array.from({ length: numbers }, (_, index) => index / step);
  return { step, metrics: { validLoss: 1 / step }, vectors: { weights: { values } } } as Partial<Measurement>;
}

async function* whole(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1024 * 1024) yield bytes.subarray(at, at + 1024 * 1024);
}
