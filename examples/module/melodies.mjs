// A model of one's own with recurrent layers: which of three composers wrote a melody of ten notes? Each composer's next note depends on the
// last one in a way of their own. Written once; a search file's strategy decides how it is trained: melodies.yaml tunes its regularization inside
// one training run, and with `strategy: random` the same file tries fixed values instead.

const sizes = { train: 90, tune: 150, valid: 150, test: 600 };
const [notes, length, composers] = [8, 10, 3];

export const workload = {
  spec: { name: "melodies", metrics: ["trainLoss", "validLoss", "validError", "testLoss", "testError"] },

  async open({ hyperparameters, seed, kit }) {
    const { tf } = kit;
    const root = kit.createRng(seed).fork("melodies");
    const habits = Array.from({ length: composers }, (_, composer) => habitsOf(root.fork("composer", composer)));
    const melodyOf = (split, row) => melody(habits[row % composers], root.fork(split, row));
    return {
      sizes,
      training: {
        batchSize: 30,
        optimizer: "adam",
        learningRate: hyperparameters.learningRate ?? 0.02,
        momentum: 0.9,
        steps: 300,
      },
      batch(split, rows) {
        const inputs = Array.from(rows, (row) => melodyOf(split, row));
        const targets = Array.from(rows, (row) => Array.from({ length: composers }, (_, i) => (i === row % composers ? 1 : 0)));
        return { inputs: tf.tensor2d(inputs, [rows.length, length], "int32"), targets: tf.tensor2d(targets) };
      },
      forward(net, inputs) {
        const heard = net.site("heard", net.embedding("notes", inputs, { vocabulary: notes, units: 8 }), "input");
        const hidden = net.layerNorm("norm", net.lstm("memory", heard, { units: 16 }));
        return net.dense("logits", net.globalAverage(net.site("hidden", hidden, "output")), { units: composers });
      },
      loss: kit.softmaxCrossEntropy,
      metrics: (outputs, targets) => ({ error: kit.classificationError(outputs, targets) }),
      close() {},
    };
  },
};

// For each note, how often each note follows it: a few favourites of a composer's own.
function habitsOf(rng) {
  return Array.from({ length: notes }, () => {
    const weights = Array.from({ length: notes }, () => rng.uniform() ** 2);
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  });
}

function melody(habits, rng) {
  const played = [rng.integer(notes)];
  while (played.length < length) {
    const shares = habits[played.at(-1)];
    let [note, left] = [0, rng.uniform() - shares[0]];
    while (left >= 0 && note < notes - 1) {
      note++;
      left -= shares[note];
    }
    played.push(note);
  }
  return played;
}
