"""Complexities that are known exactly."""

from __future__ import annotations

import numpy as np

from slt_bias import complexity, functions
from slt_bias.functions import Functions
from slt_bias.workflows.truths.row import Row, exact

# Numbers of the 65,536 functions of 4 inputs by leaves of the smallest formula
AND_OR = (2, 8, 48, 256, 940, 2048, 5248, 8672, 11768, 10592, 11536, 5472, 6304, 960, 1472, 96, 114)
ALL_GATES = (2, 8, 60, 456, 2474, 10624, 24184, 24640, 3088)


def lempel_ziv(seed: int) -> list[Row]:
    """C_LZ at 128 points, and the parse of the textbook's string; nothing is random here."""
    strings = {
        "constant": ("0" * 128, 7.0),
        "(01)⁶⁴": ("01" * 64, 21.0),
        "0⁶⁴1⁶⁴": ("0" * 64 + "1" * 64, 21.0),
        "0¹²⁷1": ("0" * 127 + "1", 17.5),
        "x₃ of x₀ … x₆": (functions.named("projection:index=3", inputs=7), 28.0),
        "parity": (functions.named("parity", inputs=7), 91.0),
        "majority": (functions.named("majority", inputs=7), 70.0),
    }
    source = "by hand, from the definition of Dingle et al. 2018"
    rows = [exact(f"C_LZ of {name} at 128 points", source, truth, complexity.lz(text)) for name, (text, truth) in strings.items()]
    words = "·".join(complexity.lz_words("0001101001000101"))
    return [*rows, exact("LZ76 parse of 0001101001000101", "Lempel & Ziv 1976", "0·001·10·100·1000·101", words)]


def smallest_formulas(seed: int) -> list[Row]:
    """The number of functions of 4 inputs by leaves, over both sets of gates; nothing is random here."""
    tables = Functions(np.arange(2**16).astype(">u2").view(np.uint8).reshape(-1, 2), 16)
    cases = [
        ("AND and OR, 0 … 16 leaves", AND_OR, complexity.formula_and_or),
        ("all gates, 0 … 8 leaves", ALL_GATES, complexity.formula_all_gates),
    ]
    rows = []
    for name, truth, estimator in cases:
        found = np.bincount(estimator(tables).astype(np.int64))
        source = "exhaustive search over formulas"
        rows.append(exact(f"functions of 4 inputs by leaves, {name}", source, _listed(truth), _listed(found)))
    return rows


def _listed(numbers: np.ndarray | tuple[int, ...]) -> str:
    return " ".join(str(number) for number in numbers)
