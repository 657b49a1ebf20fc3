/**
 * Commands that may open a search that has ended. Its strategy and diagnostics were closed at its end, so they are made anew and told the
 * log before the round that opens it; where only the strategy can make use of more budget, it is asked first whether it has anything to
 * try.
 */

import { type Fact, RegulusError, type SearchSpec } from "@regulus/proto";
import type { EventLog } from "../../ports.js";
import type { SearchCommand } from "../../search/commands.js";
import { decide } from "../../search/decide.js";
import type { StrategyAnswer, StrategyHost } from "../../strategy-host/strategy-host.js";
import { closeFolds, type OpenFolds } from "../searches/open-folds.js";
import type { SearchDiagnostics } from "../searches/search-diagnostics.js";
import type { SearchEntry } from "../searches/search-entry.js";
import type { Runner } from "./runner.js";

/** How often a search may change between the reading of its log and the round before the caller is sent away. */
const triesMax = 5;

/** What opens searches. */
export interface ReopeningOptions {
  readonly runner: Runner;
  readonly log: EventLog;
  readonly host: (spec: SearchSpec) => StrategyHost;
  readonly diagnostics: (spec: SearchSpec) => SearchDiagnostics;
  readonly nowMs: () => number;
}

type Opening = Extract<SearchCommand, { kind: "extendSearch" | "retryTrials" }>;

/** Gives a command to a search, which opens it where it had ended. Answers once that is durable. */
export async function openWith<Answer>(
  options: ReopeningOptions,
  searchId: string,
  command: Opening,
  answer: (entry: SearchEntry, facts: readonly Fact[]) => Answer,
): Promise<Answer> {
  const { runner } = options;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const seen = runner.entry(searchId);
    const folds = seen.active ? undefined : await prepare(options, seen, command);
    const opened = runner.call(() => {
      const entry = runner.entry(searchId);
      if (!entry.active && folds?.position !== entry.state.position) return () => undefined;
      const facts = runner.decisions.open(entry, { ...command, nowMs: runner.now }, folds);
      return () => ({ answer: answer(entry, facts) });
    });
    const answered = await opened.catch((thrown: unknown) => {
      // It was refused, or the log did not take the round: either way nobody goes on with them.
      closeFolds(folds);
      throw thrown;
    });
    if (answered !== undefined) return answered.answer;
    closeFolds(folds);
  }
  throw new RegulusError("unavailable", `search ${searchId} changes too fast to be opened; try again`);
}

/** Makes the folds anew. Fails where the strategy could do nothing with what the command gives. */
async function prepare(options: ReopeningOptions, { state }: SearchEntry, command: Opening): Promise<OpenFolds> {
  const { searchId, position } = state;
  // Also shows what is wrong with the command before anything is read.
  const kinds = decide(state, { ...command, nowMs: options.nowMs() });
  const folds = { host: options.host(state.createdSpec), diagnostics: options.diagnostics(state.createdSpec), position };
  try {
    for await (const facts of options.log.read(searchId, 0)) {
      folds.host.tell(facts.filter((fact) => fact.position <= position));
      folds.diagnostics.tell(facts);
    }
    const opening = kinds.map((kind, index) => ({ searchId, position: position + 1 + index, timeMs: options.nowMs(), kind }));
    folds.host.tell(opening);
    folds.diagnostics.tell(opening);
    if (command.kind === "extendSearch" && kinds.length > 0) await assertHasMore(folds.host, searchId);
    return folds;
  } catch (thrown) {
    closeFolds(folds);
    throw thrown;
  }
}

/** Asking changes nothing, so a strategy can be asked before its search is opened. */
async function assertHasMore(host: StrategyHost, searchId: string): Promise<void> {
  const answer = await new Promise<StrategyAnswer>((resolve) => host.ask(1, resolve));
  if ("proposals" in answer && answer.proposals.length > 0) return;
  const why =
    "failure" in answer ? `its strategy fails: ${answer.failure}` : "its strategy has nothing left to try, with any budget";
  throw new RegulusError("failed-precondition", `search ${searchId} can't continue: ${why}`);
}
