/**
 * The diagnostics of one search: folds over its facts. Tells what they found that is not in the log yet. What was reported is itself
 * folded from the log, by source and key, so that no recovery reports it again. A diagnostic that throws is a finding too, not an error.
 */
import type { Diagnostic, DiagnosticModule, Finding } from "@regulus/algorithms/core";
import type { Component, Fact, SearchSpec } from "@regulus/proto";
import { failureWords } from "../../strategy-host/strategy-host.js";

/** Findings of all diagnostics of one search that go to its log. A search with more has one trouble, which these tell well enough. */
export const findingsPerSearchMax = 1000;

/** Stands for all findings past the bound. */
const furtherFindings: Finding = {
  key: "further",
  severity: "info",
  message: `the search's diagnostics found ${findingsPerSearchMax - 1} things; further ones are not reported`,
};

/** Registered diagnostics, by name. */
export type Diagnostics = ReadonlyMap<string, DiagnosticModule<unknown>>;

/** What one diagnostic found and nobody was told. */
export interface NewFindings {
  readonly source: string;
  readonly findings: readonly Finding[];
}

export class SearchDiagnostics {
  readonly #watches: readonly Watch[];
  /** How many findings of all diagnostics the log has. */
  #reported = 0;

  constructor(registered: Diagnostics, spec: SearchSpec) {
    this.#watches = spec.diagnostics.map((component) => new Watch(registered, spec, component));
  }

  /** Tells of facts, in order, each once. */
  tell(facts: readonly Fact[]): void {
    if (this.#watches.length === 0) return;
    for (const fact of facts) {
      if (fact.kind?.$case === "findingReported") this.#note(fact.kind.value);
      for (const watch of this.#watches) watch.tell(fact);
    }
  }

  /** Findings that are not in the log, as far as there is room for them. Changes nothing: what is reported comes back as facts. */
  news(): NewFindings[] {
    const news: NewFindings[] = [];
    // The last place is for saying that there is no more.
    let room = findingsPerSearchMax - 1 - this.#reported;
    for (const watch of this.#watches) {
      if (room < 0) break;
      const found = watch.unreported();
      const findings = found.length > room ? [...found.slice(0, room), furtherFindings] : found;
      if (findings.length > 0) news.push({ source: watch.name, findings });
      room -= findings.length;
    }
    return news;
  }

  #note({ source, key }: { readonly source: string; readonly key?: string | undefined }): void {
    if (key === undefined) return;
    this.#reported += 1;
    for (const watch of this.#watches) if (watch.name === source) watch.reported.add(key);
  }
}

/** One diagnostic at work. */
class Watch {
  readonly name: string;
  /** Keys of its findings that the log has. */
  readonly reported = new Set<string>();
  #diagnostic: Diagnostic<object> | undefined;
  #state: object = {};
  #failure: Finding | undefined;

  constructor(registered: Diagnostics, spec: SearchSpec, { name, options }: Component) {
    this.name = name;
    this.#try("was made", () => {
      const module = registered.get(name);
      if (module === undefined) throw new Error(`this coordinator has no diagnostic ${JSON.stringify(name)}`);
      const diagnostic = module.create({ objectives: spec.objectives }, module.spec.options.parse(options ?? {}));
      this.#state = diagnostic.init();
      this.#diagnostic = diagnostic;
    });
  }

  tell(fact: Fact): void {
    this.#try("got a fact", () => {
      if (this.#diagnostic !== undefined) this.#state = this.#diagnostic.tell(this.#state, fact);
    });
  }

  unreported(): readonly Finding[] {
    let found: readonly Finding[] = [];
    this.#try("was asked", () => {
      found = this.#diagnostic?.findings(this.#state) ?? [];
    });
    if (this.#failure !== undefined) found = [this.#failure];
    return found.filter(({ key }) => !this.reported.has(key));
  }

  #try(when: string, work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (thrown) {
      this.#failure = { key: "failed", severity: "error", message: `the diagnostic is off: ${failureWords(when, thrown)}` };
      this.#diagnostic = undefined;
    }
  }
}
