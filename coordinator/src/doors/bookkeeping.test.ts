/** The doors' small books: who is open, who follows, who watches, who calls, how far the feed is, and which answers fit. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { RegulusError, Trial } from "@regulus/proto";
import fc from "fast-check";
import { pino } from "pino";
import { encodedPieces, fittingPage, newestFitting } from "./answer-size.js";
import { bounds } from "./bounds.js";
import { type CallingSide, callerOf } from "./callers.js";
import { encodable } from "./encodable.js";
import { failuresTo } from "./failures.js";
import { readCursors, writeCursors } from "./feed-cursors.js";
import { OpenStreams } from "./open-streams.js";
import { Readiness } from "./readiness.js";
import { scratchFolder } from "./testing/real-servers.js";
import { Watchers } from "./watchers.js";

const scratch = scratchFolder();
after(() => scratch.remove());

describe("open streams", () => {
  it("that are there when the server closes are told why, each once, and none begins after that", () => {
    const streams = new OpenStreams();
    const told: string[] = [];
    const enter = (name: string) => streams.enter((error) => void told.push(`${name}: ${error.code}`));
    const leave = enter("gone");
    let leaveSecond: () => void = () => undefined;
    // One that ends takes its place away while the others are told.
    streams.enter((error) => {
      told.push(`first: ${error.code}`);
      leaveSecond();
    });
    leaveSecond = enter("second");
    enter("third");
    leave();
    streams.closeAll();
    assert.deepEqual(told, ["first: unavailable", "second: unavailable", "third: unavailable"]);
    assert.throws(() => enter("late"), { code: "unavailable" });
  });
});

describe("readiness", () => {
  it("holds while nothing is in the way, and tells those who follow of changes only", () => {
    const readiness = new Readiness();
    const heard: boolean[] = [];
    const unfollow = readiness.follow((ready) => void heard.push(ready));
    assert.deepEqual([readiness.ready, readiness.obstacles], [false, ["recovering"]]);
    readiness.set("log can't be written", true);
    readiness.set("recovering", false);
    assert.deepEqual([readiness.ready, readiness.obstacles], [false, ["log can't be written"]]);
    readiness.set("log can't be written", false);
    readiness.set("log can't be written", false);
    readiness.set("closing", true);
    readiness.set("closing", true);
    assert.deepEqual(heard, [false, true, false]);
    unfollow();
    readiness.set("closing", false);
    assert.deepEqual([heard.length, readiness.ready], [3, true]);
  });
});

describe("failures", () => {
  it("leave with their code, name fields of a new search's spec, and are logged by who has to look at them", () => {
    const lines: { readonly level: number; readonly id?: string; readonly path: string }[] = [];
    const failures = failuresTo(pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line)) }));
    const invalid = RegulusError.invalid([{ field: "seed", seen: "-1", expected: "0" }]);
    const problemsOf = (path: string) =>
      JSON.stringify(failures(invalid, path).metadata?.getMap() ?? {}) + failures(invalid, path).details;
    assert.notEqual(problemsOf("/regulus.v1.SearchService/CreateSearch"), problemsOf("/regulus.v1.SearchService/ListSearches"));
    assert.equal(failures(new RegulusError("data-loss", "torn"), "/s/m").code, 15);
    const bug = failures(new TypeError("secret"), "/s/m");
    assert.equal(bug.code, 13);
    assert.ok(!bug.details.includes("secret"));
    assert.equal(failures(new RegulusError("internal", "secret too"), "/s/m").details.includes("secret"), false);
    assert.deepEqual(
      lines.map(({ level }) => level),
      [20, 20, 20, 20, 50, 50, 50],
    );
    assert.ok(bug.details.includes(lines[5]?.id ?? assert.fail("an id")));
  });
});

describe("watchers", () => {
  it("are counted with what each still has to get, against a plain model", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("enter", "sent", "leave"), fc.nat(5), fc.nat(20)), { maxLength: 30 });
    fc.assert(
      fc.property(steps, (taken) => {
        const watchers = new Watchers();
        const open: { readonly search: string; position: number; readonly watcher: ReturnType<Watchers["enter"]> }[] = [];
        for (const [kind, which, position] of taken) {
          const search = which % 2 === 0 ? "even" : "odd";
          const one = open[which % Math.max(1, open.length)];
          if (kind === "enter") open.push({ search, position, watcher: watchers.enter(search, position) });
          else if (one === undefined) continue;
          else if (kind === "sent") {
            one.watcher.sent(position);
            one.position = position;
          } else {
            one.watcher.leave();
            open.splice(open.indexOf(one), 1);
          }
        }
        const heads: Record<string, number> = { even: 10, odd: 15 };
        const behind = open.reduce((sum, { search, position }) => sum + Math.max(0, (heads[search] ?? 0) - position), 0);
        assert.deepEqual([watchers.count, watchers.backlog((search) => heads[search] ?? 0)], [open.length, behind]);
      }),
    );
  });
});

describe("callers", () => {
  const side = (subject: unknown, fingerprint256 = "AB:CD"): CallingSide => {
    const certificate = subject === undefined ? {} : { sslPeerCertificate: { subject, fingerprint256 } };
    const auth = certificate as ReturnType<CallingSide["getAuthContext"]>; // As much of a certificate as is looked at.
    return { getPeer: () => "10.0.0.1:999", getAuthContext: () => auth };
  };

  it("are named by their certificate's name, else by its fingerprint, and without TLS by their connection", () => {
    assert.equal(callerOf(side({ CN: "alice" })), "CN=alice");
    assert.equal(callerOf(side({ CN: "" })), "AB:CD");
    assert.equal(callerOf(side({})), "AB:CD");
    assert.equal(callerOf(side({ CN: ["a", "b"] })), "AB:CD");
    assert.equal(callerOf(side(undefined)), "10.0.0.1:999");
  });

  it("keep their name for as long as their connection lives", () => {
    const [one, two] = [{}, {}];
    assert.equal(callerOf(side({ CN: "alice" }), one), "CN=alice");
    assert.equal(callerOf(side({ CN: "bob" }), one), "CN=alice");
    assert.equal(callerOf(side({ CN: "bob" }), two), "CN=bob");
    assert.equal(callerOf(side({ CN: "carol" })), "CN=carol");
  });
});

describe("cursors of the feed", () => {
  const path = join(scratch.path, "cursors.json");
  const cursors = new Map([
    ["a", 7],
    ["__proto__", 3],
  ]);

  it("are read as they were kept, for the stream that they are about, by their owner alone", () => {
    writeCursors(path, "monday", new Map([["older", 1]]));
    writeCursors(path, "monday", cursors);
    assert.deepEqual(readCursors(path, "monday"), cursors);
    assert.deepEqual(readCursors(path, "tuesday"), new Map());
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(scratch.path), ["cursors.json"]);
  });

  it("are none where the file is missing, torn, of another version or no cursors", () => {
    const whole = readFileSync(path, "utf8");
    assert.deepEqual(readCursors(join(scratch.path, "missing"), "monday"), new Map());
    const others = [whole.slice(0, -2), "7", "null", "{}", whole.replace(/"version":\d+/, '"version":99')];
    for (const text of [
      ...others,
      '{"version":1,"created":"monday","searches":7}',
      '{"version":1,"created":"monday","searches":null}',
    ]) {
      writeFileSync(path, text);
      assert.deepEqual(readCursors(path, "monday"), new Map(), text);
    }
    writeFileSync(path, '{"version":1,"created":"monday","searches":{"a":1.5,"b":"2","c":null,"d":4}}');
    assert.deepEqual(readCursors(path, "monday"), new Map([["d", 4]]));
  });

  it("that can't be kept leave the older ones", () => {
    writeCursors(path, "monday", cursors);
    mkdirSync(`${path}.new`);
    assert.throws(() => writeCursors(path, "monday", new Map()));
    assert.deepEqual(readCursors(path, "monday"), cursors);
  });
});

describe("answers that fit", () => {
  const max = bounds.answerBytesMax;
  const sizes = fc.array(fc.integer({ min: 1, max: Math.floor(1.2 * max) }), { maxLength: 20 });
  const sum = (items: readonly number[]) => items.reduce((total, size) => total + size, 0);

  it("are pieces that hold every item once and in order, none too long that could be shorter", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 12 }), (small) => {
        // In units of a fiftieth of the bound.
        const unit = max / 50;
        const pieces: (readonly number[])[] = [];
        const lengths: number[] = [];
        for (const bytes of encodedPieces(small, (items) => {
          pieces.push(items);
          return new Uint8Array(Math.floor(sum(items) * unit));
        }))
          lengths.push(bytes.byteLength);
        const sent = pieces.filter((items) => items.length <= 1 || Math.floor(sum(items) * unit) <= max);
        assert.deepEqual(sent.flat(), small);
        assert.deepEqual(
          lengths,
          sent.map((items) => Math.floor(sum(items) * unit)),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("are the newest items together, as many as fit", () => {
    fc.assert(
      fc.property(sizes, (items) => {
        const kept = newestFitting(items, (size) => size);
        assert.deepEqual(kept, items.slice(items.length - kept.length));
        assert.ok(sum(kept) <= max);
        if (kept.length < items.length) assert.ok(sum(items.slice(items.length - kept.length - 1)) > max);
      }),
    );
    assert.deepEqual(
      newestFitting([max], (size) => size),
      [max],
    );
    assert.deepEqual(
      newestFitting([1, max], (size) => size),
      [max],
    );
  });

  it("are pages of as many rows as asked for, halved until they fit, and of one row however long", () => {
    const asked = (pageSize: number, rowBytes: number): number[] => {
      const pages: number[] = [];
      const ask = (rows: number): number => {
        pages.push(rows);
        return rows;
      };
      fittingPage(pageSize, ask, (rows) => new Uint8Array(rows * rowBytes));
      return pages;
    };
    assert.deepEqual(asked(100, max / 100), [100]);
    assert.deepEqual(asked(100, max / 100 + 1), [100, 50]);
    assert.deepEqual(asked(7, max), [7, 3, 1]);
    assert.deepEqual(asked(3, max + 1), [3, 1]);
    assert.throws(() => asked(0, 1), RegulusError);
  });
});

describe("rows that can be answered", () => {
  it("lack the fields that no client can read, and no others", () => {
    const row = Trial.fromPartial({ searchId: "s", trial: 3, attempts: 7, best: { step: 1, metrics: { loss: 1e300 } } });
    assert.equal(encodable(Trial, row), row, "metrics may be as large as they like");
    const spoilt = { ...row, proposedMs: 2 ** 60, best: { ...Trial.fromPartial({ best: { step: 2 ** 60 } }).best } } as Trial;
    const sent = encodable(Trial, spoilt);
    assert.deepEqual([sent.searchId, sent.trial, sent.attempts, sent.proposedMs, sent.best], ["s", 3, 7, 0, undefined]);
    assert.deepEqual(Trial.decode(Trial.encode(sent).finish()), sent);
  });
});
