"""Denoising of curves, tuned by maid: how smooth (theta[0]) and how small (theta[1]) they are to be. Protocol: docs/respond-programs.md."""
import json, math, random, sys

N, SAMPLES = 32, 6

def smooth(x):  # D'D x, where D are the differences of neighbours
    return [(x[i] - x[i - 1] if i > 0 else 0.0) - (x[i + 1] - x[i] if i + 1 < N else 0.0) for i in range(N)]

def dot(x, y):
    return sum(u * v for u, v in zip(x, y))

def solve(a, b, right, x, residual, most):  # gradient descent on (I + a D'D + b I) x = right; eigenvalues lie in [1 + b, 1 + 4 a + b]
    for iterations in range(most + 1):
        r = [(1 + b) * u + a * s - v for u, s, v in zip(x, smooth(x), right)]
        if math.sqrt(dot(r, r)) <= residual or iterations == most:
            return x, math.sqrt(dot(r, r)), iterations
        x = [u - v / (1 + 2 * a + b) for u, v in zip(x, r)]

def answer(ask):
    rng = random.Random(f"{seed}/{ask['sample']}")  # a sample depends on the seed and its number only
    truth = [math.sin(2 * math.pi * (1 + ask["sample"] % 3) * t / N + ask["sample"]) for t in range(N)]
    noisy = [v + rng.gauss(0, 0.5) for v in truth]
    (a, b), most = map(math.exp, ask["theta"]), ask["iterationsMax"]
    start = ask["state"] or noisy + [0.0] * N  # x, then q
    x, residual, iterations = solve(a, b, noisy, start[:N], ask["accuracy"] * (1 + b), most)
    gap, q = [(u - v) / N for u, v in zip(x, truth)], start[N:]
    said = {"sample": ask["sample"], "value": dot(gap, gap) * N / 2, "gradientNorm": math.sqrt(dot(gap, gap)),
            "accuracy": residual / (1 + b), "smoothness": 1 / N, "convex": True, "iterations": iterations}
    if ask["residual"] is not None:
        q, said["residual"], said["adjointIterations"] = solve(a, b, gap, q, ask["residual"], most)
        said["hypergradient"] = [-a * dot(smooth(x), q), -b * dot(x, q)]
    return {**said, "state": x + q}

for line in sys.stdin:
    ask = json.loads(line)
    if ask["ask"] == "hello":
        seed = ask["seed"]
    print(json.dumps({"samples": SAMPLES, "theta": [0.0, 0.0]} if ask["ask"] == "hello" else answer(ask)), flush=True)
