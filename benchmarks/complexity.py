"""Strings a second of the complexity estimators at 128 points, one core, as ratios to a plain compiled parse.

Run: .venv/bin/python benchmarks/complexity.py [--quick]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numba import njit

from slt_bias import complexity
from slt_bias.functions import Functions


@njit
def kaspar_schuster(bits: np.ndarray) -> int:
    """Words of the LZ76 parse, one character at a time (Kaspar & Schuster 1987)."""
    n, words, start, longest, k, word = len(bits), 1, 0, 1, 1, 1
    while word + k <= n:
        if bits[start + k - 1] == bits[word + k - 1]:
            k += 1
            if word + k > n:
                words += 1
                break
        else:
            longest = max(longest, k)
            start += 1
            if start == word:
                words += 1
                word += longest
                start, k, longest = 0, 1, 1
            else:
                k = 1
    return words


@njit
def plain(rows: np.ndarray) -> float:
    """Both directions of every row."""
    total = 0
    for row in rows:
        total += kaspar_schuster(row) + kaspar_schuster(row[::-1].copy())
    return total / 2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    repeats = 3 if parser.parse_args().quick else 10
    values = np.random.default_rng(0).integers(0, 2, size=(100_000, 128))
    functions, rows = Functions.from_values(values), values[:5000].astype(np.int64)
    plain(rows[:2])

    def best(work, size: int) -> float:  # type: ignore[no-untyped-def]
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return size / min(times)

    reference = best(lambda: plain(rows), len(rows))
    print(f"plain compiled LZ76 parse (Kaspar & Schuster), random strings of 128 bits: {reference:12,.0f} a second")
    for name, size in (("lz", 100_000), ("entropy", 100_000), ("zlib", 5000), ("lzma", 2000), ("bz2", 2000)):
        some = functions[:size]
        complexity.compute(some[:10], name)
        rate = best(lambda name=name, some=some: complexity.compute(some, name), size)
        print(f"  {name:10s} {rate:14,.0f} a second   ratio {rate / reference:8.2f}" + ("   (goal 10)" if name == "lz" else ""))


if __name__ == "__main__":
    main()
