/** An agent's options: its flags, with defaults. */
import { availableParallelism } from "node:os";
import { counted, defaults, limits, RegulusError } from "@regulus/proto";
import { z } from "zod";
import type { TlsFiles } from "./link/channel.js";
import type { ProcedureFinder } from "./trial/training-attempt.js";

export const backendPreferences = ["auto", "tensorflow", "webgpu", "wasm", "cpu"] as const;

export interface AgentOptions {
  /** host:port of the coordinator. */
  readonly coordinator: string;
  /** The agent's id; absent for one that is made once and kept in the data folder. */
  readonly id?: string;
  /** Trials side by side, from 1 to 4,096. */
  readonly slots: number;
  readonly backend: (typeof backendPreferences)[number];
  readonly labels: Readonly<Record<string, string>>;
  /** Whether programs of the user's own may run. */
  readonly allowCommands: boolean;
  /** Folder below which workload modules of the user's own may lie; absent for none. */
  readonly allowModules?: string;
  /** Variables of the agent's environment that programs and modules get too; none where absent. */
  readonly passEnv?: readonly string[];
  /** Memory of one trial process in bytes; 0 for 90 % of the machine's, shared by the slots. */
  readonly memoryPerTrialBytes: number;
  /** "inline" runs trials in the agent's own process, for benches and tests. */
  readonly isolation: "process" | "inline";
  /** host:port of the metrics page; absent for none. */
  readonly metricsListen?: string;
  /** Folder of the agent's own: its id, its lock and scratch folders of attempts. */
  readonly data: string;
  readonly tls: TlsFiles;
  /** ProcedureFinder in place of the registered ones; with isolation "inline" only. */
  readonly procedures?: ProcedureFinder;
  /** Entry of a trial process in place of the usual one; for tests. */
  readonly trialMain?: URL;
}

/** Flags as the command line gives them. */
const flagsShape = z.object({
  coordinator: z
    .string()
    .regex(/^.+:\d+$/, "HOST:PORT")
    .default(defaults.address),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a letter or digit, then letters, digits, '.', '_' or '-', at most 128")
    .optional(),
  slots: z.coerce.number().int().min(1).max(limits.slotsMax).default(availableParallelism()),
  backend: z.enum(backendPreferences).default("auto"),
  label: z.array(z.string().regex(/^[^=]+=/, "NAME=VALUE")).default([]),
  allowCommands: z.boolean().default(false),
  allowModules: z.string().optional(),
  passEnv: z
    .array(
      z.string().regex(/^(?!REGULUS_)[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of an environment variable, not one of REGULUS_*"),
    )
    .max(limits.labelsMax)
    .default([]),
  memoryPerTrial: z.coerce.number().int().min(0).default(0),
  isolation: z.enum(["process", "inline"]).default("process"),
  metricsListen: z
    .string()
    .regex(/^(off|.+:\d+)$/, "HOST:PORT or off")
    .default("off"),
  data: z.string().default(".regulus/agent"),
  tlsCa: z.string().optional(),
  tlsCert: z.string().optional(),
  tlsKey: z.string().optional(),
});

/** Checks flags. Fails with "invalid-argument" and every problem at once. */
export function readFlags(flags: unknown): AgentOptions {
  const parsed = flagsShape.safeParse(flags);
  if (!parsed.success) {
    throw RegulusError.invalid(
      parsed.error.issues.map((issue) => ({
        field: `--${String(issue.path[0] ?? "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        seen: JSON.stringify(valueAt(flags, issue.path)) ?? "nothing",
        expected: issue.message.replace(/^.*?: expected /, "").replace(/, received .*$/, ""),
      })),
    );
  }
  const value = parsed.data;
  return {
    coordinator: value.coordinator,
    ...(value.id === undefined ? {} : { id: value.id }),
    slots: value.slots,
    backend: value.backend,
    labels: readLabels(value.label),
    allowCommands: value.allowCommands,
    ...(value.allowModules === undefined ? {} : { allowModules: value.allowModules }),
    passEnv: value.passEnv,
    memoryPerTrialBytes: value.memoryPerTrial,
    isolation: value.isolation,
    ...(value.metricsListen === "off" ? {} : { metricsListen: value.metricsListen }),
    data: value.data,
    tls: {
      ...(value.tlsCa === undefined ? {} : { ca: value.tlsCa }),
      ...(value.tlsCert === undefined ? {} : { cert: value.tlsCert }),
      ...(value.tlsKey === undefined ? {} : { key: value.tlsKey }),
    },
  };
}

function readLabels(pairs: readonly string[]): Record<string, string> {
  if (pairs.length > limits.labelsMax) {
    throw new RegulusError(
      "invalid-argument",
      `--label: saw ${counted(pairs.length, "label")}, expected at most ${limits.labelsMax}`,
    );
  }
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

function valueAt(flags: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined,
    flags,
  );
}
