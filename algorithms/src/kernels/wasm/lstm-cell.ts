/**
 * One time of a long short-term memory for the wasm backend, and its gradient, in one pass each (algorithms/assembly/lstm.ts). ../lstm-cell.ts
 * makes an operation of them.
 */
import type { KernelConfig } from "@tensorflow/tfjs-core";
import { addressOf, input, wasmBackend } from "./heap.js";
import { kernelModule } from "./module.js";

export const LSTM_CELL = "RegulusLstmCell";
export const LSTM_CELL_GRADIENT = "RegulusLstmCellGradient";

/** gates [rows, 4 units] and cell [rows, units] to the next cell and hidden states. */
export const lstmCellKernel: KernelConfig = {
  kernelName: LSTM_CELL,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [gates, cell] = [input(inputs, "gates"), input(inputs, "cell")];
    const [rows = 0, units = 0] = cell.shape;
    const outs = [backend.makeOutput(cell.shape, "float32"), backend.makeOutput(cell.shape, "float32")] as const;
    const [gatesAt, cellAt] = [addressOf(backend, gates), addressOf(backend, cell)];
    kernelModule(backend).lstmCell(gatesAt, cellAt, addressOf(backend, outs[0]), addressOf(backend, outs[1]), rows, units);
    return [...outs];
  },
};

/** Gradients by gates and cell, from gradients by the next cell and hidden states. */
export const lstmCellGradientKernel: KernelConfig = {
  kernelName: LSTM_CELL_GRADIENT,
  backendName: "wasm",
  kernelFunc: ({ inputs, backend: given }) => {
    const backend = wasmBackend(given);
    const [gates, cell] = [input(inputs, "gates"), input(inputs, "cell")];
    const [dCell, dHidden] = [input(inputs, "dCell"), input(inputs, "dHidden")];
    const [rows = 0, units = 0] = cell.shape;
    const outs = [backend.makeOutput(gates.shape, "float32"), backend.makeOutput(cell.shape, "float32")] as const;
    kernelModule(backend).lstmCellGradient(
      ...([addressOf(backend, gates), addressOf(backend, cell), addressOf(backend, dCell), addressOf(backend, dHidden)] as const),
      ...([addressOf(backend, outs[0]), addressOf(backend, outs[1]), rows, units] as const),
    );
    return [...outs];
  },
};
