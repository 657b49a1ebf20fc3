"""Logistic regression trained by hand: a program that Regulus can search over. Only the standard library.

It shows the whole protocol of docs/command.md: hyperparameters from a JSON file, measurements as JSON lines, a checkpoint
folder, an end on SIGTERM. Run by itself, without Regulus, it trains with the defaults below.
"""

import json
import math
import os
import random
import signal
import sys

DEFAULTS = {"learningRate": 0.1, "l2": 0.001}
MEASURE_EVERY = 20
CHECKPOINT_EVERY = 100
FEATURES = 12


def make_data(count, rng, weights):
    """Examples with labels drawn from a logistic model, so that no weights reach a loss of zero."""
    rows = []
    for _ in range(count):
        x = [rng.gauss(0, 1) for _ in range(FEATURES)]
        rows.append((x, 1 if rng.random() < sigmoid(dot(weights, x)) else 0))
    return rows


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def loss_of(weights, rows):
    """Mean negative log likelihood."""
    total = 0.0
    for x, y in rows:
        z = dot(weights, x)
        total += max(z, 0) - z * y + math.log1p(math.exp(-abs(z)))
    return total / len(rows)


def error_of(weights, rows):
    return sum((dot(weights, x) > 0) != (y == 1) for x, y in rows) / len(rows)


def gradient_step(weights, rows, rate, l2):
    gradient = [l2 * w for w in weights]
    for x, y in rows:
        difference = sigmoid(dot(weights, x)) - y
        for i in range(FEATURES):
            gradient[i] += difference * x[i] / len(rows)
    return [w - rate * g for w, g in zip(weights, gradient)]


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        return state["step"], state["weights"]
    except FileNotFoundError:
        return 0, [0.0] * FEATURES


def save(path, step, weights):
    """Whole or not at all, and announced once it is whole: Regulus keeps the folder as it is then, so training may continue at once."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"step": step, "weights": weights}, file)
    os.replace(path + ".new", path)
    print(json.dumps({"checkpoint": step}))


def main():
    parameters = dict(DEFAULTS)
    if "REGULUS_PARAMETERS" in os.environ:
        with open(os.environ["REGULUS_PARAMETERS"], encoding="utf-8") as file:
            parameters.update(json.load(file))
    until = int(os.environ.get("REGULUS_UNTIL_STEP", "0")) or 200
    checkpoint = os.path.join(os.environ.get("REGULUS_CHECKPOINT_DIR", "."), "weights.json")

    stop = {"asked": False}
    signal.signal(signal.SIGTERM, lambda *_: stop.update(asked=True))

    # The data is the same for every trial; a trial's own randomness, where it had any, would come from REGULUS_SEED.
    rng = random.Random(1)
    truth = [rng.gauss(0, 1) if i < 4 else 0.0 for i in range(FEATURES)]
    train, valid = make_data(60, rng, truth), make_data(400, rng, truth)

    step, weights = load(checkpoint)
    saved = step
    print(f"training from step {step} to {until} with {parameters}", file=sys.stderr)

    def measure():
        metrics = {"trainLoss": loss_of(weights, train), "validLoss": loss_of(weights, valid)}
        print(json.dumps({"step": step, **metrics, "validError": error_of(weights, valid)}))

    # Saved at its last step and ended before it could say so: nothing is left to train, only to measure.
    if step >= until:
        measure()
    while step < until and not stop["asked"]:
        weights = gradient_step(weights, train, parameters["learningRate"], parameters["l2"])
        step += 1
        if step % MEASURE_EVERY == 0 or step == until:
            measure()
        if step % CHECKPOINT_EVERY == 0:
            save(checkpoint, step, weights)
            saved = step
    # Its last step is worth keeping: the trial goes on from there, or that is its final model.
    if saved != step:
        save(checkpoint, step, weights)


if __name__ == "__main__":
    main()
