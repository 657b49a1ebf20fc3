/**
 * A parameter as optimizers and transforms see it: its role, its shape as a matrix, its group. Read from the names that
 * Layers give: LAYER/kernel, LAYER/recurrent, LAYER/table, LAYER/gain, LAYER/bias, and LAYER/response/... for what reacts to hyperparameters. Pure.
 */

/** kernel: what multiplies activations. embedding: a table of rows. gain: what a normalization multiplies by. */
export type ParameterRole = "kernel" | "bias" | "gain" | "embedding";

export interface ParameterInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: ParameterRole;
  /**
   * Of a kernel or an embedding, as a matrix: rows are inputs (of a convolution every place of the window and channel), columns outputs. Absent
   * for other roles.
   */
  readonly matrix?: { readonly rows: number; readonly columns: number };
  /** last: of the layer that makes the outputs. features: of all layers before it. */
  readonly group: "features" | "last";
  /** Whether it is how a weight responds to hyperparameters, not a weight. */
  readonly response: boolean;
}

/** What stands before the parameters of responses, after their layer's name. */
export const responsePart = "/response/";

/** Whether a parameter belongs to a response (W', V and the like), not to the weights of an ordinary network. */
export function isResponse(parameter: string): boolean {
  return parameter.includes(responsePart);
}

const roles: ReadonlyMap<string, ParameterRole> = new Map([
  ["kernel", "kernel"],
  ["recurrent", "kernel"],
  ["table", "embedding"],
  ["gain", "gain"],
  ["bias", "bias"],
]);

/**
 * Of all parameters of a model, by name.
 * @param shapes by name, in the order in which the model's layers made them: the last one's layer makes the outputs.
 */
export function parameterInfos(shapes: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, ParameterInfo> {
  const last = layerOf([...shapes.keys()].at(-1) ?? "");
  return new Map(
    [...shapes].map(([name, shape]) => {
      const part = name.slice(name.lastIndexOf("/") + 1);
      const role = roleOf(part.replace(/-slopes$/, ""));
      const columns = shape.at(-1) ?? 1;
      const size = shape.reduce((product, length) => product * length, 1);
      const isMatrix = shape.length >= 2 && (role === "kernel" || role === "embedding");
      return [
        name,
        {
          name,
          shape,
          role,
          ...(isMatrix ? { matrix: { rows: size / columns, columns } } : {}),
          group: layerOf(name) === last ? ("last" as const) : ("features" as const),
          response: isResponse(name),
        },
      ] as const;
    }),
  );
}

/** Of all parameters that were made. */
export function infosOf({
  variables,
}: {
  readonly variables: ReadonlyMap<string, { readonly shape: readonly number[] }>;
}): ReadonlyMap<string, ParameterInfo> {
  return parameterInfos(new Map([...variables].map(([name, { shape }]) => [name, shape])));
}

/** The role of a layer's part (kernel, recurrent, table, gain, bias); a part of another name is a kernel. */
export function roleOf(part: string): ParameterRole {
  return roles.get(part) ?? "kernel";
}

/** The layer that a parameter belongs to. */
function layerOf(name: string): string {
  return name.replace(/(\/response)?\/[^/]*$/, "");
}
