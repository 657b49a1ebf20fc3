/** Where training computes: the backend, our kernels for it, and gradients that can be differentiated again. For agents only. */
export { BACKEND_PREFERENCES, type BackendChoice, type BackendPreference, type BackendTry, chooseBackend } from "./backend.js";
export { bend } from "./bend.js";
export { atPlaces, bendHalves, bendPlaces } from "./bend-places.js";
export { halfBentSquares } from "./bent-squares.js";
export { filled } from "./filled.js";
export { installGradients } from "./gradients/install.js";
export { maxPoolTangent } from "./gradients/pool.js";
export { type HyperWeight, hyperDense } from "./hyper-dense.js";
export { hyperTangent } from "./hyper-tangent.js";
export { logSoftmax, logSumExp, sigmoidCrossEntropy, softmaxCrossEntropy } from "./losses.js";
export { type LstmState, lstmCell } from "./lstm-cell.js";
export { untaped } from "./taping.js";
export { type AdamMoments, type AdamOptions, applyAdam, applyMomentum, type MomentumOptions } from "./updates.js";
export { installWasmKernels } from "./wasm/install.js";
