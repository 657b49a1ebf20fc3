/** Values of a program's environment may be secrets: no method of the client's door and no event ever shows one. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { CreateSearchRequest, CreateSearchResponse, type SearchSpec, WatchSearchRequest } from "@regulus/proto";
import { SearchServiceService } from "@regulus/transport";
import { eventOf } from "./fact-event.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { callRaw, openDoors, validSpec } from "./testing/open-doors.js";

const secret = "s3cr3t-of-the-user";
const spec: SearchSpec = { ...validSpec(), workload: undefined, techniques: [], command: undefined };
spec.command = { argv: ["train"], env: { API_KEY: secret }, directory: "", stopGraceMs: 0 };
spec.objectives = validSpec().objectives;

const parts = await coordinatorForTests();
const doors = await openDoors(parts);
after(async () => {
  await doors.close();
  await parts.close();
});

test("no answer of any method holds a value of command.env", async () => {
  const create = (more: Partial<CreateSearchRequest>) =>
    callRaw(doors.client, SearchServiceService.createSearch, [
      CreateSearchRequest.encode(CreateSearchRequest.fromPartial({ spec, ...more })).finish(),
    ]);
  const checked = await create({ validateOnly: true });
  const created = await create({});
  assert.deepEqual([checked.code, created.code], ["OK", "OK"], created.details);
  const answer = CreateSearchResponse.decode(created.answers[0] ?? new Uint8Array());
  const searchId = answer.search?.searchId ?? "";
  assert.deepEqual(answer.search?.spec?.command?.env, { API_KEY: "(hidden)" });
  // Every other method that names a search has it in field 1; the search is ended and removed last.
  const order = Object.keys(SearchServiceService).filter(
    (name) => !["createSearch", "stopSearch", "deleteSearch"].includes(name),
  );
  const streams: Promise<void>[] = [];
  for (const name of [...order, "stopSearch", "watchSearch", "getSearch", "listSearches", "deleteSearch"]) {
    const method = SearchServiceService[name as keyof typeof SearchServiceService]; // Object.keys forgets what the type says.
    const takesSearch = !name.startsWith("list") || name === "listTrials";
    const request = takesSearch ? WatchSearchRequest.encode({ searchId, after: 0 }).finish() : new Uint8Array();
    const outcome = callRaw(doors.client, method, [request]).then(({ code, details, answers }) => {
      for (const bytes of answers) assert.ok(!bytes.includes(secret), name);
      assert.ok(!details.includes(secret), name);
      assert.notEqual(code, "INTERNAL", `${name}: ${details}`);
    });
    // Streams go on until the search is over.
    if (method.responseStream) streams.push(outcome);
    else await outcome;
  }
  await Promise.all(streams);
});

test("no event holds a value of command.env, and the log's own fact keeps it", () => {
  const fact = {
    searchId: "s",
    position: 1,
    timeMs: 1,
    kind: { $case: "searchCreated" as const, value: { spec, idempotencyKey: "" } },
  };
  const { body } = eventOf(fact);
  assert.ok(!body.includes(secret));
  assert.match(body, /"API_KEY":"\(hidden\)"/);
  assert.equal(fact.kind.value.spec.command?.env.API_KEY, secret);
});
