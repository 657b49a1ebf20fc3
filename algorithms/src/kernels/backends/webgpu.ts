/**
 * WebGPU through the npm packages `webgpu` (Dawn) and `@tensorflow/tfjs-backend-webgpu`, both optional. Software adapters (SwiftShader,
 * llvmpipe) compute right but far slower than wasm, so that only who asks for webgpu gets one.
 */
import * as tf from "@tensorflow/tfjs-core";
import { importPeer, Unavailable } from "./peers.js";

const SOFTWARE = /swiftshader|llvmpipe|software|\bcpu\b/i;

/** What this file uses of the WebGPU interface. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info: { readonly vendor: string; readonly description: string } } | null>;
}

/** Sets tfjs on WebGPU and says which adapter computes. */
export async function openWebgpu(softwareToo: boolean): Promise<string> {
  const gpu = createGpu(await importPeer("webgpu"));
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Unavailable("webgpu is installed but finds no GPU adapter (Vulkan, Metal or Direct3D 12)");
  const name = [adapter.info.vendor, adapter.info.description].filter((word) => word !== "").join(" ") || "an unnamed adapter";
  if (SOFTWARE.test(name) && !softwareToo)
    throw new Unavailable(`the only adapter is ${name}, software that is slower than wasm`);
  provide(gpu);
  await importPeer("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Unavailable(`tfjs could not start on ${name}`);
  await tf.ready();
  return `WebGPU on ${name}`;
}

function createGpu(dawn: object): Gpu {
  if (!("create" in dawn && typeof dawn.create === "function" && "globals" in dawn && typeof dawn.globals === "object"))
    throw new Unavailable("npm package webgpu lacks create and globals; expected version 0.3 or newer");
  Object.assign(globalThis, dawn.globals);
  return dawn.create([]) as Gpu;
}

/** tfjs looks for navigator.gpu. Node 20 has no navigator; newer ones have one without gpu. */
function provide(gpu: Gpu): void {
  const global: object = globalThis;
  const existing: unknown = "navigator" in global ? global.navigator : undefined;
  const navigator = typeof existing === "object" && existing !== null ? existing : {};
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  if (existing !== navigator) Object.defineProperty(global, "navigator", { value: navigator, configurable: true });
}
