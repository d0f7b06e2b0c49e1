"""Tables of `blind_spots` side by side, and a score for each architecture.

    bits_below_median(f) = −log₂P(f) − median over maps of −log₂P(f)

Where only an upper limit of P(f) is known, −log₂P(f) is at least minus its logarithm, and everything made of it says in which
direction it is a limit: a limit never counts for more than it proves. The median lies between the one with every limit in the
place of its value and the one with infinity there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slt_bias.errors import InputError

BIN_BITS = 4.0
MOST_COMPLEXITY = (10.0, 15.0, 20.0, 40.0)  # bits of K_code up to which a function is called simple
MORE_THAN = (5.0, 10.0, 20.0)  # bits below the bound from which it is a blind spot
NEEDED = ("function", "name", "complexity_code", "log2_probability", "log2_high", "bits_below_bound", "upper_limit_only")
COLUMNS = (
    "function", "name", "complexity_code", "map", "log2_probability", "log2_high", "bits_below_bound", "bits_below_bound_limit",
    "bits_below_median", "bits_below_median_limit",
)  # fmt: skip


def shortfalls(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The shortfalls of several maps, a row for every function and map.

    tables : label of a map → its table of `blind_spots`; all of the same functions.
    Columns: function, name, complexity_code (bits), map (the label), log2_probability, log2_high (bits), bits_below_bound and
    its limit, bits_below_median and its limit. A limit column says what the number before it is: "value"; "at least" or
    "at most", where an upper limit of some P enters; "unknown" (the number is NaN) where limits stand against each other or
    a P is missing. P = 0 is infinitely far below, and 0 bits below a median that is infinite too.
    Order: functions by the greatest bits_below_median of any map (values and "at least"), falling, then by complexity_code
    and name; maps in the order given.

    Raises InputError for no table, missing columns, or tables of different functions.
    """
    functions = _checked(tables)
    by_map = {label: table.set_index("function").loc[functions] for label, table in tables.items()}
    bits = np.stack([_least_bits(table) for table in by_map.values()])  # (maps, functions): −log₂P, or the least it can be
    missing = np.isnan(bits)
    limit = missing | np.stack([table["upper_limit_only"].to_numpy(bool) for table in by_map.values()])
    least, most = np.where(missing, 0.0, bits), np.where(limit, np.inf, bits)
    below, kind = _difference(least, most, np.median(least, axis=0), np.median(most, axis=0))
    below[missing], kind[missing] = np.nan, "unknown"
    bound_kind = np.where(missing, "unknown", np.where(limit, "at least", "value"))
    copied = ("name", "complexity_code", "log2_probability", "log2_high", "bits_below_bound")
    parts = []
    for place, (label, table) in enumerate(by_map.items()):
        part = {"function": functions, "map": label} | {name: table[name].to_numpy() for name in copied}
        part |= {"bits_below_bound_limit": bound_kind[place], "bits_below_median": below[place]}
        parts.append(pd.DataFrame(part | {"bits_below_median_limit": kind[place]}))
    long = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    sure = np.where(np.isin(kind, ["value", "at least"]), below, -np.inf).max(axis=0)
    names, code = long["name"].to_numpy(str), long["complexity_code"].to_numpy()
    turn, number = np.divmod(np.arange(len(long)), len(functions))
    order = np.lexsort((turn, number, names, code, np.tile(-sure, len(by_map))))
    return long.iloc[order].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class BlindSpotScore:
    """How far an architecture falls short on simple functions: the same bins and limits for every map.

    functions : how many were looked at.
    by_complexity : a row a bin of complexity_code that has functions. complexity_from, complexity_below (bits); functions;
        never (P = 0); limits (only an upper limit of P is known); unknown (P failed); mean_shortfall (bits below the bound,
        over functions that are neither never nor unknown; NaN where none is left), mean_is_lower_limit (True where limits
        enter, at the least they can be), median_shortfall (over all but unknown, never being infinitely far below; also a
        lower limit where mean_is_lower_limit).
    blind : a row for each pair. most_complexity k and more_than t (bits); functions of complexity_code ≤ k; blind (how many of
        them lie more than t bits below the bound for certain); open (how many more may: a limit or no P is all there is).
    """

    functions: int
    by_complexity: pd.DataFrame
    blind: pd.DataFrame

    def spots(self, most_complexity: float, more_than: float) -> int:
        """How many functions of at most so many bits lie more than so many bits short. Raises InputError for another pair."""
        rows = self.blind[(self.blind["most_complexity"] == most_complexity) & (self.blind["more_than"] == more_than)]
        if len(rows) != 1:
            raise InputError(f"no pair ({most_complexity}, {more_than}) was scored: give it to score.")
        return int(rows["blind"].iloc[0])


def score(
    table: pd.DataFrame,
    bin_bits: float = BIN_BITS,
    most_complexity: Sequence[float] = MOST_COMPLEXITY,
    more_than: Sequence[float] = MORE_THAN,
) -> BlindSpotScore:
    """The score of one map from its table of `blind_spots`; see `BlindSpotScore`.

    bin_bits : width of a bin of complexity_code, the first starting at 0. most_complexity, more_than : the k and t, in bits.
    Raises InputError for a table that lacks columns or rows, and numbers that are no bits.
    """
    _checked({"table": table})
    for name, numbers in (("bin_bits", (bin_bits,)), ("most_complexity", most_complexity), ("more_than", more_than)):
        if len(numbers) == 0 or not all(math.isfinite(number) for number in numbers) or (name == "bin_bits" and not bin_bits > 0):
            raise InputError(f"{name} = {numbers}: give finite numbers of bits{', above 0' if name == 'bin_bits' else ''}.")
    code, short = table["complexity_code"].to_numpy(np.float64), table["bits_below_bound"].to_numpy(np.float64)
    limit, unknown = table["upper_limit_only"].to_numpy(bool), np.isnan(short)
    bins = np.floor(code / bin_bits)
    rows = []
    for number in np.unique(bins[~np.isnan(bins)]):
        inside = bins == number
        known = short[inside & ~unknown]
        finite = known[np.isfinite(known)]
        rows.append(
            {
                "complexity_from": number * bin_bits,
                "complexity_below": (number + 1) * bin_bits,
                "functions": int(inside.sum()),
                "never": int(np.isposinf(known).sum()),
                "limits": int((inside & limit).sum()),
                "unknown": int((inside & unknown).sum()),
                "mean_shortfall": float(finite.mean()) if len(finite) else math.nan,
                "mean_is_lower_limit": bool((inside & limit).any()),
                "median_shortfall": float(np.median(known)) if len(known) else math.nan,
            }
        )
    pairs = []
    for most in most_complexity:
        for more in more_than:
            simple = code <= most
            blind = simple & ~unknown & (short > more)
            pairs.append(
                {
                    "most_complexity": float(most),
                    "more_than": float(more),
                    "functions": int(simple.sum()),
                    "blind": int(blind.sum()),
                    "open": int((simple & ~blind & (limit | unknown)).sum()),
                }
            )
    return BlindSpotScore(len(table), pd.DataFrame(rows), pd.DataFrame(pairs))


def _checked(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The functions, in the order of the first table."""
    if not isinstance(tables, Mapping) or not tables:
        raise InputError("tables: give a mapping from the label of each map to its table of blind_spots.")
    functions: list[str] = []
    for label, table in tables.items():
        if not isinstance(table, pd.DataFrame):
            raise InputError(f"{label}: {type(table).__name__} is no table of blind_spots.")
        missing = [name for name in NEEDED if name not in table]
        if missing:
            raise InputError(f"{label}: the table lacks the column(s) {', '.join(missing)}: make it with sb.compare.blind_spots.")
        own = table["function"].astype(str).tolist()
        if not own:
            raise InputError(f"{label}: the table has no rows.")
        if len(set(own)) < len(own):
            raise InputError(f"{label}: the table has a function twice: leave one of them out.")
        functions = functions or own
        if set(own) != set(functions):
            odd = sorted(set(own) ^ set(functions))[0]
            raise InputError(f"{label}: function {odd[:40]} is in one table and not in another: all need the same functions.")
    return functions


def _least_bits(table: pd.DataFrame) -> np.ndarray:
    """−log₂P, for an upper limit the least it can be; NaN where P failed."""
    log2 = table["log2_high"].where(table["upper_limit_only"].astype(bool), table["log2_probability"])
    return -log2.to_numpy(np.float64)


def _difference(
    low: np.ndarray, high: np.ndarray, median_low: np.ndarray, median_high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(number, kind), both (maps, functions): values within [low, high] less medians (functions,) within their limits."""
    with np.errstate(invalid="ignore"):
        least, most = low - median_high, high - median_low
        both = np.isposinf(low) & np.isposinf(median_low)  # infinitely far below, like the median
        least, most = np.where(both, 0.0, least), np.where(both, 0.0, most)
        number = np.full(low.shape, np.nan)
        kind = np.full(low.shape, "unknown", dtype=object)
        for name, chosen, which in (
            ("at most", np.isfinite(most) | np.isneginf(most), most),
            ("at least", np.isfinite(least) | np.isposinf(least), least),
            ("value", least == most, least),
        ):
            number[chosen], kind[chosen] = which[chosen], name
    return number, kind
