"""Splitting on (7,40,40,1) ReLU: moves a second as a ratio to drawing networks, and how far it reaches in how many seconds.

Run: .venv/bin/python benchmarks/probability.py [--quick]
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np

import slt_bias as sb
from slt_bias.prior.clouds import cloud_of
from slt_bias.prior.events import around

MAP = "mlp:hidden=40x40,activation=relu,preset=valle-perez-2018-normal,inputs=7"
NULL = "polynomial:degree=7,inputs=7,values=pm1"
QUICK = {"majority": MAP, "junta:table=0110": MAP}
REACHED = QUICK | {"parity:bits=3": MAP, "parity:bits=4": MAP, "parity": MAP, "random": MAP}
LOG2_10 = math.log2(10)


def rates(repeats: int) -> tuple[float, float]:
    """(moves, draws) a second of one core: the best of `repeats` each."""
    map = sb.maps.parse(MAP)
    cloud = cloud_of(map, around(sb.functions.parse("majority", map.inputs)), 1000, 10, 0, 0)
    moves, draws = [], []
    for block in range(repeats + 1):  # the first one compiles
        begun = time.perf_counter()
        cloud.move(45.0, lambda: "")
        moves.append(10_000 / (time.perf_counter() - begun))
        begun = time.perf_counter()
        map.draw_functions(0, block, 10_000)
        draws.append(10_000 / (time.perf_counter() - begun))
    return max(moves[1:]), max(draws[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two functions alone")
    quick = parser.parse_args().quick
    moves, draws = rates(5 if quick else 20)
    print(f"moves a second, one core: {moves:,.0f}; draws a second: {draws:,.0f}; ratio {moves / draws:.2f}")
    print("one thread, relative error aimed at .3, default budget:")
    print(f"{'function':18s} {'log10 P':>8s} {'low':>9s} {'high':>9s} {'error':>6s} {'seconds':>8s}  status")
    chosen = (QUICK if quick else REACHED).items()
    for name, spec in [*chosen, *(() if quick else (("random", NULL),))]:
        begun = time.perf_counter()
        found = sb.prior.probability(spec, name, relative_error=0.3, method="splitting", workers=1)
        seconds = time.perf_counter() - begun
        error = (found.high - found.value) / 3.18 / LOG2_10 if np.isfinite(found.low) else math.nan  # t of 3 degrees of freedom
        numbers = [bits / LOG2_10 for bits in (found.value, found.low, found.high)]
        label = name if spec == MAP else f"{name}, Walsh null"
        print(f"{label:18s} {numbers[0]:8.2f} {numbers[1]:9.2f} {numbers[2]:9.2f} {error:6.2f} {seconds:8.1f}  {found.status}")
        for reason in found.reasons:
            print(f"{'':18s} {reason}")


if __name__ == "__main__":
    main()
