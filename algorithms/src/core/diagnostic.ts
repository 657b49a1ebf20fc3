/**
 * The contract of a diagnostic: a fold over a search's facts that knows, at any moment, what is worth telling. It decides nothing; whoever runs it
 * reports what is new as FindingReported facts.
 */
import type { Fact, Objective } from "@regulus/proto";
import type { ComponentSpec } from "./component.js";
import type { Fold } from "./fold.js";

/** Something worth knowing. */
export interface Finding {
  /** Names the finding within its diagnostic, such as `collapsed/3/inputDropout`; a finding that stays true keeps its key. */
  readonly key: string;
  /** The trial it is about; absent for the whole search. */
  readonly trial?: number;
  readonly severity: "info" | "warning" | "error";
  /** What was seen, what it means, what to do. */
  readonly message: string;
}

/** What a diagnostic knows of its search from the start. */
export interface DiagnosticContext {
  readonly objectives: readonly Objective[];
}

/** A diagnostic at work on one search. The state holds plain data only, as a strategy's does. Told of its own findings, it ignores them. */
export interface Diagnostic<State> extends Fold<State, Fact> {
  /** Everything found so far, oldest first, each key once. Changes nothing. */
  findings(state: Readonly<State>): readonly Finding[];
}

/** Facts about a diagnostic. */
export type DiagnosticSpec<Options = unknown> = ComponentSpec<Options>;

/** What a diagnostic's folder gives. */
export interface DiagnosticModule<Options> {
  readonly spec: DiagnosticSpec<Options>;
  create(context: DiagnosticContext, options: Options): Diagnostic<object>;
}

/** Findings that one diagnostic keeps of a search; a search that goes wrong more often than that is understood by then. */
const findingsMax = 1000;

/** What most diagnostics remember: their findings, and the keys that are taken. Plain data. */
export interface Findings {
  readonly found: Finding[];
  readonly keys: Record<string, true>;
}

/** Adds what was not found before, up to a bound. Changes the state in place. */
export function noteFindings(state: Findings, findings: readonly Finding[]): void {
  for (const finding of findings) {
    if (state.found.length >= findingsMax || Object.hasOwn(state.keys, finding.key)) continue;
    state.keys[finding.key] = true;
    state.found.push(finding);
  }
}
