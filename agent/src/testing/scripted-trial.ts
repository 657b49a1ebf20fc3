/**
 * A trial process that its test plays, in the test's own process: it hears what the agent tells it and says what the test wants said. With it, a
 * store in memory that can be held up and can fail.
 */
import { createHash } from "node:crypto";
import { EventEmitter } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { ArtifactRef } from "@regulus/proto";
import type { Artifacts } from "../artifacts/artifact-client.js";
import type { TrialChild, TrialProcess } from "../attempts/spares.js";
import type { FromTrial, ToTrial } from "../trial/messages.js";

/** Ends when it is killed, as a real one does: a moment later. */
export class ScriptedChild extends EventEmitter implements TrialChild {
  readonly pid = undefined;
  connected = true;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly heard: ToTrial[] = [];
  isKilled = false;
  readonly #saidPrepared: ((said: Awaited<TrialProcess["prepared"]>) => void)[] = [];

  /** As the agent's spares would hand it out. */
  asProcess(kind: TrialProcess["kind"], stderr = ""): TrialProcess {
    const prepared = new Promise<Awaited<TrialProcess["prepared"]>>((resolve) => void this.#saidPrepared.push(resolve));
    return { child: this, kind, mark: `scripted-${Math.random()}`, prepared, stderr: () => stderr };
  }

  send(message: ToTrial): boolean {
    if (!this.connected) throw new Error(`${message.kind} was sent to a process that is gone`);
    this.heard.push(message);
    return true;
  }

  disconnect(): void {
    this.connected = false;
  }

  kill(): boolean {
    this.isKilled = true;
    setImmediate(() => this.end(null, "SIGKILL"));
    return true;
  }

  say(message: FromTrial): void {
    this.emit("message", message);
  }

  /** It has loaded what it needs. */
  async prepare(): Promise<void> {
    for (const resolve of this.#saidPrepared) resolve({ kind: "ready", backend: "cpu", reason: "", tried: [] });
    await new Promise((resolve) => setImmediate(resolve));
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    if (this.exitCode !== null || this.signalCode !== null) return;
    [this.connected, this.exitCode, this.signalCode] = [false, code, signal];
    this.emit("exit", code, signal);
    this.emit("close", code, signal);
  }
}

/** A store in memory. */
export class MemoryArtifacts implements Artifacts {
  readonly kept = new Map<string, Buffer>();
  /** What the next calls fail with. */
  failure: Error | undefined;
  #gate: Promise<void> | undefined;

  /** Calls from now on wait until what is answered is called. */
  hold(): () => void {
    const opened: (() => void)[] = [];
    this.#gate = new Promise((resolve) => void opened.push(resolve));
    return () => opened[0]?.();
  }

  keep(bytes: Buffer, kind: string): ArtifactRef {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    this.kept.set(sha256, bytes);
    return { sha256, size: bytes.length, kind };
  }

  async putFile(path: string, kind: string): Promise<ArtifactRef> {
    await this.#gate;
    if (this.failure !== undefined) throw this.failure;
    return this.keep(await readFile(path), kind);
  }

  async getFile({ sha256 }: ArtifactRef, path: string): Promise<void> {
    await this.#gate;
    if (this.failure !== undefined) throw this.failure;
    await writeFile(path, this.kept.get(sha256) ?? "");
  }
}
