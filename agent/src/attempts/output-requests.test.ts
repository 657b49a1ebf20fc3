/** Small memories of an attempt and of an agent, and their bounds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "@regulus/proto";
import { OutputRequests } from "./output-requests.js";
import { OverrunningSearches } from "./overrunning-searches.js";

const part = (offset: number) => ({ data: new Uint8Array(), offset, nextOffset: offset, totalBytes: 9 });

test("each request for output gets its own answer, once; more than sixteen at once get none, and none is left at the end", async () => {
  const requests = new OutputRequests();
  const numbers: number[] = [];
  const ask = () => requests.ask((request) => void numbers.push(request));
  const asked = Array.from({ length: 16 }, ask);
  assert.equal(await ask(), undefined);
  assert.equal(new Set(numbers).size, 16);
  for (const number of numbers.slice(0, 2).reverse()) requests.answer(number, part(number));
  assert.deepEqual(
    (await Promise.all(asked.slice(0, 2))).map((answer) => answer?.offset),
    numbers.slice(0, 2),
  );
  const later = ask();
  requests.answer(numbers.at(-1) ?? 0, part(1));
  assert.equal((await later)?.offset, 1, "an answer makes room");
  requests.answer(12345, part(0));
  requests.drop();
  assert.deepEqual(await Promise.all(asked.slice(2)), new Array(14).fill(undefined));
});

test("as many overrunning searches are remembered as may be active, the newest of them", () => {
  const searches = new OverrunningSearches();
  for (let i = 0; i <= limits.activeSearchesMax; i += 1) searches.note(`s${i}`);
  searches.note(`s${limits.activeSearchesMax}`);
  assert.deepEqual(
    [0, 1, limits.activeSearchesMax].map((i) => searches.has(`s${i}`)),
    [false, true, true],
  );
});
