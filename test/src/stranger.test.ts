/**
 * A stranger: a client and an agent made from the .proto files alone (no generated code, no package of ours) work a search from its creation to its
 * removal against a real coordinator. What our own client and agent can do, anybody's can.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, credentials, type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { scratch, startProgram } from "./cluster/index.js";

type Message = { readonly [name: string]: unknown };
/** A call of any kind, as a client without types sees it. */
interface Call {
  on(event: "data", call: (message: Message) => void): Call;
  on(event: "error", call: (error: Error) => void): Call;
  on(event: "end", call: () => void): Call;
  write(message: Message): void;
  end(): void;
}
type Untyped = Client & Record<string, (request?: unknown, answer?: (error: Error | null, message: Message) => void) => Call>;

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../proto/regulus/v1");

function stranger(address: string): (service: string) => Untyped {
  const files = readdirSync(folder).filter((file) => file.endsWith(".proto"));
  const definition = loadSync(
    files.map((file) => `regulus/v1/${file}`),
    { includeDirs: [join(folder, "../..")], longs: Number, enums: String, oneofs: true, defaults: true },
  );
  const v1 = (loadPackageDefinition(definition).regulus as GrpcObject).v1 as GrpcObject;
  return (service) => new (v1[service] as ServiceClientConstructor)(address, credentials.createInsecure()) as unknown as Untyped;
}

const ask = (client: Untyped, method: string, request: Message): Promise<Message> =>
  new Promise((resolve, reject) => {
    const call = client[method]?.bind(client);
    assert.ok(call, `the service has ${method}`);
    call(request, (error, message) => (error ? reject(error) : resolve(message)));
  });

const readAll = (call: Call): Promise<Message[]> =>
  new Promise((resolve, reject) => {
    const messages: Message[] = [];
    call
      .on("data", (message) => messages.push(message))
      .on("error", reject)
      .on("end", () => resolve(messages));
  });

/** An agent of one slot that ends every lease at once, with the value x0 squared. */
function quickAgent(client: Untyped): Call {
  const call = client.connect?.();
  assert.ok(call);
  let sequence = 1;
  const agent = { agentId: "stranger", slots: 1, backends: ["cpu"], memoryBytes: 1_000_000_000, version: "0" };
  call.write({ register: { agent, protocol: 1, active: [] } });
  call.on("error", () => undefined);
  call.on("data", ({ leases }) => {
    for (const lease of (leases as { leases?: Message[] } | null)?.leases ?? []) {
      const fields = (lease.work as { parameters: { fields: { x0: { numberValue: number } } } }).parameters.fields;
      const final = { step: 1, metrics: { validLoss: fields.x0.numberValue ** 2 }, seconds: 0.001 };
      const finished = { reason: "END_REASON_DONE", step: 1, final, startedMs: Date.now() };
      call.write({ reports: { firstSequence: sequence, reports: [{ lease: lease.key, finished }] } });
      sequence += 1;
    }
  });
  return call;
}

test("a client and an agent built from the .proto files alone do a whole search", async () => {
  const data = scratch("stranger");
  const coordinator = await startProgram("coordinator", [
    "--listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "off",
    "--data",
    data.path,
    "--log-level",
    "warn",
  ]);
  const service = stranger(coordinator.ready.address ?? "");
  const searches = service("SearchService");
  const agents = service("AgentService");
  const artifacts = service("ArtifactService");
  const agent = quickAgent(agents);
  try {
    const spec = {
      name: "stranger",
      workload: { name: "synthetic-function", options: { fields: { function: { stringValue: "sphere" } } } },
      objectives: [{ metric: "validLoss", direction: "DIRECTION_MINIMIZE" }],
      strategy: { name: "random" },
      space: [{ name: "x0", double: { min: -1, max: 1 } }],
      budget: { trials: 5 },
    };
    const created = await ask(searches, "createSearch", { spec, idempotencyKey: "once" });
    const again = await ask(searches, "createSearch", { spec, idempotencyKey: "once" });
    const { searchId } = created.search as { searchId: string };
    assert.equal((again.search as { searchId: string }).searchId, searchId, "a repeated request finds the first one's search");

    const watched = await readAll(searches.watchSearch?.({ searchId }) as Call);
    const facts = watched.flatMap((message) => message.facts as { kind: string; position: number }[]);
    assert.deepEqual(
      facts.map(({ position }) => position),
      Array.from(facts, (_, index) => index + 1),
    );
    assert.equal(facts.filter(({ kind }) => kind === "trialEnded").length, 5);

    const listed = await ask(searches, "listTrials", { searchId, bestFirst: true });
    const values = (listed.trials as { last: { metrics: { validLoss: number } } }[]).map(({ last }) => last.metrics.validLoss);
    assert.deepEqual(
      values,
      [...values].sort((a, b) => a - b),
      "best first",
    );
    assert.equal((await readAll(searches.exportSearch?.({ searchId }) as Call)).length, 5);
    assert.match(String((await ask(searches, "explainSearch", { searchId })).summary), /ended/);
    const connected = (await ask(searches, "listAgents", {})).agents as { agentId: string }[];
    assert.deepEqual(
      connected.map(({ agentId }) => agentId),
      ["stranger"],
    );

    const bytes = Buffer.from("bytes of a stranger");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const stored = await new Promise<Message>((resolve, reject) => {
      const put = artifacts.putArtifact?.bind(artifacts) as unknown as (
        answer: (error: Error | null, message: Message) => void,
      ) => Call;
      const call = put((error, message) => (error ? reject(error) : resolve(message)));
      call.write({ header: { sha256, size: bytes.length, kind: "report" } });
      call.write({ data: bytes });
      call.end();
    });
    assert.equal((stored.artifact as { sha256: string }).sha256, sha256);
    const back = await readAll(artifacts.getArtifact?.({ sha256 }) as Call);
    assert.deepEqual(Buffer.concat(back.map(({ data: piece }) => piece as Buffer)), bytes);

    await ask(searches, "deleteSearch", { searchId });
    await assert.rejects(ask(searches, "getSearch", { searchId }), /no search/);
  } finally {
    agent.end();
    for (const client of [searches, agents, artifacts]) client.close();
    await coordinator.kill();
    data.remove();
  }
});
