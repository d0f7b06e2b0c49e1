"""Tables of all short loop programs of a kind: what each computes, and the shortest program for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from slt_bias.complexity.code.family import NEVER
from slt_bias.functions import Functions


@dataclass(frozen=True)
class Programs:
    """lengths : int64 (programs,), in bits. parameters : int64 (programs, …). shortest : packed table → its program."""

    lengths: np.ndarray
    parameters: np.ndarray
    shortest: dict[bytes, int]

    def find(self, functions: Functions) -> np.ndarray:
        """int64 (count,): the length of the shortest program of each function, NEVER where none is known."""
        lengths = np.append(self.lengths, NEVER)
        width, data = functions.packed.shape[1], functions.packed.tobytes()
        shortest = self.shortest
        return lengths[[shortest.get(data[at : at + width], -1) for at in range(0, len(data), width)]]


def collect(parts: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], points: int) -> Programs:
    """Programs from (tables, bool (count, points); parameters, int64 (count, …); lengths, int64 (count,)).

    Those not shorter than the table itself are left out. Of several for one table the shortest stays, of those the first.
    """
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for tables, parameters, lengths in parts:
        useful = lengths < points
        kept.append((np.packbits(tables[useful], axis=1), parameters[useful], lengths[useful]))
    packed = np.concatenate([part[0] for part in kept] or [np.zeros((0, -(-points // 8)), np.uint8)])
    parameters = np.concatenate([part[1] for part in kept] or [np.zeros((0, 1), np.int64)])
    lengths = np.concatenate([part[2] for part in kept] or [np.zeros(0, np.int64)])
    width, data = packed.shape[1], packed.tobytes()
    order = np.argsort(lengths, kind="stable")[::-1].tolist()  # later entries replace earlier ones
    return Programs(lengths, parameters, {data[k * width : (k + 1) * width]: k for k in order})
