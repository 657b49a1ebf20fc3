// The training kernels that stock tfjs-backend-wasm lacks or has slow, as one WebAssembly module over tfjs's own memory. AssemblyScript, built
// by algorithms/scripts/build-wasm.mjs into src/kernels/wasm/module.generated.ts. It owns no memory: addresses and scratch come from the caller.
export { bend, bendGradient, bendPlaces, bendPlacesGradient, bentSquares, bentSquaresGradient } from "./bend";
export { gemm, GEMM_SCRATCH_BYTES } from "./gemm";
export { convFilterGradient, convInputGradient, CONV_COLUMN_FLOATS } from "./conv";
export { gather } from "./gather";
export { lstmCell, lstmCellGradient } from "./lstm";
export { averagePoolGradient, maxPoolGradient, maxPoolTangent } from "./pool";
export { reluGradient } from "./relu";
export { segmentSum } from "./segment-sum";
export { softmaxCrossEntropy, softmaxCrossEntropyGradient } from "./softmax-cross-entropy";
export { addRow, sumAll, sumRows } from "./sum";
export { adam, momentum } from "./update";
