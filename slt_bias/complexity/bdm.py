"""Block decomposition: short blocks by the output frequency of small Turing machines, repetitions by their logarithm."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import pickle
from pathlib import Path

import numpy as np

from slt_bias.complexity.estimator import estimator
from slt_bias.errors import InputError
from slt_bias.functions import Functions

BLOCK = 12  # the longest strings in the table
ROWS = 2**14  # functions at a time


def installed(points: int) -> bool:
    """Whether pybdm is there, whatever the number of points."""
    return points >= 0 and importlib.util.find_spec("pybdm") is not None


@estimator("block decomposition method on blocks of 12 points, with the tables of pybdm (extra `bdm`)", "bits", reaches=installed)
def bdm(functions: Functions) -> np.ndarray:
    """Block decomposition of each function, float64 (count,), in bits: an estimate, no code that decodes.

    BDM(f) = Σ over the distinct blocks s of f of CTM(s) + log₂(times that s occurs); blocks of 12 points one after
    another, the rest one shorter block; CTM(s) = −log₂ of the frequency of s among the outputs of small Turing machines
    (Zenil et al. 2018, Entropy 20, 605; Soler-Toscano et al. 2014). No points give 0.

    The CTM values are those of pybdm 0.1.0, the blocks its `PartitionRecursive(min_length=1)`; its code is not called,
    for it needs pkg_resources, which setuptools has dropped, and takes a string at a time. Raises InputError
    where pybdm is not installed.
    """
    out = np.zeros(len(functions))
    for start in range(0, len(functions) if functions.points else 0, ROWS):
        values = functions[start : start + ROWS].values()
        whole = functions.points // BLOCK
        if whole:
            out[start : start + ROWS] = _blocks(values[:, : whole * BLOCK].reshape(len(values), whole, BLOCK))
        if functions.points % BLOCK:
            out[start : start + ROWS] += _blocks(values[:, None, whole * BLOCK :])
    return out


def _blocks(blocks: np.ndarray) -> np.ndarray:
    """Σ CTM + log₂ multiplicity over the distinct blocks of each row; blocks : bool (rows, blocks, length)."""
    length = blocks.shape[2]
    numbers = np.sort(blocks @ (1 << np.arange(length - 1, -1, -1)), axis=1)
    first = np.ones(numbers.shape, bool)
    first[:, 1:] = numbers[:, 1:] != numbers[:, :-1]
    starts = np.flatnonzero(first)
    multiplicity = np.diff(np.append(starts, first.size))
    costs = _turing_table(length)[numbers.ravel()[starts]] + np.log2(multiplicity)
    return np.bincount(starts // numbers.shape[1], costs, minlength=len(numbers))


@functools.cache
def _turing_table(length: int) -> np.ndarray:
    """CTM of the 2^length strings of that length, float64, in bits; index: the string as a binary number."""
    spec = importlib.util.find_spec("pybdm")
    if spec is None or spec.origin is None:
        raise InputError("bdm needs the tables of pybdm: pip install pybdm, or slt-bias with its extra `bdm`.")
    archive = Path(spec.origin).parent / "ctmdata" / "ctm-b2-d12.pkl.gz"
    known = pickle.loads(gzip.decompress(archive.read_bytes()))[(length,)]
    table = np.empty(2**length)
    for text, value in known.items():  # strings that begin with 0; the complement has the same value
        table[int(text, 2)] = table[~int(text, 2)] = value
    return table
