/**
 * A language model on a book: an embedding, LSTM layers, logits by the embedding's own table (or by a dense layer), cross entropy for each
 * token. Techniques act after the embedding (input), between LSTM layers (hidden) and after the last one (output), and on the recurrent kernels
 * and the table. States begin at zero in every window.
 * Source: Merity, Keskar and Socher, "Regularizing and optimizing LSTM language models", ICLR 2018, in small.
 */
import * as tf from "@tensorflow/tfjs";
import { mobyDick } from "../../data/moby-dick.js";
import { type TextLevel, TextWindows, type TokenizedText, tokenize } from "../../data/text-windows.js";
import { softmaxCrossEntropy } from "../../kernels/index.js";
import { trainingOf } from "../../settings/training-settings.js";
import type { WorkloadModule } from "../../training/contracts/workload.js";
import { type MobyDickLstmOptions, mobyDickLstmTraining, spec } from "./spec.js";

const defaultVocabulary: Readonly<Record<TextLevel, number>> = { character: 40, word: 2000 };
/** Logits of one batch when measuring, in numbers: 16 MB of float32, of which the loss makes a few copies. */
const logitsMax = 4_000_000;

/** Texts by level and vocabulary, once a process. */
const texts = new Map<string, TokenizedText>();

export const module: WorkloadModule<MobyDickLstmOptions> = {
  spec,
  async open({ options, hyperparameters, seed }) {
    const { level, length, embeddingUnits, hiddenUnits, tied, normalization } = options;
    const { tokens, vocabulary } = textOf(level, options.vocabulary ?? defaultVocabulary[level]);
    const { trainSize: train, tuneSize: tune, validSize: valid, testSize: test } = options;
    const windows = new TextWindows(tokens, length, { train, tune, valid, test }, seed);
    const classes = vocabulary.length;
    return {
      sizes: windows.sizes,
      training: trainingOf(hyperparameters, options, mobyDickLstmTraining),
      measureRows: Math.max(1, Math.floor(logitsMax / (length * classes))),
      batch(split, rows) {
        const { inputs, targets } = windows.batch(split, rows);
        const shape: [number, number] = [rows.length, length];
        return {
          inputs: tf.tensor2d(inputs, shape, "int32"),
          targets: tf.tidy(() => tf.cast(tf.oneHot(tf.tensor2d(targets, shape, "int32"), classes), "float32")),
        };
      },
      forward(net, inputs) {
        let x = net.site("embedded", net.embedding("embedding", inputs, { vocabulary: classes, units: embeddingUnits }), "input");
        for (const [layer, units] of hiddenUnits.entries()) {
          x = net.lstm(`lstm${layer}`, x, { units });
          if (normalization === "layer") x = net.layerNorm(`norm${layer}`, x);
          x = net.site(`hidden${layer}`, x, layer + 1 === hiddenUnits.length ? "output" : "hidden");
        }
        if (tied) return net.tied("logits", x, { embedding: "embedding" });
        return net.dense("logits", x, { units: classes });
      },
      loss: (outputs, targets) => tf.mean(softmaxCrossEntropy(outputs, targets), 1),
      metrics: (outputs, targets) => ({
        error: tf.mean(tf.cast(tf.notEqual(tf.argMax(outputs, 2), tf.argMax(targets, 2)), "float32"), 1),
      }),
      close: () => undefined,
    };
  },
};

function textOf(level: TextLevel, size: number): TokenizedText {
  const key = `${level} ${size}`;
  const text = texts.get(key) ?? tokenize(mobyDick(), level, size);
  texts.set(key, text);
  return text;
}
