/** The server as a stranger meets it: health, reflection, errors with their trailers, the listening rule, TLS, closing. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import {
  type Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { GetSearchRequest, RegulusError } from "@regulus/proto";
import { MutualTls, SearchServiceClient, SearchServiceService } from "@regulus/transport";
import { TestAuthority } from "@regulus/transport/testing";
import { protoPath as healthProto } from "grpc-health-check";
import { bounds } from "./bounds.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { callRaw, openDoors, validSpec } from "./testing/open-doors.js";
import { overriding } from "./testing/overriding.js";
import { scratchFolder } from "./testing/real-servers.js";

const parts = await coordinatorForTests();
after(() => parts.close());
const search = SearchServiceService;

/** One call of a service that is known only from its .proto file, as `grpcurl` makes it. */
function stranger(
  protoFile: string,
  service: string,
  address: string,
  channel = credentials.createInsecure(),
): Client & Record<string, unknown> {
  let at: unknown = loadPackageDefinition(loadSync(protoFile, { keepCase: true, enums: String, defaults: true, oneofs: true }));
  for (const part of service.split(".")) at = typeof at === "object" && at !== null ? Reflect.get(at, part) : undefined;
  const Constructor = at as ServiceClientConstructor; // What loadPackageDefinition promises for a service's name.
  return new Constructor(address, channel) as unknown as Client & Record<string, unknown>; // Its methods are known at run time only.
}

async function healthOf(address: string, service: string): Promise<string> {
  const client = stranger(healthProto, "grpc.health.v1.Health", address);
  const check = client.Check as (
    request: object,
    answer: (error: ServiceError | null, value?: { status: string }) => void,
  ) => void;
  try {
    return await new Promise((resolve) => {
      check.call(client, { service }, (error, value) => resolve(error === null ? (value?.status ?? "") : `error ${error.code}`));
    });
  } finally {
    client.close();
  }
}

test("health follows readiness, for the server and for each service", async () => {
  const doors = await openDoors(parts);
  for (const service of ["", "regulus.v1.SearchService", "regulus.v1.AgentService", "regulus.v1.ArtifactService"]) {
    assert.equal(await healthOf(doors.server.address, service), "SERVING", service);
  }
  assert.equal(await healthOf(doors.server.address, "no.such.Service"), "error 5");
  doors.readiness.set("log can't be written", true);
  assert.equal(await healthOf(doors.server.address, ""), "NOT_SERVING");
  doors.readiness.set("log can't be written", false);
  assert.equal(await healthOf(doors.server.address, ""), "SERVING");
  await doors.close();
});

test("reflection tells a stranger the services and their messages", async () => {
  const doors = await openDoors(parts);
  const folder = createRequire(import.meta.url).resolve("@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto");
  const client = stranger(folder, "grpc.reflection.v1.ServerReflection", doors.server.address);
  const open = client.ServerReflectionInfo as () => NodeJS.ReadWriteStream;
  const ask = (request: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const stream = open.call(client);
      stream.once("data", (answer: unknown) => {
        resolve(answer);
        stream.end();
      });
      stream.once("error", reject);
      // A stream of objects: grpc-js encodes them.
      (stream as unknown as { write(message: object): void }).write(request);
    });
  const listed = JSON.stringify(await ask({ list_services: "" }));
  for (const service of ["SearchService", "AgentService", "ArtifactService"])
    assert.match(listed, new RegExp(`regulus\\.v1\\.${service}`));
  assert.match(listed, /grpc\.health\.v1\.Health/);
  assert.match(
    JSON.stringify(await ask({ file_containing_symbol: "grpc.health.v1.HealthCheckRequest" })),
    /file_descriptor_proto/,
  );
  const file = JSON.stringify(await ask({ file_containing_symbol: "regulus.v1.Problems" }));
  assert.match(file, /file_descriptor_proto/);
  client.close();
  await doors.close();
});

test("an error of the world keeps its code and problems; a bug becomes an id that is in the log", async () => {
  const faulty = overriding(parts.coordinator, {
    getSearch: (searchId) => {
      if (searchId === "bug") throw new TypeError("secret: cannot read properties of undefined");
      if (searchId === "half") throw new RegulusError("not-found", "cut \ud83d");
      if (searchId === "many") {
        const problem = (index: number) => ({
          field: `space[${index}].double.max`,
          seen: "x".repeat(60),
          expected: "y".repeat(60),
        });
        throw RegulusError.invalid(Array.from({ length: 200 }, (_, index) => problem(index)));
      }
      throw new RegulusError("not-found", `no search ${searchId}`);
    },
  });
  const doors = await openDoors({ ...parts, coordinator: faulty });
  const get = (searchId: string) => callRaw(doors.client, search.getSearch, [GetSearchRequest.encode({ searchId }).finish()]);

  const bug = await get("bug");
  assert.equal(bug.code, "INTERNAL");
  assert.doesNotMatch(bug.details, /secret|undefined|at /);
  const id = /id ([0-9a-f]{12})/.exec(bug.details)?.[1];
  assert.ok(id !== undefined, bug.details);
  assert.ok(doors.logged.some((line) => line.includes(id) && line.includes("secret") && line.includes("TypeError")));

  assert.equal((await get("unknown-1")).code, "NOT_FOUND");
  assert.equal((await get("half")).code, "NOT_FOUND", "half a surrogate pair in a message does not stop the server");
  const many = await get("many");
  assert.equal(many.code, "INVALID_ARGUMENT");
  assert.match(many.problems.at(-1)?.seen ?? "", /more problems/);
  assert.equal((await get("unknown-2")).code, "NOT_FOUND", "the server serves on");
  await doors.close();
});

test("messages and metadata past their bounds are refused and the server serves on", async () => {
  const doors = await openDoors(parts);
  const large = await callRaw(doors.client, search.createSearch, [new Uint8Array(5 * 1024 * 1024)]);
  assert.equal(large.code, "RESOURCE_EXHAUSTED");
  const spec = {
    ...validSpec(),
    labels: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`l${index}`, "x".repeat(128 * 1024)])),
  };
  const client = new SearchServiceClient(doors.server.address, credentials.createInsecure());
  const refused = await new Promise<ServiceError | null>((resolve) => {
    client.createSearch({ spec, idempotencyKey: "", validateOnly: false }, (error) => resolve(error));
  });
  assert.match(refused?.details ?? "", /spec.*at most/);
  const metadata = new Metadata();
  metadata.set("x-large", "x".repeat(bounds.metadataBytesMax + 1));
  const header = await new Promise<ServiceError | null>((resolve) => {
    client.getSearch({ searchId: "a" }, metadata, (error) => resolve(error));
  });
  assert.match(header?.details ?? "", /metadata holds \d+ bytes, expected at most/);
  const next = await callRaw(doors.client, search.getSearch, [GetSearchRequest.encode({ searchId: "a" }).finish()]);
  assert.equal(next.code, "NOT_FOUND");
  client.close();
  await doors.close();
});

test("a port in use and an address that others can reach are refused with a way out", async () => {
  const doors = await openDoors(parts);
  const port = Number(doors.server.address.split(":")[1]);
  await assert.rejects(openDoors(parts, { listen: { host: "127.0.0.1", port } }), (error) => {
    assert.ok(error instanceof RegulusError);
    assert.equal(error.code, "unavailable");
    assert.match(error.message, new RegExp(`port ${port} at 127.0.0.1 is in use`));
    return true;
  });
  await doors.close();
  await assert.rejects(openDoors(parts, { listen: { host: "0.0.0.0", port: 0 } }), /needs TLS with client certificates/);
});

test("with TLS only a client with a certificate of the authority gets in", async () => {
  const { authority, tls, scratch } = secured();
  const doors = await openDoors(parts, { listen: { host: "0.0.0.0", port: 0 }, tls });
  const address = `localhost:${doors.server.address.split(":")[1]}`;
  const ca = readFileSync(authority.ca);
  const client = authority.issue("client");
  // 5 NOT_FOUND: the call was answered.
  assert.equal(await codeOfGet(address, credentials.createSsl(ca, readFileSync(client.key), readFileSync(client.cert))), 5);
  assert.notEqual(await codeOfGet(address, credentials.createSsl(ca)), 5, "no client certificate");
  assert.notEqual(await codeOfGet(address, credentials.createInsecure()), 5, "no TLS");
  await doors.close();
  scratch.remove();
});

test("certificates that are read again serve new connections", async () => {
  const { authority, tls, files, scratch } = secured();
  const doors = await openDoors(parts, { listen: { host: "127.0.0.1", port: 0 }, tls });
  const client = authority.issue("client");
  const get = (ca: string) =>
    codeOfGet(doors.server.address, credentials.createSsl(readFileSync(ca), readFileSync(client.key), readFileSync(client.cert)));
  const renewed = scratchFolder();
  const next = new TestAuthority(renewed.path);
  const issued = next.issue("renewed");
  copyFileSync(issued.cert, files.cert.path);
  copyFileSync(issued.key, files.key.path);
  assert.equal(await get(authority.ca), 5, "what is in force does not change by itself");
  tls.reload(Date.now());
  assert.equal(await get(next.ca), 5);
  assert.notEqual(await get(authority.ca), 5);
  await doors.close();
  renewed.remove();
  scratch.remove();
});

test("a caller is let go when its certificate expires, in the middle of a stream too", async () => {
  const { authority, tls, scratch } = secured();
  const doors = await openDoors(parts, { listen: { host: "127.0.0.1", port: 0 }, tls });
  const { searchId } = await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
  const brief = authority.issue("brief", { toMs: Date.now() + 6000 });
  const channel = credentials.createSsl(readFileSync(authority.ca), readFileSync(brief.key), readFileSync(brief.cert));
  const client = new SearchServiceClient(doors.server.address, channel);
  const stream = client.watchSearch({ searchId, after: 0 });
  await new Promise((resolve) => stream.once("data", resolve));
  const error = await new Promise<ServiceError>((resolve) => stream.once("error", resolve));
  assert.equal(error.code, 16);
  assert.match(error.details, /certificate expired at .*; use a new one/);
  const next = await new Promise<ServiceError | null>((resolve) => {
    client.stopSearch({ searchId, reason: "" }, (refused) => resolve(refused));
  });
  assert.equal(next?.code, 16, "the open connection is no way in either");
  assert.equal(parts.coordinator.getSearch(searchId).status, "SEARCH_STATUS_RUNNING");
  client.close();
  await doors.close();
  scratch.remove();
});

test("a closing server ends streams with UNAVAILABLE, so that clients come back", async () => {
  const doors = await openDoors(parts);
  const { searchId } = await parts.coordinator.createSearch({ spec: validSpec(), idempotencyKey: "", validateOnly: false });
  const client = new SearchServiceClient(doors.server.address, credentials.createInsecure());
  const stream = client.watchSearch({ searchId, after: 0 });
  await new Promise((resolve) => stream.once("data", resolve));
  const ended = new Promise<ServiceError>((resolve) => stream.once("error", resolve));
  await doors.close();
  const error = await ended;
  assert.equal(error.code, 14);
  assert.match(error.details, /closing/);
  client.close();
});

/** Mutual TLS of a server with an authority of its own. */
function secured() {
  const scratch = scratchFolder();
  const authority = new TestAuthority(scratch.path);
  const { cert, key } = authority.issue("server");
  const files = {
    cert: { flag: "--tls-cert", path: cert },
    key: { flag: "--tls-key", path: key },
    clientCa: { flag: "--tls-client-ca", path: authority.ca },
  };
  return { scratch, authority, files, tls: new MutualTls(files, Date.now()) };
}

/** Code of a call by a new connection; 0 where it succeeds. */
function codeOfGet(address: string, channel: ReturnType<typeof credentials.createSsl>): Promise<number> {
  const client = new SearchServiceClient(address, channel);
  return new Promise((resolve) => {
    client.getSearch({ searchId: "a" }, new Metadata(), { deadline: Date.now() + 3000 }, (error) => {
      client.close();
      resolve(error?.code ?? 0);
    });
  });
}
