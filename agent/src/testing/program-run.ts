/** A user's program run by its attempt in the test's own process: what a trial process would say of it, and what an agent would tell that. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Work } from "@regulus/proto";
import type { CommandOutside } from "../command/command-attempt.js";
import type { OutputRing } from "../command/output-ring.js";
import type { Begin, FromTrial } from "../trial/messages.js";
import type { StopReason } from "../trial/trainer.js";
import { testSpec } from "./test-agent.js";

export type Said<Kind extends FromTrial["kind"]> = Extract<FromTrial, { kind: Kind }>;

export interface ProgramGiven {
  readonly command?: NonNullable<Parameters<typeof testSpec>[0]>["command"];
  readonly spec?: Parameters<typeof testSpec>[0];
  readonly work?: Parameters<typeof Work.fromPartial>[0];
  readonly begin?: Partial<Begin>;
}

export class ProgramRun {
  readonly sent: FromTrial[] = [];
  readonly begin: Begin;
  /** What the attempt hears from outside. */
  readonly outside: CommandOutside;
  output: OutputRing | undefined;
  /** Whether what was saved last is stored. */
  isStored = true;
  #whenStored: () => void = () => undefined;
  #reason: StopReason | undefined;
  readonly #stopped: (() => void)[] = [];
  readonly #looks = new Set<() => void>();

  /** @param scratch folder below which the attempt has its own. */
  constructor(scratch: string, { command, spec, work, begin }: ProgramGiven) {
    this.begin = {
      spec: testSpec({ ...spec, ...(command && { command }) }),
      work: Work.fromPartial({ procedure: "command", untilStep: 60, final: true, ...work }),
      seed: 7,
      searchId: "s",
      trial: 3,
      attempt: 1,
      directory: mkdtempSync(join(scratch, "attempt-")),
      checkpoint: "",
      inputs: [],
      goesOn: false,
      overruns: false,
      environment: {},
      aliveEveryMs: 0,
      ...begin,
    };
    this.outside = {
      stopReason: () => this.#reason,
      stored: () => this.isStored,
      onStored: (call) => {
        this.#whenStored = call;
      },
      onStop: (call) => (this.#reason === undefined ? void this.#stopped.push(call) : call()),
      showOutput: (output) => {
        this.output = output;
      },
    };
  }

  static scratch(): string {
    return mkdtempSync(join(tmpdir(), "regulus-run-"));
  }

  readonly send = (message: FromTrial): void => {
    this.sent.push(message);
    for (const look of [...this.#looks]) look();
  };

  /** The store has what was saved last. */
  store(): void {
    this.isStored = true;
    this.#whenStored();
  }

  stop(reason: StopReason): void {
    this.#reason = reason;
    for (const call of this.#stopped.splice(0)) call();
  }

  /** What was said of a kind, in order. */
  all<Kind extends FromTrial["kind"]>(kind: Kind): Said<Kind>[] {
    return this.sent.filter((message): message is Said<Kind> => message.kind === kind);
  }

  get findings(): string[] {
    return this.all("found").map(({ message }) => message);
  }

  /** Resolves at the first measurement. */
  async measured(): Promise<void> {
    await this.said("measured", 1);
  }

  /** Resolves when so much was said of a kind; fails once the attempt has said its last word without it, or after a minute. */
  async said(kind: FromTrial["kind"], count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (end: () => void) => {
        clearTimeout(timer);
        this.#looks.delete(look);
        end();
      };
      const fail = () => done(() => reject(new Error(`waited for ${count} of ${kind}; heard ${JSON.stringify(this.sent)}`)));
      const timer = setTimeout(fail, 60_000);
      const look = () => {
        if (this.all(kind).length >= count) done(resolve);
        else if (this.all("finished").length > 0) fail();
      };
      this.#looks.add(look);
      look();
    });
  }

  /** The last word; what was printed comes with it. */
  get end(): Said<"finished"> & { readonly printed: string } {
    const [end, ...more] = this.all("finished");
    if (end === undefined || more.length > 0 || this.sent.at(-1) !== end) throw new Error(`no end: ${JSON.stringify(this.sent)}`);
    const [output] = end.leaves;
    return { ...end, printed: output === undefined ? "" : readFileSync(output.path, "utf8") };
  }
}
