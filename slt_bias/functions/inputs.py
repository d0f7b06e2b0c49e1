"""Input sets: the points on which a function is its row of outputs."""

from __future__ import annotations

import hashlib
import itertools
import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from slt_bias.errors import InputError
from slt_bias.functions.readers import MOST_ROWS, READERS, Rows

LARGEST_HYPERCUBE = 16
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
VALUES = {"01": (0, 1), "pm1": (-1, 1)}
BITS_TO_CODE = {values: code for code, values in VALUES.items()}


@dataclass(frozen=True, eq=False)
class InputSet:
    """A finite set of points in order; a function is a labelling of them.

    kind : "hypercube", "grid" or "rows".
    points : float64 (count, features), read-only. Hypercube points come in lexicographic order, first input most
        significant: 000, 001, … (Valle-Pérez et al. 2018).
    spec : canonical text; rows of data appear as `rows-<hash>`.
    source : where rows of data were read from, such as the file's name or `digits:64`; it tells no two sets apart.
    """

    kind: str
    points: np.ndarray
    spec: str
    values: tuple[int, int] | None = None
    source: str | None = None

    @property
    def count(self) -> int:
        """The number of points."""
        return int(self.points.shape[0])

    @property
    def features(self) -> int:
        """The number of coordinates of a point."""
        return int(self.points.shape[1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputSet) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        source = f", from {self.source}" if self.source else ""
        return f"InputSet({self.spec}: {self.count} points, {self.features} features{source})"


def hypercube(inputs: int, values: Sequence[int] = (0, 1)) -> InputSet:
    """All 2ⁿ points of n binary inputs with values (0, 1) or (−1, 1); 1 ≤ n ≤ 16. Raises InputError."""
    try:
        n = operator.index(inputs)
    except TypeError:
        raise InputError(f"inputs = {inputs!r}: give a whole number of binary inputs.") from None
    pair = tuple(values) if isinstance(values, Sequence) else ()
    if pair not in BITS_TO_CODE:
        raise InputError(f"values = {values!r}: a hypercube's values are (0, 1) or (-1, 1).")
    if n < 1:
        raise InputError(f"inputs = {n}: a hypercube needs at least 1 input.")
    if n > LARGEST_HYPERCUBE:
        size = f"{2 ** ((n - 3) % 10)} {UNITS[(n - 3) // 10]}" if n < 63 else f"2^{n - 3} bytes"
        raise InputError(
            f"inputs = {n}: one truth table of 2^{n} points takes {size} and a sample thousands of them; "
            f"the largest that fits is {LARGEST_HYPERCUBE}."
        )
    bits = (np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1)) & 1
    return InputSet("hypercube", _frozen(np.where(bits == 1, pair[1], pair[0])), f"inputs={n},values={BITS_TO_CODE[pair]}", pair)


def as_inputs(inputs: int | InputSet) -> InputSet:
    """An int is that many binary inputs with values 0 and 1. Raises InputError."""
    return inputs if isinstance(inputs, InputSet) else hypercube(inputs)


def same_points(one: InputSet | str, other: InputSet | str) -> bool:
    """Whether functions on two input sets can be compared: they label the same points in the same order.

    one, other : an input set, or a spec that names one, such as a map's. The coding 01 or pm1 of a hypercube is left aside:
    it does not change which point is which. Specs that name no input set are taken to share one.
    """
    return points_name(one) == points_name(other)


def points_name(inputs: InputSet | str) -> str | None:
    """What an input set, or the spec of a map, calls its points (`7`, `grid-9x9`, `rows-<hash>`); None where it names none."""
    found = re.search(r"\binputs=([^,\]]+)", inputs.spec if isinstance(inputs, InputSet) else inputs)
    return found.group(1) if found else None


def grid(*sides: int) -> InputSet:
    """A regular grid on [−1, 1]ᵈ with `sides[k]` points along axis k, last axis fastest.

    Raises InputError for an axis of fewer than 2 points, and for more than 65,536 points in all.
    """
    name = "x".join(map(str, sides))
    if not sides or any(not isinstance(side, int | np.integer) or side < 2 for side in sides):
        raise InputError(f"grid {name[:40]}: give 2 or more points for each axis, such as 9x9.")
    if math.prod(map(int, sides)) > 2**LARGEST_HYPERCUBE:
        raise InputError(f"grid {name[:40]}: more than the {2**LARGEST_HYPERCUBE} points that fit; take fewer points an axis.")
    axes = [np.linspace(-1, 1, side) for side in sides]
    points = np.array(list(itertools.product(*axes)))
    return InputSet("grid", _frozen(points), f"inputs=grid-{name}")


def from_rows(rows: np.ndarray) -> InputSet:
    """Rows of real data, shape (points, features): a function is a labelling of the rows.

    Raises InputError for another shape, no rows, values that are no finite numbers, or two equal rows: no
    function tells equal rows apart.
    """
    return _from_rows(Rows(rows))


def _from_rows(rows: Rows) -> InputSet:
    try:
        if np.iscomplexobj(rows.values):
            raise TypeError
        points = np.array(rows.values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("rows of data must be numbers: drop or encode the columns that are not.") from None
    if points.ndim != 2 or 0 in points.shape:
        raise InputError(f"rows of data have the shape {points.shape}: need (points, features), both at least 1.")
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{rows.row(row)}, {rows.column(column)} is {points[row, column]}: {len(np.unique(bad[:, 0]))} row(s) hold values "
            "that are not finite; drop or fill them."
        )
    if len(points) > MOST_ROWS:
        raise InputError(f"{len(points)} rows: at most {MOST_ROWS} fit; take a subset.")
    _, first, inverse = np.unique(points, axis=0, return_index=True, return_inverse=True)
    if len(first) < len(points):
        twin = first[inverse]
        row = int(np.argmax(twin != np.arange(len(points))))
        kind, one = rows.row(int(twin[row])).split()
        raise InputError(f"{kind}s {one} and {rows.row(row).split()[1]} are equal: no function tells them apart; drop one.")
    digest = hashlib.blake2b(repr(points.shape).encode() + points.tobytes(), digest_size=8).hexdigest()
    return InputSet("rows", _frozen(points), f"inputs=rows-{digest}")


def from_spec(text: str, values: str | None = None) -> InputSet:
    """The input set of a map's spec: `7` (with values `01` or `pm1`) or `grid-9x9`. Raises InputError."""
    if text.startswith("rows-"):
        raise InputError(f"inputs={text}: rows of data cannot be rebuilt from their hash; pass the rows themselves.")
    if text.startswith(("grid-", "grid:")):
        if values is not None:
            raise InputError("values= belongs to a hypercube, not to a grid.")
        return grid(*_sides(text[5:]))
    if values is not None and values not in VALUES:
        raise InputError(f"values={values}: need 01 or pm1.")
    try:
        return hypercube(int(text), VALUES[values or "01"])
    except ValueError:
        raise InputError(f"inputs={text[:40]}: give a number of binary inputs, such as 7, or grid-9x9.") from None


def load(text: str) -> InputSet:
    """What `--inputs` names: `7`, `grid:9x9`, `digits:64` or a file ending in .npy, .csv or .parquet.

    The first line of a .csv is a header only where none of its cells is a number or missing: a first line of numbers is
    data. Raises InputError, which names the line of a .csv (the first is 1) and the column.
    """
    if text.partition(":")[0] == "digits":
        return _digits(text.partition(":")[2] or "64")
    path = Path(text)
    if path.suffix in READERS:
        if not path.is_file():
            raise InputError(f"{text}: no such file.")
        try:
            return replace(_from_rows(READERS[path.suffix](path)), source=path.name)
        except InputError as error:
            raise InputError(f"{text}: {error}") from None
        except Exception as error:  # the readers' errors are many; each becomes one line
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{text}: cannot be read ({reason}).") from None
    number, _, values = text.partition(",values=")
    try:
        return from_spec(number, values or None)
    except InputError as error:
        if number.lstrip("-").isdigit() or number.startswith("grid") or values:
            raise
        valid = "a number of bits, grid:9x9, digits:64, or a .npy, .csv or .parquet file"
        raise InputError(f"--inputs {text[:80]}: need {valid}.") from error


def _digits(text: str) -> InputSet:
    from sklearn.datasets import load_digits

    data = load_digits().data
    if not text.isdecimal() or not 1 <= int(text) <= len(data):
        raise InputError(f"digits:{text}: give a number of rows between 1 and {len(data)}.")
    return replace(from_rows(data[: int(text)] / 16), source=f"digits:{text}")


def _sides(text: str) -> list[int]:
    parts = text.split("x")
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"grid {text}: give the points along each axis, such as 9x9.")
    return [int(part) for part in parts]


def _frozen(points: np.ndarray) -> np.ndarray:
    out = np.ascontiguousarray(points, dtype=np.float64)
    out.setflags(write=False)
    return out
