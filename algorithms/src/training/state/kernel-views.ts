/** Views of kernels by techniques, as the store of parameters shows them to layers. A view of a view is of what the technique before it gives. */
import type { Tensor } from "@tensorflow/tfjs-core";
import type { KernelView } from "../contracts/technique.js";
import type { ParameterInfo } from "./parameter-info.js";

/** What layers see of a parameter. */
export interface ParameterView {
  seen(name: string, trained: Tensor): Tensor;
  /** Turns first values as layers are to see them into those that are trained, in place. */
  invert(name: string, values: Float32Array): void;
}

/** @param views in the search's order. @param infos of every parameter. */
export function kernelViews(views: readonly KernelView[], infos: ReadonlyMap<string, ParameterInfo>): ParameterView {
  const kernelOf = (name: string): ParameterInfo | undefined => {
    const info = infos.get(name);
    return info?.role === "kernel" && !info.response ? info : undefined;
  };
  return {
    seen(name, trained) {
      const info = kernelOf(name);
      return info === undefined ? trained : views.reduce((kernel, view) => view.seen(kernel, info) ?? kernel, trained);
    },
    invert(name, values) {
      const info = kernelOf(name);
      if (info !== undefined) for (const view of [...views].reverse()) view.invert?.(values, info);
    },
  };
}
