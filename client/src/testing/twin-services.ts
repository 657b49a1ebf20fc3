/** The services of a coordinator's twin: what each call does to what it keeps. It decides nothing. */

import { createHash } from "node:crypto";
import { type ArtifactRef, checkSpec, limits, RegulusError, signOf, type Trial } from "@regulus/proto";
import { type ArtifactServiceServer, type SearchServiceServer, toStatus } from "@regulus/transport";

import { KeptSearches } from "./kept-searches.js";

/** Its searches as a service. */
export function searchService(twin: KeptSearches): SearchServiceServer {
  return {
    createSearch: twin.unary("createSearch", ({ spec, idempotencyKey, validateOnly }) => {
      twin.keysSeen.push(idempotencyKey);
      if (spec === undefined) throw RegulusError.invalid([{ field: "spec", seen: "nothing", expected: "a search" }]);
      const problems = checkSpec(spec);
      if (spec.strategy?.name === "no-such-strategy") {
        problems.push({ field: "strategy.name", seen: '"no-such-strategy"', expected: "one of random" });
      }
      if (problems.length > 0) throw RegulusError.invalid(problems);
      const known = twin.keys.get(idempotencyKey);
      const { warnings } = twin;
      if (known !== undefined) return { search: twin.kept(known).search, warnings };
      if (validateOnly) return { search: new KeptSearches().add("", spec).search, warnings };
      const searchId = `s${twin.searches.size + 1}`;
      twin.keys.set(idempotencyKey, searchId);
      twin.add(searchId, spec);
      twin.tell(searchId, { $case: "searchCreated", value: { spec, idempotencyKey } });
      return { search: twin.kept(searchId).search, warnings };
    }),
    getSearch: twin.unary("getSearch", ({ searchId }) => {
      const { search, facts } = twin.kept(searchId);
      const news = facts.filter(({ kind }) => kind?.$case === "strategyStepped" || kind?.$case === "findingReported");
      return { search, news };
    }),
    listSearches: twin.unary("listSearches", ({ statuses, nameContains, labels, pageSize, pageToken }) => {
      const all = [...twin.searches.values()]
        .map(({ search }) => search)
        .filter(
          ({ status, spec }) =>
            (statuses.length === 0 || statuses.includes(status)) &&
            spec?.name.includes(nameContains) &&
            Object.entries(labels).every(([name, value]) => spec.labels[name] === value),
        );
      const start = Number(pageToken || 0);
      const end = start + (pageSize || 100);
      return { searches: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
    }),
    watchSearch: twin.stream("watchSearch", (call) => {
      const kept = twin.kept(call.request.searchId);
      call.write({ facts: kept.facts.filter(({ position }) => position > call.request.after), live: true });
      if (kept.search.status === "SEARCH_STATUS_ENDED") call.end();
      else kept.watchers.add(call);
      call.on("cancelled", () => kept.watchers.delete(call));
    }),
    pauseSearch: twin.unary("pauseSearch", ({ searchId, reason }) => {
      twin.tell(searchId, { $case: "searchPaused", value: { reason } });
      const kept = twin.kept(searchId);
      kept.search = { ...kept.search, status: "SEARCH_STATUS_PAUSED", reason };
      return { search: kept.search };
    }),
    resumeSearch: twin.unary("resumeSearch", ({ searchId }) => {
      twin.tell(searchId, { $case: "searchResumed", value: {} });
      const kept = twin.kept(searchId);
      kept.search = { ...kept.search, status: "SEARCH_STATUS_RUNNING", reason: "" };
      return { search: kept.search };
    }),
    extendSearch: twin.unary("extendSearch", ({ searchId, trials, idempotencyKey }) => {
      twin.keysSeen.push(idempotencyKey);
      const { search } = twin.kept(searchId);
      const budget = { trials: 0, steps: 0, stepsPerTrial: 0, wallTimeMs: 0, ...search.spec?.budget };
      twin.reopen(searchId);
      twin.tell(searchId, {
        $case: "searchExtended",
        value: { budget: { ...budget, trials: budget.trials + trials }, idempotencyKey },
      });
      return { search: twin.kept(searchId).search };
    }),
    retryTrials: twin.unary("retryTrials", ({ searchId, trials, idempotencyKey }) => {
      twin.keysSeen.push(idempotencyKey);
      twin.reopen(searchId);
      for (const trial of trials)
        twin.tell(searchId, { $case: "trialRetried", value: { trial, work: undefined, idempotencyKey, allFailed: false } });
      return { search: twin.kept(searchId).search, trials };
    }),
    stopSearch: twin.unary("stopSearch", ({ searchId, reason }) => {
      twin.tell(searchId, { $case: "searchEnded", value: { outcome: "SEARCH_OUTCOME_STOPPED", reason } });
      return { search: twin.kept(searchId).search };
    }),
    deleteSearch: twin.unary("deleteSearch", ({ searchId }) => {
      if (twin.kept(searchId).search.status !== "SEARCH_STATUS_ENDED") {
        throw new RegulusError("failed-precondition", `search ${searchId} still runs; stop it first`);
      }
      twin.searches.delete(searchId);
      return {};
    }),
    listTrials: twin.unary("listTrials", ({ searchId, bestFirst, pageSize, pageToken }) => {
      const { exported, search } = twin.kept(searchId);
      const all = exported.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
      const sign = signOf(search.spec?.objectives[0]);
      const rank = ({ value }: Trial) => (value === undefined ? Number.MAX_VALUE : sign * value);
      if (bestFirst) all.sort((a, b) => rank(a) - rank(b) || a.trial - b.trial);
      const start = Number(pageToken || 0);
      const end = start + (pageSize || 100);
      return { trials: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
    }),
    getTrial: twin.unary("getTrial", ({ searchId, trial }) => ({
      trial: twin.trial(searchId, trial),
      facts: twin
        .kept(searchId)
        .facts.filter(({ kind }) => kind !== undefined && "trial" in kind.value && kind.value.trial === trial),
    })),
    getTrialOutput: twin.unary("getTrialOutput", ({ searchId, trial, offset }) => {
      const { text, ended, attempt } = twin.outputs.get(`${searchId}/${trial}`) ?? { text: "", ended: true, attempt: 1 };
      const all = Buffer.from(text);
      const data = all.subarray(offset, offset + 100);
      return {
        data,
        offset: Math.min(offset, all.length),
        nextOffset: Math.min(offset, all.length) + data.length,
        totalBytes: all.length,
        attempt,
        ended,
      };
    }),
    stopTrial: twin.unary("stopTrial", ({ searchId, trial, reason }) => {
      const found = twin.trial(searchId, trial);
      twin.tell(searchId, { $case: "trialStopRequested", value: { trial, reason } });
      return { trial: found };
    }),
    exportSearch: twin.stream("exportSearch", (call) => {
      for (const one of twin.kept(call.request.searchId).exported) call.write(one);
      call.end();
    }),
    explainSearch: twin.unary("explainSearch", ({ searchId, trial }) => {
      twin.kept(searchId);
      const about = trial === undefined ? "the search" : `trial ${trial}`;
      return { summary: `${about} waits for an agent`, explanations: [{ text: "no agent is connected", position: 3 }] };
    }),
    listAgents: twin.unary("listAgents", () => ({ agents: twin.agents, nextPageToken: "" })),
  };
}

/** Its artifacts as a service. */
export function artifactService(twin: KeptSearches): ArtifactServiceServer {
  return {
    putArtifact: (call, callback) => {
      twin.calls.push("putArtifact");
      const pieces: Buffer[] = [];
      let header: ArtifactRef | undefined;
      const refuse = (message: string) => callback(toStatus(new RegulusError("invalid-argument", message)));
      call.on("data", ({ part }) => {
        if (part?.$case === "header") header = part.value;
        if (part?.$case === "data") pieces.push(part.value);
      });
      call.on("end", () => {
        const bytes = Buffer.concat(pieces);
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        const longest = pieces.reduce((most, { length }) => Math.max(most, length), 0);
        if (header?.sha256 !== sha256 || header.size !== bytes.length) return refuse("the bytes are not those of the header");
        if (longest > limits.artifactChunkBytesMax) return refuse(`a piece of ${longest} bytes`);
        twin.artifacts.set(sha256, bytes);
        callback(null, { artifact: header });
      });
    },
    getArtifact: twin.stream("getArtifact", (call) => {
      const bytes = twin.artifacts.get(call.request.sha256);
      if (bytes === undefined) throw new RegulusError("not-found", `no artifact ${call.request.sha256}`);
      for (let start = 0; start < bytes.length; start += 100_000) call.write({ data: bytes.subarray(start, start + 100_000) });
      call.end();
    }),
  };
}
