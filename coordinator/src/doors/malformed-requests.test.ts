/**
 * A thousand malformed requests over every method: each is answered INVALID_ARGUMENT with the path of a field (or NOT_FOUND where it is
 * well-formed and names something unknown), nothing is a bug to the server, and it serves on.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  ConnectRequest,
  CreateSearchRequest,
  CreateSearchResponse,
  ExplainSearchRequest,
  GetArtifactRequest,
  GetSearchRequest,
  GetTrialRequest,
  ListSearchesRequest,
  ListTrialsRequest,
  PutArtifactRequest,
  type SearchSpec,
  WatchSearchRequest,
} from "@regulus/proto";
import { AgentServiceService, ArtifactServiceService, SearchServiceService } from "@regulus/transport";
import fc from "fast-check";
import { coordinatorForTests } from "./testing/coordinator-for-tests.js";
import { callRaw, openDoors, validSpec } from "./testing/open-doors.js";

const parts = await coordinatorForTests();
const doors = await openDoors(parts);
after(async () => {
  await doors.close();
  await parts.close();
});

const search = SearchServiceService;
const methods = { ...search, ...AgentServiceService, ...ArtifactServiceService };
type MethodName = keyof typeof methods;
const methodNames = Object.keys(methods) as MethodName[]; // Object.keys forgets what the type says.

/** A malformed request: the method, its messages, and what it breaks. */
interface Malformed {
  readonly method: MethodName;
  readonly messages: readonly Uint8Array[];
  /** Start of the path that the answer must name; absent for any. */
  readonly field?: string;
}

/** Bytes that no message can begin with: a length past the end, a wire type that does not exist, a number without an end. */
const unreadable = fc
  .tuple(
    fc.constantFrom([0x0a, 0xff, 0xff, 0xff, 0x07], [0x0e], [0x0f, 0x01], new Array(11).fill(0xff), [0x08, 0xff, 0xff]),
    fc.uint8Array({ maxLength: 200 }),
  )
  .map(([head, tail]) => Uint8Array.from(head.length === 3 ? head : [...head, ...tail]));

const badId = fc.oneof(
  fc.constant(""),
  fc.constantFrom("-a", ".", "a b", "a/b", "ä", "a\u0000", "../../etc/passwd", "x".repeat(129), "\u{1F4A9}"),
  fc.string({ unit: "binary", maxLength: 50 }).map((text) => ` ${text}`),
);
const badEnumeration = fc.integer({ min: 10, max: 2 ** 31 - 1 });
const unknownId = fc.stringMatching(/^[a-z0-9]{1,40}$/);

const encoded = (method: MethodName, bytes: Uint8Array, field: string): Malformed => ({ method, messages: [bytes], field });

/** A request whose repeated enumeration (field 1 or 2) holds a value that does not exist. */
const withEnumeration = (request: Uint8Array, field: number, value: number): Uint8Array => {
  const bytes = [field * 8];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest);
      break;
    }
    bytes.push((rest % 128) + 128);
  }
  return Uint8Array.from([...request, ...bytes]);
};

const byId = ["getSearch", "watchSearch", "pauseSearch", "resumeSearch", "stopSearch", "deleteSearch", "exportSearch"] as const;
const byTrial = ["listTrials", "getTrial", "stopTrial", "explainSearch"] as const;

const specOf = (broken: (spec: SearchSpec) => void): Uint8Array => {
  const spec = validSpec();
  broken(spec);
  return CreateSearchRequest.encode({ spec, idempotencyKey: "", validateOnly: false }).finish();
};

const domain = (min: number, max: number, scale: "SCALE_LINEAR" | "SCALE_LOG" | "SCALE_LOGIT") => (spec: SearchSpec) => {
  const parameter = spec.space[0];
  if (parameter !== undefined) parameter.domain = { $case: "double", value: { min, max, scale } };
};

const brokenSpecs: fc.Arbitrary<(spec: SearchSpec) => void> = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY).map((min) => domain(min, 1, "SCALE_LINEAR")),
  fc.double({ min: 1, max: 1e300, noNaN: true }).map((min) => domain(min, min / 2, "SCALE_LINEAR")),
  fc.double({ min: -10, max: 0, noNaN: true }).map((min) => domain(min, 1, "SCALE_LOG")),
  fc.double({ min: 1, max: 10, noNaN: true }).map((max) => domain(0.5, max, "SCALE_LOGIT")),
  fc.constantFrom<(spec: SearchSpec) => void>(
    (spec) => {
      // A technique would bring hyperparameters of its own.
      spec.space = [];
      spec.techniques = [];
    },
    (spec) => {
      spec.workload = undefined;
    },
    (spec) => {
      spec.objectives = [];
    },
    (spec) => {
      spec.strategy = undefined;
    },
    (spec) => {
      spec.name = "";
    },
    (spec) => {
      spec.name = "x".repeat(100_000);
    },
    (spec) => {
      for (const parameter of [...spec.space]) spec.space.push(parameter);
    },
    (spec) => {
      spec.priority = 101;
    },
    (spec) => {
      spec.workload = { name: "no-such-workload", module: "", options: {} };
    },
    (spec) => {
      spec.strategy = { name: "no-such-strategy", options: {} };
    },
  ),
);

const malformed: fc.Arbitrary<Malformed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...methodNames), unreadable).map(([method, bytes]) => ({ method, messages: [bytes] })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...byId, ...byTrial), badId)
      .map(([method, searchId]) => encoded(method, GetSearchRequest.encode({ searchId }).finish(), "searchId")),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("getTrial", "stopTrial", "explainSearch"), fc.integer({ min: 10_000_000, max: 2 ** 32 - 1 }))
      .map(([method, trial]) => {
        const searchId = "a";
        const explain = ExplainSearchRequest.encode({ searchId, trial }).finish();
        return encoded(
          method,
          method === "explainSearch" ? explain : GetTrialRequest.encode({ searchId, trial }).finish(),
          "trial",
        );
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom("spec", "created_ms down", "toString", "__proto__", "name desc desc", "\u0000")
      .map((orderBy) =>
        encoded("listSearches", ListSearchesRequest.encode(ListSearchesRequest.fromPartial({ orderBy })).finish(), "orderBy"),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.boolean(), badEnumeration)
      .map(([trials, value]) =>
        trials
          ? encoded(
              "listTrials",
              withEnumeration(ListTrialsRequest.encode(ListTrialsRequest.fromPartial({ searchId: "a" })).finish(), 2, value),
              "statuses[0]",
            )
          : encoded("listSearches", withEnumeration(new Uint8Array(), 1, value), "statuses[0]"),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ minLength: 513, maxLength: 2000 })
      .map((pageToken) =>
        encoded("listSearches", ListSearchesRequest.encode(ListSearchesRequest.fromPartial({ pageToken })).finish(), "pageToken"),
      ),
  },
  {
    weight: 1,
    // A number past 2^53, which no field of the contract allows.
    arbitrary: fc.constant(encoded("watchSearch", Uint8Array.from([0x10, ...new Array(8).fill(0xff), 0x7f]), "")),
  },
  { weight: 1, arbitrary: fc.constant(encoded("createSearch", new Uint8Array(), "spec")) },
  { weight: 3, arbitrary: brokenSpecs.map((broken) => encoded("createSearch", specOf(broken), "")) },
  {
    weight: 1,
    arbitrary: fc
      .string({ maxLength: 80 })
      .filter((text) => !/^[0-9a-f]{64}$/.test(text))
      .map((sha256) => encoded("getArtifact", GetArtifactRequest.encode({ sha256 }).finish(), "sha256")),
  },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 100 })
      .map((data) =>
        encoded("putArtifact", PutArtifactRequest.encode({ part: { $case: "data", value: Buffer.from(data) } }).finish(), "part"),
      ),
  },
  {
    weight: 1,
    arbitrary: badId.map((agentId) =>
      encoded(
        "connect",
        ConnectRequest.encode(
          ConnectRequest.fromPartial({ message: { $case: "register", value: { protocol: 1, agent: { agentId, slots: 1 } } } }),
        ).finish(),
        "register.agent.agentId",
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant(
      encoded("connect", ConnectRequest.encode({ message: { $case: "draining", value: { reason: "" } } }).finish(), "message"),
    ),
  },
);

test("1,000 malformed requests: each names a field", async () => {
  await fc.assert(
    fc.asyncProperty(malformed, async ({ method, messages, field }) => {
      const outcome = await callRaw(doors.client, methods[method], messages);
      // Bytes that are a register message by chance are of protocol 0, which is another version.
      if (method === "connect" && outcome.code === "FAILED_PRECONDITION" && /version 0/.test(outcome.details)) return;
      assert.equal(outcome.code, "INVALID_ARGUMENT", `${method}: ${outcome.code} ${outcome.details}`);
      const fields = outcome.problems.map((problem) => problem.field);
      assert.ok(fields.length > 0 && fields.every((path) => path !== ""), `${method} names its fields: ${fields}`);
      if (field !== undefined)
        assert.ok(
          fields.some((path) => path.startsWith(field)),
          `${fields} name ${field}`,
        );
    }),
    { numRuns: 1000, seed: 7 },
  );
  await serves();
});

test("raw garbage is never a bug: 500 random byte strings over every method", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methodNames),
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 3 }),
      async (method, messages) => {
        const outcome = await callRaw(doors.client, methods[method], messages);
        // Garbage can be a message: unknown fields are skipped, and an empty filter lists everything.
        const allowed =
          method === "listSearches" || method === "listAgents" ? ["OK", "INVALID_ARGUMENT"] : ["INVALID_ARGUMENT", "NOT_FOUND"];
        assert.ok(allowed.includes(outcome.code), `${method}: ${outcome.code} ${outcome.details}`);
      },
    ),
    { numRuns: 500, seed: 8 },
  );
  await serves();
});

test("well-formed requests for something unknown are NOT_FOUND", async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...byId, ...byTrial), unknownId, async (method, searchId) => {
      const outcome = await callRaw(doors.client, methods[method], [WatchSearchRequest.encode({ searchId, after: 0 }).finish()]);
      assert.equal(outcome.code, "NOT_FOUND", `${method}: ${outcome.details}`);
    }),
    { numRuns: 60, seed: 9 },
  );
});

async function serves(): Promise<void> {
  const made = await callRaw(doors.client, search.createSearch, [specOf(() => undefined)]);
  assert.equal(made.code, "OK", made.details);
  const searchId = CreateSearchResponse.decode(made.answers[0] ?? new Uint8Array()).search?.searchId ?? "";
  const got = await callRaw(doors.client, search.getSearch, [GetSearchRequest.encode({ searchId }).finish()]);
  assert.equal(got.code, "OK", got.details);
  assert.deepEqual(
    doors.logged.filter((line) => line.includes("bug")),
    [],
  );
}
