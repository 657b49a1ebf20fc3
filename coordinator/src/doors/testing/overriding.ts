/** A coordinator of which a test replaces single methods; the others stay the real ones. */
import type { Coordinator } from "../../coordinator.js";

export function overriding(coordinator: Coordinator, replaced: Partial<Coordinator>): Coordinator {
  return new Proxy(coordinator, {
    get: (target, name): unknown => {
      const found: unknown = Reflect.get(Reflect.has(replaced, name) ? replaced : target, name);
      // Private fields are known to the object itself only.
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}
