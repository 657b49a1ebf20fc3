/** The clients' door hands each method what was asked for and no more, and answers what the coordinator says. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import {
  CreateSearchRequest,
  ExplainSearchRequest,
  ExtendSearchRequest,
  GetTrialOutputRequest,
  GetTrialRequest,
  GetTrialResponse,
  ListAgentsRequest,
  ListTrialsRequest,
  limits,
  outputPieceBytesMax,
  RetryTrialsRequest,
  Search,
  StopSearchRequest,
  StopTrialRequest,
  Trial,
  WatchSearchRequest,
  WatchSearchResponse,
} from "@regulus/proto";
import { SearchServiceService as methods } from "@regulus/transport";
import { bounds } from "./bounds.js";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { callRaw, openDoors, validSpec } from "./testing/open-doors.js";
import { overriding } from "./testing/overriding.js";
import { eventually } from "./testing/real-servers.js";

const parts = await coordinatorForTests();
const heard: unknown[][] = [];
const search = Search.fromPartial({ searchId: "answered", steps: 7 });
const trial = Trial.fromPartial({ searchId: "answered", trial: 3 });
const note =
  <T>(name: string, answer: T) =>
  (...asked: unknown[]): T => {
    // Signals and rooms are no data.
    heard.push([
      name,
      ...asked.filter((one) => typeof one !== "object" || one === null || !("signal" in one || "aborted" in one)),
    ]);
    return answer;
  };
const echo = overriding(parts.coordinator, {
  createSearch: note("createSearch", Promise.resolve({ ...search, spec: validSpec() })),
  getSearch: note("getSearch", search),
  getNews: note("getNews", []),
  pauseSearch: note("pauseSearch", Promise.resolve(search)),
  resumeSearch: note("resumeSearch", Promise.resolve(search)),
  extendSearch: note("extendSearch", Promise.resolve(search)),
  retryTrials: note("retryTrials", Promise.resolve({ search, trials: [4] })),
  stopSearch: note("stopSearch", Promise.resolve(search)),
  deleteSearch: note("deleteSearch", Promise.resolve()),
  listTrials: note("listTrials", { trials: [trial], nextPageToken: "more" }),
  getTrial: note("getTrial", Promise.resolve({ trial, facts: [] })),
  getTrialOutput: note(
    "getTrialOutput",
    Promise.resolve({ data: Buffer.from("hi"), offset: 1, nextOffset: 3, totalBytes: 9, attempt: 2, ended: true }),
  ),
  stopTrial: note("stopTrial", Promise.resolve(trial)),
  explainSearch: note("explainSearch", Promise.resolve({ summary: "s", explanations: [] })),
  listAgents: note("listAgents", { agents: [], nextPageToken: "" }),
});
const doors = await openDoors({ ...parts, coordinator: echo });
after(async () => {
  await doors.close();
  await parts.close();
});

/** Calls a method; answers how it ended, and what the coordinator heard meanwhile. */
async function call<Request>(
  method: Parameters<typeof callRaw>[1] & { requestSerialize(request: Request): Buffer },
  request: Request,
) {
  heard.length = 0;
  const { code, answers, problems } = await callRaw(doors.client, method, [method.requestSerialize(request)]);
  return { code, answers, fields: problems.map(({ field }) => field), heard: [...heard] };
}

describe("a method of the clients' door", () => {
  const searchId = "s-1";
  const long = "x".repeat(limits.textCharactersMax + 10);

  it("hands on the search, the trial and the reason, cut to what is kept of it", async () => {
    for (const method of ["pauseSearch", "stopSearch"] as const) {
      const {
        code,
        heard: told,
        answers,
      } = await call(methods[method], StopSearchRequest.fromPartial({ searchId, reason: long }));
      assert.equal(code, "OK");
      const [name, id, reason] = told[0] ?? [];
      assert.deepEqual([name, id, told.length], [method, searchId, 1]);
      assert.ok(typeof reason === "string" && reason.startsWith("xxx") && reason.length <= limits.textCharactersMax);
      assert.equal(methods[method].responseDeserialize(answers[0] ?? assert.fail("an answer")).search?.steps, 7);
    }
    assert.deepEqual((await call(methods.resumeSearch, { searchId })).heard, [["resumeSearch", searchId]]);
    assert.deepEqual((await call(methods.deleteSearch, { searchId })).heard, [["deleteSearch", searchId]]);
    assert.deepEqual((await call(methods.getSearch, { searchId })).heard, [
      ["getSearch", searchId],
      ["getNews", searchId],
    ]);
    const stopped = await call(methods.stopTrial, StopTrialRequest.fromPartial({ searchId, trial: 3, reason: "enough" }));
    assert.deepEqual(stopped.heard, [["stopTrial", searchId, 3, "enough"]]);
    assert.equal(methods.stopTrial.responseDeserialize(stopped.answers[0] ?? assert.fail("an answer")).trial?.trial, 3);
    const got = await call(methods.getTrial, GetTrialRequest.fromPartial({ searchId, trial: 0 }));
    assert.deepEqual(got.heard, [["getTrial", searchId, 0]]);
    assert.equal(GetTrialResponse.decode(got.answers[0] ?? assert.fail("an answer")).trial?.searchId, "answered");
  });

  it("tells the whole search from its trial 0", async () => {
    assert.deepEqual((await call(methods.explainSearch, ExplainSearchRequest.fromPartial({ searchId }))).heard, [
      ["explainSearch", searchId, undefined],
    ]);
    assert.deepEqual((await call(methods.explainSearch, ExplainSearchRequest.fromPartial({ searchId, trial: 0 }))).heard, [
      ["explainSearch", searchId, 0],
    ]);
    assert.deepEqual(
      (await call(methods.explainSearch, ExplainSearchRequest.fromPartial({ searchId, trial: limits.trialsMax }))).fields,
      ["trial"],
    );
  });

  it("takes more budget, retries and outputs up to their edges and refuses them past it", async () => {
    const more = {
      searchId,
      trials: limits.trialsMax,
      steps: Number.MAX_SAFE_INTEGER,
      wallTimeMs: limits.wallTimeMsMax,
      failures: limits.trialsMax,
      idempotencyKey: "x".repeat(128),
    };
    const extended = await call(methods.extendSearch, ExtendSearchRequest.fromPartial(more));
    assert.deepEqual([extended.code, extended.heard], ["OK", [["extendSearch", more]]]);
    for (const [field, value] of [
      ["trials", limits.trialsMax + 1],
      ["failures", limits.trialsMax + 1],
      ["wallTimeMs", limits.wallTimeMsMax + 1],
      ["idempotencyKey", "x".repeat(129)],
      ["searchId", ""],
    ] as const)
      assert.deepEqual((await call(methods.extendSearch, ExtendSearchRequest.fromPartial({ ...more, [field]: value }))).fields, [
        field,
      ]);
    const retry = (trials: number[], idempotencyKey = "") =>
      call(methods.retryTrials, RetryTrialsRequest.fromPartial({ searchId, trials, idempotencyKey }));
    const most = Array.from({ length: limits.retriedAtOnceMax }, (_, index) => index);
    const retried = await retry(most);
    assert.deepEqual([retried.code, retried.heard], ["OK", [["retryTrials", { searchId, trials: most, idempotencyKey: "" }]]]);
    assert.deepEqual((await retry([...most, 1])).fields, ["trials"]);
    assert.deepEqual((await retry([0, limits.trialsMax], "x".repeat(129))).fields.sort(), ["idempotencyKey", "trials[1]"]);
    const offset = Number.MAX_SAFE_INTEGER - outputPieceBytesMax;
    const output = (more: object) =>
      call(methods.getTrialOutput, GetTrialOutputRequest.fromPartial({ searchId, trial: 1, ...more }));
    const read = await output({ offset, bytesMax: 5 });
    assert.deepEqual([read.code, read.heard], ["OK", [["getTrialOutput", { searchId, trial: 1, offset, bytesMax: 5 }]]]);
    assert.deepEqual((await output({ offset: offset + 1 })).fields, ["offset"]);
  });

  it("asks for a page of a usual size where none is given, and for as many rows as are", async () => {
    const ask = async (pageSize: number) => {
      const { heard: told } = await call(
        methods.listTrials,
        ListTrialsRequest.fromPartial({ searchId, pageSize, bestFirst: true, orderBy: "" }),
      );
      return told[0]?.[1];
    };
    assert.deepEqual(await ask(0), { searchId, statuses: [], bestFirst: true, orderBy: "", pageSize: 100, pageToken: "" });
    assert.deepEqual(await ask(7), { searchId, statuses: [], bestFirst: true, orderBy: "", pageSize: 7, pageToken: "" });
    const agents = await call(methods.listAgents, ListAgentsRequest.fromPartial({ pageSize: 9, pageToken: "t" }));
    assert.deepEqual(agents.heard, [["listAgents", { pageSize: 9, pageToken: "t" }]]);
    const token = "t".repeat(bounds.pageTokenCharactersMax + 1);
    assert.deepEqual((await call(methods.listAgents, ListAgentsRequest.fromPartial({ pageToken: token }))).fields, ["pageToken"]);
  });

  it("takes a spec up to its bound, knows its caller, and warns of what the coordinator warns of", async () => {
    const create = (characters: number) => {
      const spec = { ...validSpec(), labels: { long: "x".repeat(characters) } };
      return call(methods.createSearch, CreateSearchRequest.fromPartial({ spec, idempotencyKey: "k" }));
    };
    const { code, heard: told, answers } = await create(5);
    assert.equal(code, "OK");
    const [name, request, caller] = told[0] ?? [];
    assert.deepEqual([name, (request as CreateSearchRequest).idempotencyKey], ["createSearch", "k"]);
    assert.match(String(caller), /^127\.0\.0\.1:\d+$/);
    const { warnings } = methods.createSearch.responseDeserialize(answers[0] ?? assert.fail("an answer"));
    assert.deepEqual(
      warnings.map(({ message }) => message),
      ["no agent is connected, so no trial can start before one is (regulus agent)"],
    );
    assert.deepEqual((await create(bounds.specBytesMax)).fields, ["spec"]);
  });

  it("refuses metadata past its bound", async () => {
    const ask = (bytes: number) =>
      new Promise<number>((resolve) => {
        const metadata = new Metadata();
        metadata.set("x-long", "y".repeat(bytes));
        const raw = (value: Buffer) => value;
        const request = Buffer.from(methods.getSearch.requestSerialize({ searchId }));
        doors.client.makeUnaryRequest(methods.getSearch.path, raw, raw, request, metadata, (error) => resolve(error?.code ?? 0));
      });
    assert.equal(await ask(8000), 0);
    assert.equal(await ask(bounds.metadataBytesMax), 8);
  });
});

describe("a watch", () => {
  it("begins after the position that it was asked for, is counted while it is open, and says live with its last piece only", async () => {
    const seen: unknown[] = [];
    let isOver: () => void = () => undefined;
    const over = new Promise<void>((resolve) => {
      isOver = resolve;
    });
    const reason = "x".repeat(200_000);
    const fact = (position: number) => ({
      searchId: "s",
      position,
      timeMs: 1,
      kind: { $case: "searchPaused" as const, value: { reason } },
    });
    const watched = overriding(parts.coordinator, {
      async *watchSearch(searchId, after) {
        seen.push([searchId, after]);
        yield { facts: Array.from({ length: 40 }, (_, index) => fact(after + 1 + index)), live: true };
        yield { facts: [], live: true };
        await over;
      },
      getSearch: () => ({ ...search, position: 60 }),
    });
    const own = await openDoors({ ...parts, coordinator: watched });
    const number = async (name: string) =>
      Number(new RegExp(`^${name} (\\d+)$`, "m").exec(await own.metrics.registry.metrics())?.[1]);
    const outcome = callRaw(own.client, methods.watchSearch, [WatchSearchRequest.encode({ searchId: "s", after: 10 }).finish()]);
    await eventually("all is sent", async () => ((await number("regulus_watch_backlog_facts")) === 10 ? true : undefined));
    assert.equal(await number("regulus_watchers"), 1);
    isOver();
    const { code, answers } = await outcome;
    assert.equal(code, "OK");
    const pieces = answers.map((bytes) => WatchSearchResponse.decode(bytes));
    // 8 MB in pieces of at most 3 MiB.
    assert.deepEqual(
      pieces.map(({ facts, live }) => [facts.length, live]),
      [
        [10, false],
        [10, false],
        [10, false],
        [10, true],
        [0, true],
      ],
    );
    assert.deepEqual(seen, [["s", 10]]);
    assert.equal(await number("regulus_watchers"), 0);
    await own.close();
  });
});
