import assert from "node:assert/strict";
import { test } from "node:test";
import { EndReason, type Fact } from "@regulus/proto";
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

test("ends that nobody asked for are news, and good ends, pauses and slots given back are not", () => {
  const told = (kind: Fact["kind"]) => {
    const news = new News();
    news.tell({ searchId: "s", position: 1, timeMs: 0, kind });
    return news.all().length;
  };
  const rest = { trial: 0, attempt: 1, message: "" };
  const isNews = (reason: EndReason) => [
    told({ $case: "trialEnded", value: { ...rest, reason, final: undefined, artifacts: [], startedMs: 0 } }),
    told({ $case: "attemptEnded", value: { ...rest, reason, retryAtMs: 0 } }),
  ];
  assert.deepEqual(isNews(EndReason.END_REASON_DONE), [0, 1]);
  assert.deepEqual(isNews(EndReason.END_REASON_STOPPED_EARLY), [0, 1]);
  assert.deepEqual(isNews(EndReason.END_REASON_PREEMPTED), [1, 0]);
  assert.deepEqual(isNews(EndReason.END_REASON_LOST), [1, 1]);
  assert.equal(told({ $case: "strategyFailed", value: { message: "no idea" } }), 1);
  assert.equal(told({ $case: "trialPaused", value: { trial: 0, attempt: 1, step: 1, artifacts: [] } }), 0);
  assert.equal(new News().said, "");
});
