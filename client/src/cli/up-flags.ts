/** The flags that `regulus up` gives to the programs that it runs. */
import { join } from "node:path";
import type { Supervised } from "../processes/supervisor.js";

/** Flags of the command itself. */
export interface UpOptions {
  readonly listen: string;
  readonly metricsListen: string;
  readonly data: string;
  readonly agents: number;
  readonly slots: number;
  readonly backend: string;
  readonly allowCommands?: boolean;
  readonly allowModules?: string;
  readonly passEnv: readonly string[];
  readonly nats?: string;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** A coordinator that starts again must listen where it did, also where its first port was a free one. */
export function coordinatorFlags(options: UpOptions, ready: Supervised["ready"] | undefined): string[] {
  const metrics = ready === undefined ? options.metricsListen : String(ready.metrics ?? "off");
  return [
    ...["--listen", String(ready?.address ?? options.listen), "--metrics-listen", metrics],
    ...["--data", join(options.data, "coordinator")],
    ...(options.nats === undefined ? [] : ["--nats", options.nats]),
  ];
}

/** An agent finds its coordinator where that listens. */
export function agentFlags(options: UpOptions, { name, address }: { readonly name: string; readonly address: string }): string[] {
  return [
    ...["--coordinator", address, "--id", name, "--slots", String(options.slots), "--backend", options.backend],
    ...["--data", join(options.data, name)],
    ...(options.allowCommands ? ["--allow-commands"] : []),
    ...options.passEnv.flatMap((name) => ["--pass-env", name]),
    ...(options.allowModules === undefined ? [] : ["--allow-modules", options.allowModules]),
  ];
}
