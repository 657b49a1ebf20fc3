/**
 * An agent: puts link, attempts and artifacts together, says who it is, drains in good order. Nothing here knows how a trial is trained.
 */
import { randomBytes } from "node:crypto";
import { type Agent as AgentFacts, type LeaseKey, limits, protocolVersion, type Register, RegulusError } from "@regulus/proto";
import { AgentServiceClient, parseListenAddress } from "@regulus/transport";
import type { Logger } from "pino";
import { ArtifactClient } from "./artifacts/artifact-client.js";
import { PatientArtifacts } from "./artifacts/patient-artifacts.js";
import { Attempts } from "./attempts/attempts.js";
import { agentMark, endMarked, leftWords } from "./attempts/descendants.js";
import { InlineAttempt } from "./attempts/inline-attempt.js";
import { OverrunningSearches } from "./attempts/overrunning-searches.js";
import { pick, trialPart } from "./attempts/owner-environment.js";
import { Permissions } from "./attempts/permissions.js";
import { ProcessAttempt } from "./attempts/process-attempt.js";
import { Residents } from "./attempts/residents.js";
import type { Assignment, AttemptListener, RunningAttempt } from "./attempts/running-attempt.js";
import { Slots } from "./attempts/slots.js";
import { Spares } from "./attempts/spares.js";
import { openDataFolder } from "./data-folder.js";
import { type Compute, computeOf } from "./facts/compute.js";
import { DeviceShares, deviceLists, machineDevices } from "./facts/devices.js";
import { gpuName } from "./facts/gpu.js";
import { machineMemoryBytes } from "./facts/machine-memory.js";
import { OwnCredentials, pageTls, streamOptions } from "./link/channel.js";
import { Link } from "./link/link.js";
import { AgentMetrics } from "./metrics.js";
import type { AgentOptions } from "./options.js";
import type { ProcedureFinder } from "./trial/training-attempt.js";
import { version } from "./version.js";

/** How long a drain may take, in milliseconds: a grace to save, and the coordinator's answer. */
const drainMs = 30_000;
const settleMs = 5000;
/** Backends that take their device when the process is made ready. */
const onDevice = new Set(["tensorflow", "webgpu"]);
/** Part of the machine's memory that trials share where no limit is given; the rest is the agent's and the system's. */
const trialsMemoryPart = 0.9;

/** A running agent. */
export interface Agent {
  readonly agentId: string;
  /** Address of the metrics page; undefined for none. */
  readonly metricsAddress: string | undefined;
  /** Whether it is registered now. */
  readonly connected: boolean;
  /** Resolves at the first registration. */
  readonly registered: Promise<void>;
  /** Reads the TLS files again, for connections from now on. */
  reloadTls(): void;
  /** Saves and gives back every trial, waits until that is acknowledged, closes. */
  drain(reason: string): Promise<void>;
  /** Ends at once; trials are lost to their last checkpoint. */
  close(): Promise<void>;
}

export async function startAgent(options: AgentOptions, log: Logger): Promise<Agent> {
  const credentials = new OwnCredentials(options.tls, log);
  const folder = openDataFolder(options.data, options.id);
  const mark = agentMark(options.data);
  // What an agent that was killed left running: its attempts are over, and their devices and memory are wanted again.
  const leftBefore = leftWords(await endMarked(`${mark}:`));
  if (leftBefore !== undefined) log.warn(`of an earlier run over ${options.data}, ${leftBefore}`);
  const memoryBytes = machineMemoryBytes();
  const trialBytes = options.memoryPerTrialBytes || Math.floor((memoryBytes * trialsMemoryPart) / options.slots);
  const passed = pick(process.env, options.passEnv ?? []);
  const devices = new DeviceShares(deviceLists(process.env, await ownDevices()), options.slots);
  const slots = new Slots(options.slots, (slot) => devices.shareOf(slot));
  const spares = new Spares(options.trialMain ?? new URL("./trial/main.js", import.meta.url), {
    environment: trialPart(process.env),
    mark,
    nextDevices: () => {
      const slot = slots.next();
      return slot === undefined ? undefined : devices.environment([slot]);
    },
  });
  const procedures = options.isolation === "inline" ? await inlineProcedures(options) : undefined;
  const [gpu, compute] = await Promise.all([
    gpuName(),
    findCompute(options, spares, { memoryBytes: trialBytes, devices: devices.environment([0]) }, log),
  ]);
  const facts = describe(options, folder.agentId, { gpu, compute, memoryBytes });
  log.info({ agentId: facts.agentId, slots: facts.slots, backends: facts.backends, gpu, trialBytes }, facts.backendReason);

  logEnvironment(log, options.passEnv ?? [], { passed, mismatch: devices.mismatch() });

  const artifactClient = new ArtifactClient(options.coordinator, () => credentials.fresh());
  const artifacts = new PatientArtifacts(artifactClient, log);
  const instance = randomBytes(16).toString("hex");
  const residents = new Residents({
    slots: options.slots,
    memoryBytes: trialBytes * options.slots,
    runningBytes: () => attempts.memoryBytes(),
  });
  const overrunning = new OverrunningSearches();
  const begin = (assignment: Assignment, listener: AttemptListener): RunningAttempt =>
    procedures !== undefined
      ? new InlineAttempt(assignment, listener, { procedures, artifacts, scratch: folder.scratch })
      : new ProcessAttempt(assignment, listener, {
          artifacts,
          spares,
          residents,
          overrunning,
          scratch: folder.scratch,
          backend: preferenceOf(assignment.spec.resources?.backend ?? "", options.backend, compute),
          memoryBytes: assignment.spec.resources?.memoryBytes || trialBytes,
          devices: devices.environment(assignment.slots),
          backendUsesDevices: onDevice.has(compute.backends[0] ?? ""),
          passed,
          log,
        });
  const attempts: Attempts = new Attempts({
    slots,
    wantedSlots: (key) => residents.slotsOf(key),
    permissions: new Permissions({ allowCommands: options.allowCommands, allowModules: options.allowModules }),
    report: (report) => link.report(report),
    freed: () => link.heartbeat(),
    begin,
    watched: procedures === undefined,
    log,
  });
  // An end that is not acknowledged is still this agent's: left out, its trial would count as lost.
  const active = (): LeaseKey[] => [...attempts.active(), ...link.buffer.unacknowledgedEnds()].slice(0, limits.slotsMax);
  const firstRegistration = latch();
  const link: Link = new Link({
    openClient: () => new AgentServiceClient(options.coordinator, credentials.fresh(), streamOptions),
    log,
    address: options.coordinator,
    secure: options.tls.ca !== undefined,
    artifactBytes: () => artifactClient.sentBytes,
    handler: {
      registration: (): Register => ({ agent: facts, protocol: protocolVersion, active: active(), instance }),
      active,
      registered: (answer) => {
        // With the certificates that this connection was made with.
        artifactClient.reopen();
        for (const key of answer.revoked) attempts.revoke(key);
        firstRegistration.open();
      },
      lease: (lease, spec) => attempts.start(lease, spec),
      stop: (request) => attempts.stop(request),
      output: ({ lease, offset, bytesMax }) => attempts.output(lease, offset, bytesMax),
    },
  });
  const metrics = new AgentMetrics({ attempts, residents, link, facts });
  const securePage = pageTls(options.tls);
  const page =
    options.metricsListen === undefined
      ? undefined
      : await metrics.listen(parseListenAddress("--metrics-listen", options.metricsListen), securePage, log);
  link.start();

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      attempts.close();
      residents.close();
      spares.close();
      link.close();
      artifactClient.close();
      await page?.close();
      const left = leftWords(await endMarked(`${mark}:`));
      if (left !== undefined) log.warn(left);
      folder.release();
    })();
    return closing;
  };
  return {
    agentId: facts.agentId,
    metricsAddress: page?.address,
    get connected() {
      return link.connected;
    },
    registered: firstRegistration.opened,
    reloadTls: () => {
      artifactClient.reopen();
      try {
        securePage?.reload(Date.now());
      } catch (thrown) {
        log.error(`the metrics page keeps its TLS files: ${RegulusError.from(thrown).message}`);
      }
    },
    drain: async (reason) => {
      link.drain(reason);
      residents.close();
      await attempts.drain(reason, drainMs);
      if (!(await link.settled(settleMs)))
        log.warn({ reports: link.buffer.size }, "leaving with reports that were not acknowledged");
      await close();
    },
    close,
  };
}

/** The machine's GPUs, where the environment does not say which are the agent's. */
async function ownDevices(): Promise<readonly string[]> {
  return process.env.CUDA_VISIBLE_DEVICES === undefined ? await machineDevices() : [];
}

function logEnvironment(
  log: Logger,
  names: readonly string[],
  { passed, mismatch }: { readonly passed: Readonly<Record<string, string>>; readonly mismatch: string | undefined },
): void {
  if (names.length > 0) log.info({ passEnv: names }, "programs and modules get these variables of the agent's environment");
  for (const name of names.filter((one) => passed[one] === undefined))
    log.warn({ name }, "--pass-env names a variable that is not set");
  if (mismatch !== undefined) log.warn(mismatch);
}

async function inlineProcedures(options: AgentOptions): Promise<ProcedureFinder> {
  if (options.procedures !== undefined) return options.procedures;
  const { trainingSource } = await import("./trial/training-source.js");
  return (await trainingSource.load(options.backend)).procedures;
}

/** What this machine computes with. A prepared process tells, so that the agent's own stays small; it becomes the first spare. */
async function findCompute(
  options: AgentOptions,
  spares: Spares,
  like: { readonly memoryBytes: number; readonly devices: Readonly<Record<string, string>> },
  log: Logger,
): Promise<Compute> {
  if (options.isolation === "inline") {
    const backend = options.backend === "auto" ? "wasm" : options.backend;
    return { backends: [backend], reason: "trials run in the agent's own process", tried: [] };
  }
  const process = spares.prepare({ backend: options.backend, ...like });
  const said = await process.prepared;
  if (said?.kind === "ready") return computeOf(options.backend, said);
  const why = said?.reason ?? `the trial process ended while it was prepared: ${process.stderr() || "without a word"}`;
  log.error({ backend: options.backend }, `no compute backend: ${why}`);
  return { backends: [], reason: `none: ${why}`, tried: [] };
}

/** What a trial process is asked to prepare: the agent's own preference where that gives the backend that is asked for, so that spares fit. */
function preferenceOf(asked: string, own: string, compute: Compute): string {
  return asked === "" || asked === compute.backends[0] ? own : asked;
}

function describe(
  options: AgentOptions,
  agentId: string,
  machine: { readonly gpu: string; readonly compute: Compute; readonly memoryBytes: number },
): AgentFacts {
  return {
    agentId,
    slots: options.slots,
    backends: [...machine.compute.backends],
    backendReason: machine.compute.reason.slice(0, limits.textCharactersMax),
    gpu: machine.gpu.slice(0, limits.nameCharactersMax),
    memoryBytes: machine.memoryBytes,
    labels: { ...options.labels },
    allowsCommands: options.allowCommands,
    allowsModules: options.allowModules !== undefined,
    version,
    slotsUsed: 0,
    connectedMs: 0,
    heardMs: 0,
    draining: false,
  };
}

function latch(): { opened: Promise<void>; open: () => void } {
  const waiting: (() => void)[] = [];
  const opened = new Promise<void>((resolve) => void waiting.push(resolve));
  return { opened, open: () => waiting[0]?.() };
}
