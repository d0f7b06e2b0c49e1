"""Functions with a name: where they lie in a draw, and what the frequent ones are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slt_bias import complexity as estimators
from slt_bias import functions
from slt_bias.functions import InputSet
from slt_bias.prior import FunctionCounts

ANYWHERE = {"constant 0": "constant:value=0", "constant 1": "constant:value=1"}
ON_BITS = {"x0": "projection:index=0", "and": "and", "or": "or", "parity": "parity", "majority": "majority"}
LONGEST = 16  # characters of a label


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """A function named beforehand and what a draw says of it.

    count : how often it was drawn. probability, low, high : with the exact 95 % interval; low 0 where it was not drawn.
    """

    label: str
    function: str
    complexity: float
    count: int
    probability: float
    low: float
    high: float


def landmarks(counts: FunctionCounts, inputs: InputSet, complexity: str, extra: Sequence[str] = ()) -> list[Landmark]:
    """The usual named functions on these inputs, and `extra` ones; each function once, under its first name.

    Raises SpecError or InputError for an extra function that is unknown or does not fit the inputs.
    """
    texts = [*ANYWHERE.items(), *(ON_BITS.items() if inputs.kind == "hypercube" else ()), *_labelled(extra)]
    named: dict[str, str] = {}
    for label, text in texts:
        named.setdefault(functions.parse(text, inputs).strings()[0], label)
    values = estimators.compute(functions.parse(list(named), inputs), complexity)
    found = []
    for (table, label), value in zip(named.items(), values, strict=True):
        share = counts.probability(table)
        found.append(
            Landmark(
                label=label, function=table, complexity=float(value), count=counts.of(table), probability=share.value,
                low=share.low, high=share.high,
            )
        )  # fmt: skip
    return found


def known_names(inputs: InputSet) -> dict[str, str]:
    """Truth table → what people call it: constants, inputs, their and, or, parity, thresholds, and the negations of all."""
    texts = dict(ANYWHERE)
    if inputs.kind == "hypercube":
        n = inputs.features
        texts |= {f"x{i}": f"projection:index={i}" for i in range(n)}
        texts |= {name: name for name in ("and", "or", "parity", "majority")}
        texts |= {f"{k} or more ones": f"threshold:k={k}" for k in range(2, n)}
    names: dict[str, str] = {}
    for label, text in texts.items():
        names.setdefault(functions.named(text, inputs), label)
    flipped = str.maketrans("01", "10")
    for table, label in list(names.items()):
        names.setdefault(table.translate(flipped), f"not {label}")
    return names


def short_table(table: str) -> str:
    """A truth table for people: in hexadecimal where it is longer than 16 points, and cut where that is long too."""
    if len(table) <= 16:
        return table
    if len(table) % 4:
        return table if len(table) <= 32 else f"{table[:32]}…"
    digits = "".join(f"{int(table[i : i + 4], 2):x}" for i in range(0, min(len(table), 256), 4))
    return f"0x{digits[:32]}{'…' if len(table) > 128 else ''}"


def _labelled(texts: Sequence[str]) -> list[tuple[str, str]]:
    """(label, text) of each text, once; labels are short, differ, and depend on the texts alone."""
    labels: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        short = text if len(text) <= LONGEST else f"{text[:6]}…{text[-9:]}"
        label, number = short, 1
        while label in labels:
            number += 1
            label = f"{short} ({number})"
        labels[label] = text
    return list(labels.items())
