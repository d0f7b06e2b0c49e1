"""Files of rows: .npy, .csv and .parquet, with the places in the file that an error names."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slt_bias.errors import InputError

MOST_ROWS = 2**16
MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none"}
TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Rows:
    """What a file holds: the rows, the line each stands in (text files), the name of each column (where it has names)."""

    values: np.ndarray
    lines: Sequence[int] = ()
    columns: Sequence[str] = ()

    def row(self, number: int) -> str:
        """How a user finds a row: `line 3` of a text file, else `row 2`, counted from 0."""
        return f"line {self.lines[number]}" if self.lines else f"row {number}"

    def column(self, number: int) -> str:
        """A column by its name, else by its number: from 1 in a text file, from 0 in an array."""
        return f"column `{self.columns[number]}`" if self.columns else f"column {number + bool(self.lines)}"


def read_npy(path: Path) -> Rows:
    """One array."""
    return Rows(np.load(path, allow_pickle=False))


def read_parquet(path: Path) -> Rows:
    """All columns of a table; an index that pandas stored is none of them."""
    import pandas as pd

    frame = pd.read_parquet(path)
    return Rows(frame.to_numpy(), columns=tuple(map(str, frame.columns)))


def read_csv(path: Path) -> Rows:
    """Numbers with commas between them, a line a row.

    The first line is a header only where none of its cells is a number or missing: a first line of numbers is data, even if
    it was meant as names (such as years). true and false are 1 and 0. Raises InputError that names the line (the first is 1)
    and the column for a missing cell, for what is no finite number, for lines of different lengths, an empty line between
    others, and a first column without a name, as pandas writes its index.
    """
    values: list[np.ndarray] = []
    lines: list[int] = []
    columns: tuple[str, ...] = ()
    width = first = empty = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        for cells in reader:
            line = reader.line_num
            if not cells:
                empty = empty or line
                continue
            if empty:
                raise InputError(f"line {empty} is empty: a row is missing, or the line is one too many.")
            if not first:
                first, width = line, len(cells)
                _check_index(cells, line)
                if not any(_is_value(cell) for cell in cells):
                    columns = tuple(cell.strip() for cell in cells)
                    continue
            if len(cells) != width:
                raise InputError(f"line {line} has {len(cells)} cell(s), line {first} has {width}: all need the same number.")
            if len(values) == MOST_ROWS:
                raise InputError(f"more than {MOST_ROWS} rows: at most {MOST_ROWS} fit; take a subset.")
            values.append(_numbers(cells, line, columns))
            lines.append(line)
    if not first:
        raise InputError("the file is empty.")
    return Rows(np.array(values).reshape(len(values), width), lines, columns)


def _check_index(cells: list[str], line: int) -> None:
    if len(cells) > 1 and (not cells[0].strip() or cells[0].strip() == "Unnamed: 0"):
        raise InputError(
            f"line {line}, column 1 has neither a name nor a number: drop that column if it is the index that pandas writes "
            "(save with index=False), or fill the missing value."
        )


def _is_value(cell: str) -> bool:
    """A number, a truth value or a missing cell: none of them is a column's name."""
    return cell.strip().lower() in MISSING or _number(cell) is not None


def _number(cell: str) -> float | None:
    if cell.strip().lower() in TRUTHS:
        return TRUTHS[cell.strip().lower()]
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _numbers(cells: list[str], line: int, columns: Sequence[str]) -> np.ndarray:
    row = np.empty(len(cells))
    for place, cell in enumerate(cells):
        number = _number(cell)
        if number is None or not math.isfinite(number):
            where = f"line {line}, column {f'`{columns[place]}`' if columns else place + 1}"
            if cell.strip().lower() in MISSING:
                raise InputError(f"{where}: the value is missing ({cell.strip() or 'empty'}); drop or fill such rows.")
            if number is not None:
                raise InputError(f"{where}: {cell.strip()} is not finite; drop or fill such rows.")
            shown = cell.strip()[:40]
            raise InputError(f"{where}: `{shown}` is no number; rows of data must be numbers with commas between them.")
        row[place] = number
    return row


READERS: dict[str, Callable[[Path], Rows]] = {".npy": read_npy, ".csv": read_csv, ".parquet": read_parquet}
