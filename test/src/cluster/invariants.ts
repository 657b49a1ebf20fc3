/**
 * What must hold of any search's facts, whatever was killed while it ran (ARCHITECTURE.md). Used by the chaos command and by
 * end-to-end tests.
 */
import { Fact } from "@regulus/proto";

/** What is wrong with an ended search's facts, in words; empty where nothing is. @param expectedTrials absent where the strategy decides. */
export function violations(facts: readonly Fact[], expectedTrials: number | undefined): string[] {
  const wrong: string[] = [];
  const ended = new Map<number, number>();
  const proposed = new Set<number>();
  const current = new Map<number, number>();
  facts.forEach((fact, index) => {
    const { kind } = fact;
    if (fact.position !== index + 1) wrong.push(`fact ${index + 1} has position ${fact.position}`);
    if (kind === undefined) {
      wrong.push(`fact ${fact.position} has no kind`);
      return;
    }
    const trial = "trial" in kind.value ? kind.value.trial : undefined;
    // A trial that is tried again begins another life.
    if (kind.$case === "trialRetried") ended.delete(kind.value.trial);
    if (trial !== undefined && kind.$case !== "findingReported" && ended.has(trial)) {
      wrong.push(`trial ${trial} ended at ${ended.get(trial)}, yet ${kind.$case} stands at ${fact.position}`);
    }
    if (kind.$case === "trialProposed") {
      if (proposed.has(kind.value.trial)) wrong.push(`trial ${trial} was proposed twice`);
      proposed.add(kind.value.trial);
    }
    if (kind.$case === "attemptStarted") {
      const before = current.get(kind.value.trial) ?? 0;
      if (kind.value.attempt !== before + 1) wrong.push(`trial ${trial}: attempt ${kind.value.attempt} follows ${before}`);
      current.set(kind.value.trial, kind.value.attempt);
    }
    if (kind.$case === "trialMeasured" && kind.value.attempt !== current.get(kind.value.trial)) {
      wrong.push(
        `trial ${trial}: a measurement of attempt ${kind.value.attempt} was taken while ${current.get(kind.value.trial)} was current`,
      );
    }
    if (kind.$case === "trialEnded") {
      ended.set(kind.value.trial, fact.position);
      if (kind.value.reason === "END_REASON_DONE" && kind.value.final === undefined)
        wrong.push(`trial ${trial} is done without a measurement`);
    }
  });
  if (expectedTrials !== undefined && proposed.size !== expectedTrials)
    wrong.push(`${proposed.size} trials were proposed, ${expectedTrials} were in the budget`);
  for (const trial of proposed) if (!ended.has(trial)) wrong.push(`trial ${trial} never ended`);
  if (facts.at(-1)?.kind?.$case !== "searchEnded") wrong.push("the last fact is not the search's end");
  return wrong;
}

/** Facts that were heard of and are not in the log as they were heard. */
export function lostFacts(heard: readonly Fact[], log: readonly Fact[]): string[] {
  return heard
    .filter((one) => {
      const kept = log[one.position - 1];
      return kept === undefined || !Buffer.from(Fact.encode(one).finish()).equals(Buffer.from(Fact.encode(kept).finish()));
    })
    .map((one) => `fact ${one.position} (${one.kind?.$case}) was heard and is gone or changed`);
}
