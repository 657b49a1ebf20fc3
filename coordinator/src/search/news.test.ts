import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "@regulus/proto";
import { News, newsMax } from "./news.js";

test("the newest steps and findings are kept, each kind for itself, steps without vectors, and every step is counted", () => {
  const news = new News();
  for (let position = 1; position <= 400; position += 1) {
    const step = {
      step: position,
      accepted: position % 4 === 0,
      metrics: { upperLoss: 1 },
      vectors: { theta: { values: [1] } },
      message: "",
    };
    const finding = { trial: 1, source: "scale-watch", severity: "warning", message: `${position}`, key: undefined };
    const kind: Fact["kind"] =
      position <= 300 ? { $case: "strategyStepped", value: step } : { $case: "findingReported", value: finding };
    news.tell({ searchId: "s", position, timeMs: 0, kind });
  }
  assert.deepEqual([news.stepsAccepted, news.stepsRefused], [75, 225]);
  const told = { step: 1, accepted: false, metrics: {}, vectors: {}, message: "a shard is gone" };
  news.tell({ searchId: "s", position: 401, timeMs: 0, kind: { $case: "strategyStepped", value: told } });
  assert.deepEqual([news.stepsAccepted, news.stepsRefused], [75, 225], "news is no step");
  assert.equal(news.said, "a shard is gone");
  const all = news.all();
  assert.equal(all.length, 2 * newsMax);
  assert.deepEqual([all[0]?.position, all.at(-1)?.position], [252, 401]);
  assert.ok(all.every(({ kind }) => kind?.$case !== "strategyStepped" || Object.keys(kind.value.vectors).length === 0));
});
