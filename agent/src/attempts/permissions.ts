/**
 * Permissions given by the agent's owner: programs of the user's own, and workload modules below one folder. Links are followed before a path is
 * judged, so that a link inside the folder reaches nothing outside of it.
 */
import { realpathSync } from "node:fs";
import { isAbsolute, resolve, sep } from "node:path";
import { EndReason, type SearchSpec } from "@regulus/proto";

export type Permission =
  /** The spec to work with; a module's path is absolute and real. */
  | { readonly kind: "allowed"; readonly spec: SearchSpec }
  | { readonly kind: "refused"; readonly reason: EndReason; readonly message: string };

export interface PermissionsOptions {
  readonly allowCommands: boolean;
  /** Folder below which workload modules may lie; absent for none. */
  readonly allowModules: string | undefined;
}

export class Permissions {
  readonly #options: PermissionsOptions;

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  check(spec: SearchSpec, procedure: string): Permission {
    if ((procedure === "command" || spec.command !== undefined) && !this.#options.allowCommands) {
      // Another agent may allow them, so this is no fault of the trial.
      const message = "this agent does not allow commands; start it with --allow-commands";
      return { kind: "refused", reason: EndReason.END_REASON_LOST, message };
    }
    const module = spec.workload?.module ?? "";
    return module === "" || spec.workload === undefined ? { kind: "allowed", spec } : this.#checkModule(spec, module);
  }

  #checkModule(spec: SearchSpec, module: string): Permission {
    if (this.#options.allowModules === undefined) {
      const message = "this agent does not allow modules; start it with --allow-modules DIR";
      return { kind: "refused", reason: EndReason.END_REASON_LOST, message };
    }
    const folder = realpathSync(this.#options.allowModules);
    // Where nobody says from where, a path is seen from the allowed folder, and from where the agent was started.
    const path = realPath(resolve(folder, module)) ?? realPath(resolve(module));
    if (path === undefined) {
      const where = isAbsolute(module) ? "" : ` (seen from there, or from ${process.cwd()}, where the agent was started)`;
      const message = `workload module ${module} is not on this agent; expected a file below ${folder}${where}`;
      return { kind: "refused", reason: EndReason.END_REASON_USER_ERROR, message };
    }
    if (!path.startsWith(folder + sep)) {
      const message = `workload module ${module} lies at ${path}, outside of ${folder}, the folder that this agent's owner allowed`;
      return { kind: "refused", reason: EndReason.END_REASON_USER_ERROR, message };
    }
    const workload = { name: spec.workload?.name ?? "", options: spec.workload?.options, module: path };
    return { kind: "allowed", spec: { ...spec, workload } };
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
