"""Does every code come back? All functions of 4 inputs, draws of networks at 7 inputs, and tables of odd lengths.

`slt_bias.complexity.code` says K(f) ≤ so many bits because a decoder turns that many bits into f again. Here each
function is encoded, decoded and compared, its length checked against the bulk estimator and against the literal's.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

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


def main() -> int:
    """Print what came back and the claims; 0 where all hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="4,000 draws: under a minute")
    parser.add_argument("--smoke", action="store_true", help="200 draws, for the tests")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout and nothing else")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    size = (200, 97, 2) if arguments.smoke else (4000, 3, 20) if arguments.quick else (100_000, 1, 200)
    wrong, checked, beyond, parts = 0, 0, 0, []
    for name, functions in sets(*size, arguments.seed):
        failed, most, won = check(functions)
        wrong, checked, beyond = wrong + failed, checked + len(functions), max(beyond, most)
        parts.append({"set": name, "functions": len(functions), "failed": failed, "most_beyond": most, "winners": dict(won)})
        if not arguments.json:
            print(f"{name}: {len(functions)} functions, {failed} failed; won: {dict(won.most_common(6))}", flush=True)
    speed = rate(5_000 if arguments.smoke else 50_000, arguments.seed)
    found: list[dict[str, Any]] = [
        {"name": f"of {checked} functions, those that did not come back", "claimed": "0", "measured": wrong, "holds": wrong == 0},
        {"name": "most bits beyond the table's own", "claimed": "at most 2", "measured": beyond, "holds": beyond <= 2},
        {"name": "functions of 128 points a second", "claimed": "at least 10000", "measured": speed, "holds": speed >= 10_000},
    ]
    for claim in found:
        claim["low"] = claim["high"] = claim["measured"]
    if arguments.json:
        print(json.dumps({"sets": parts, "claims": found}))
    else:
        for claim in found:
            verdict = "holds" if claim["holds"] else "DOES NOT HOLD"
            print(f"{claim['name']}: claimed {claim['claimed']}, measured {claim['measured']:.0f}: {verdict}")
    return 0 if all(claim["holds"] for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
