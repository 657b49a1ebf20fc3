import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ErrorCode, RegulusError } from "@regulus/proto";
import { pino } from "pino";
import { channelCredentials } from "../link/channel.js";
import { TestCoordinator } from "../testing/test-coordinator.js";
import { ArtifactClient } from "./artifact-client.js";
import { PatientArtifacts } from "./patient-artifacts.js";

const folder = mkdtempSync(join(tmpdir(), "regulus-artifacts-"));
const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
  rmSync(folder, { recursive: true });
});

function connect(address: string): PatientArtifacts {
  const client = new ArtifactClient(address, () => channelCredentials({}));
  closing.push(() => client.close());
  return new PatientArtifacts(client, pino({ level: "silent" }));
}

const bytes = Buffer.alloc(1_000_000, "abc");
const signal = new AbortController().signal;

test("bytes that go out are counted, so that the coordinator sees that an upload moves", async () => {
  const coordinator = await TestCoordinator.start();
  closing.push(() => coordinator.close());
  const client = new ArtifactClient(coordinator.address, () => channelCredentials({}));
  closing.push(() => client.close());
  writeFileSync(join(folder, "counted"), bytes);
  for (const times of [1, 2]) {
    await client.putFile(join(folder, "counted"), "checkpoint", signal);
    assert.equal(client.sentBytes, times * bytes.length);
  }
});

test("a file of many pieces comes back as it was, under its sum", async () => {
  const coordinator = await TestCoordinator.start();
  closing.push(() => coordinator.close());
  const artifacts = connect(coordinator.address);
  writeFileSync(join(folder, "file"), bytes);
  const artifact = await artifacts.putFile(join(folder, "file"), "checkpoint", signal);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  assert.deepEqual(artifact, { sha256, size: 1_000_000, kind: "checkpoint" });
  await artifacts.getFile(artifact, join(folder, "back"), signal);
  assert.ok(readFileSync(join(folder, "back")).equals(bytes));

  coordinator.cutsShort = true;
  const isCut = (error: unknown) => error instanceof RegulusError && error.code === "internal";
  await assert.rejects(artifacts.getFile(artifact, join(folder, "half"), signal), isCut);
  assert.deepEqual([existsSync(join(folder, "half")), existsSync(join(folder, "half.part"))], [false, false]);
  coordinator.cutsShort = false;
  await assert.rejects(artifacts.getFile({ ...artifact, size: 10 }, join(folder, "long"), signal), isCut);
  const other = Buffer.alloc(1_000_000, "abd");
  coordinator.artifacts.set(sha256, other);
  await assert.rejects(artifacts.getFile(artifact, join(folder, "other"), signal), isCut, "as long, with another sum");
  coordinator.artifacts.set(sha256, bytes);
  const absent = { ...artifact, sha256: "0".repeat(64) };
  await assert.rejects(artifacts.getFile(absent, join(folder, "none"), signal), /no such artifact/);
});

test("what is to be stored waits for a store that is away, until it is back or the wait is called off", async () => {
  // On 127.0.0.1 any program's connection may have the port once it is closed.
  const host = "127.0.0.3";
  const first = await TestCoordinator.start({ host });
  const { port, address } = first;
  first.close();
  writeFileSync(join(folder, "waits"), bytes);
  const artifacts = connect(address);
  const storing = artifacts.putFile(join(folder, "waits"), "checkpoint", signal);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const second = await TestCoordinator.start({ host, port });
  closing.push(() => second.close());
  const artifact = await storing;
  assert.ok(second.artifacts.get(artifact.sha256)?.equals(bytes));
  second.close();
  const abort = new AbortController();
  const never = artifacts.putFile(join(folder, "waits"), "checkpoint", abort.signal);
  setTimeout(() => abort.abort(), 200);
  await assert.rejects(never, RegulusError);
});

test("what passes is retried, to store without end and to fetch eight times; what does not pass is reported at once", async () => {
  const artifact = { sha256: "ab", size: 1, kind: "checkpoint" };
  /** A store that fails so often with a code; counts the tries. */
  const failing = (code: ErrorCode, times: number, each: () => void = () => undefined) => {
    const store = { tries: 0 };
    const next = async () => {
      store.tries += 1;
      each();
      if (store.tries <= times) throw new RegulusError(code, "the test's");
      return artifact;
    };
    const log = pino({ level: "silent" });
    const patient = new PatientArtifacts({ putFile: next, getFile: async () => void (await next()) }, log, {
      firstMs: 1,
      maxMs: 1,
    });
    return { store, patient };
  };
  for (const code of ["unavailable", "deadline", "cancelled", "exhausted"] as const) {
    const puts = failing(code, 20);
    assert.deepEqual(await puts.patient.putFile("p", "k", signal), artifact);
    assert.equal(puts.store.tries, 21);
    const gets = failing(code, 7);
    await gets.patient.getFile(artifact, "p", signal);
    assert.equal(gets.store.tries, 8);
    const never = failing(code, 8);
    await assert.rejects(never.patient.getFile(artifact, "p", signal), { code });
    assert.equal(never.store.tries, 8);
  }
  for (const code of ["not-found", "data-loss", "invalid-argument", "permission-denied", "internal"] as const) {
    const { store, patient } = failing(code, 1);
    await assert.rejects(patient.putFile("p", "k", signal), { code });
    await assert.rejects(failing(code, 1).patient.getFile(artifact, "p", signal), { code });
    assert.equal(store.tries, 1);
  }
  const abort = new AbortController();
  const off = failing("unavailable", 1000, () => off.store.tries === 3 && abort.abort());
  await assert.rejects(off.patient.putFile("p", "k", abort.signal), { code: "unavailable" });
  assert.equal(off.store.tries, 3);
});
