"""Does every code come back? All functions of 4 inputs, draws of networks at 7 inputs, and tables of odd lengths.

`slt_bias.complexity.code` says K(f) ≤ so many bits because a decoder turns that many bits into f again. Here each
function is encoded, decoded and compared, its length checked against the bulk estimator and against the literal's.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterator

import numpy as np
from common import Claim, report, setting

from slt_bias import complexity, prior
from slt_bias.complexity.code import decode, encode
from slt_bias.functions import Functions, parse

NETWORKS = (
    "mlp:hidden=40x40,activation=relu,inputs=7,preset=valle-perez-2018-normal",
    "mlp:hidden=40x40,activation=tanh,inputs=7,preset=valle-perez-2018-normal",
    "perceptron:inputs=7",
    "polynomial:degree=3,inputs=7",
)
LENGTHS = (1, 2, 3, 5, 7, 17, 31, 32, 33, 63, 64, 65, 100, 127, 129, 200, 256, 500, 512, 1000)
PIECE = 2000


def sets(draws: int, every: int, others: int, seed: int) -> Iterator[tuple[str, Functions]]:
    """Name and functions of each part."""
    numbers = np.arange(0, 65536, every)
    yield "4 inputs", Functions(np.stack([numbers >> 8, numbers & 255], axis=1).astype(np.uint8), 16)
    for spec in NETWORKS:
        counts = prior.sample(spec, samples=draws // len(NETWORKS), seed=seed)
        yield spec, parse(counts.table()["function"].tolist())
    noise = np.random.default_rng(seed)
    for points in LENGTHS:
        tables = [np.resize(noise.random(noise.integers(1, points + 1)) < noise.random(), points) for _ in range(others)]
        yield f"{points} points", Functions.from_values(np.array(tables))


def check(functions: Functions) -> tuple[int, int, collections.Counter[str]]:
    """(functions that did not come back or whose length is wrong, most bits beyond the table's own, winners)."""
    wrong, most = 0, -functions.points
    won: collections.Counter[str] = collections.Counter()
    for start in range(0, len(functions), PIECE):
        piece = functions[start : start + PIECE]
        lengths = complexity.code(piece)
        won.update(complexity.winner(piece))
        most = max(most, int(lengths.max()) - functions.points)
        for string, length, text in zip(piece, lengths, encode(piece), strict=True):
            wrong += len(text) != length or decode(text, functions.points) != string
    return wrong, most, won


def rate(count: int, seed: int) -> float:
    """Random functions of 7 inputs a second on one core."""
    functions = Functions(np.random.default_rng(seed).integers(0, 256, (count, 16), dtype=np.uint8), 128)
    complexity.code(functions[:100])
    start = time.process_time()
    complexity.code(functions)
    return len(functions) / (time.process_time() - start)


def main() -> None:
    """Say what came back and how fast."""
    chosen = setting(__doc__, "certified_bits")
    draws, every, others = {"smoke": (200, 97, 2), "quick": (4000, 3, 20), "full": (100_000, 1, 200)}[chosen.name]
    wrong, checked, beyond, parts = 0, 0, 0, []
    for name, functions in sets(draws, every, others, chosen.seed):
        failed, most, won = check(functions)
        wrong, checked, beyond = wrong + failed, checked + len(functions), max(beyond, most)
        parts.append({"set": name, "functions": len(functions), "failed": failed, "most_beyond": most, "winners": dict(won)})
        if not chosen.as_json:
            print(f"{name}: {len(functions)} functions, {failed} failed; won: {dict(won.most_common(6))}", flush=True)
    claims = [
        Claim(f"of {checked} functions, those that did not come back", "0", wrong, wrong, wrong, wrong == 0),
        Claim("most bits beyond the table's own", "at most 2", beyond, beyond, beyond, beyond <= 2),
    ]
    if chosen.name != "smoke":  # a rate means nothing where the tests of several processes share the cores
        speed = rate(50_000, chosen.seed)
        claims.append(Claim("functions of 128 points a second", "at least 10,000", speed, speed, speed, speed >= 10_000))
    report(chosen, "Certified bits: does every code come back?", claims, sets=parts)


if __name__ == "__main__":
    main()
