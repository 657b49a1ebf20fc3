/** The `regulus` command as a process of its own, for tests. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../../bin/regulus.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What it reads on standard input. */
  readonly input?: string | undefined;
  /** Variables beside those of this process; colours are off. */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that it runs in; this process's where absent. */
  readonly cwd?: string;
  /** Done while it runs. */
  readonly meanwhile?: ((child: ReturnType<typeof spawn>) => void | Promise<void>) | undefined;
}

/** Runs the command to its end. */
export function regulus(args: readonly string[], { input, env, cwd, meanwhile }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [command, ...args], {
    stdio: "pipe",
    env: { ...process.env, NO_COLOR: "1", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.end(input);
  void meanwhile?.(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
