/**
 * The part of the agent's environment that reaches trial processes and programs: a short list; what the agent's owner names with --pass-env comes with
 * each attempt. The rest stays with the agent, so that nothing secret of the machine's owner reaches a user's code by accident.
 */

/** Variables that programs get too: where programs, libraries and temporary files are, language, and devices. */
const passedOn = [
  "PATH",
  "HOME",
  "USER",
  "SHELL",
  "LANG",
  "LC_ALL",
  "TZ",
  "TMPDIR",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "CUDA_VISIBLE_DEVICES",
  "NVIDIA_VISIBLE_DEVICES",
  "CUDA_HOME",
  "SYSTEMROOT",
];
/** What compute backends read, besides: trial processes get these, programs do not. */
const forBackends =
  /^(REGULUS_WASM|REGULUS_PEERS|XDG_RUNTIME_DIR|CUDA_CACHE_PATH|CUDA_DEVICE_ORDER|(TF|XLA|VK|OMP|MKL|OPENBLAS)_[A-Z0-9_]+)$/;

/** What programs get of an environment. */
export function programPart(own: NodeJS.ProcessEnv): Record<string, string> {
  return pick(own, passedOn);
}

/** What trial processes get of an environment. */
export function trialPart(own: NodeJS.ProcessEnv): Record<string, string> {
  const backends = Object.keys(own).filter((name) => forBackends.test(name));
  return { ...pick(own, backends), ...programPart(own) };
}

/** The named variables, as far as they are set. */
export function pick(own: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of names) {
    const value = own[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
