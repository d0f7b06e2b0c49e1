"""The figures of `slt-bias blind-spots` and their captions: which tables go into which plot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slt_bias import plots
from slt_bias.compare.reference_sets import UNNAMED
from slt_bias.plots.blind_spots import blind_spots, kinds_of, lowest_value
from slt_bias.plots.blind_spots_table import blind_spots_table

MOST_ROWS = 40  # of the heat table
SIMPLEST = 4  # rows of the heat table for the simplest functions of all, as a measure for the others
HEAT = "architectures"
PREFIX = "blind-spots-"
READING = (
    "Each figure: log₂ P(f) of every reference function against its certified bits, the shortest of several prefix codes. The "
    "line is log₂P = −K with slope 1 and offset 0, the same for all maps; far below it lie the simple functions that this "
    "architecture almost never computes, and the farthest have their names. Bars: 95 % intervals, mostly shorter than the "
    "markers. Points of equal K that would cover each other stand side by side, less than half a bit away. Open markers are "
    "suspect; an arrow hangs on an upper limit; those crossed out in the grey band have P = 0, proved: their height means "
    "nothing."
)


@dataclass(frozen=True)
class Shown:
    """A figure as the report shows it: the .png, beside which lies the .svg, and what stands under it."""

    name: str
    file: Path
    caption: str


def draw_figures(tables: dict[str, pd.DataFrame], stems: dict[str, str], folder: Path) -> list[Shown]:
    """Draw and save the heat table, where there are several maps, and the figure of each map, all on the same axes.

    stems : label → the rest of the figure's file name. Figures of an earlier call that are none of these are removed.
    """
    families = sorted({family for table in tables.values() for family in table["family"]})
    families.sort(key=lambda family: family == UNNAMED)  # what has no name comes last
    lowest = min(lowest_value(table) for table in tables.values())
    right = 1.04 * max(float(table["complexity_code"].max()) for table in tables.values())
    floor = any((kinds_of(table) == "never").any() for table in tables.values())
    drawn: dict[str, tuple[Axes, str]] = {}
    if len(tables) > 1:
        drawn[HEAT] = _heat(tables)
    for label, table in tables.items():
        named = table.assign(name=table["label"])
        axes = blind_spots(named, title=label, families=families, lowest=lowest, right=right, floor=floor)
        drawn[PREFIX + stems[label]] = axes, f"{label}: log₂ P(f) against certified bits."
    for old in [*folder.glob(f"{PREFIX}*"), *folder.glob(f"{HEAT}.*")]:
        if old.suffix in (".png", ".svg") and old.stem not in drawn:
            old.unlink(missing_ok=True)
    return [Shown(name, plots.save(axes, folder / name)[0], caption) for name, (axes, caption) in drawn.items()]


def chosen_functions(tables: dict[str, pd.DataFrame], most: int = MOST_ROWS) -> list[str]:
    """The functions that a heat table shows, simplest first.

    The simplest of all, and those that lie farthest below the bound in any map: first the farthest of each map, then the second,
    and so on. Where a map never computes many functions, its simplest ones come first.
    """
    first = next(iter(tables.values())).sort_values(["complexity_code", "complexity_all_gates", "name"], kind="stable")
    order = first["function"].tolist()
    chosen = dict.fromkeys(order[: min(SIMPLEST, most)])
    ranks = [table["function"].tolist() for table in tables.values()]  # the farthest below the bound first
    for place in range(len(order)):
        for functions in ranks:
            if len(chosen) < most:
                chosen.setdefault(functions[place])
    return [function for function in order if function in chosen]


def _heat(tables: dict[str, pd.DataFrame]) -> tuple[Axes, str]:
    chosen = chosen_functions(tables)
    by_map = {label: table.set_index("function").loc[chosen] for label, table in tables.items()}
    first = next(iter(by_map.values()))
    names = first["label"].to_numpy(str)
    bounds = {label: table["upper_limit_only"].to_numpy(bool) for label, table in by_map.items()}
    values = {
        label: np.where(bounds[label], table["log2_high"], table["log2_probability"]) for label, table in by_map.items()
    }
    axes = blind_spots_table(
        pd.DataFrame(values, index=names),
        pd.DataFrame(bounds, index=names),
        complexity=pd.Series(first["complexity_code"].to_numpy(), index=names),
    )
    whole = len(next(iter(tables.values())))
    left_out = "" if len(chosen) == whole else (
        f" Shown are {len(chosen)} of {whole} functions: the simplest {SIMPLEST}, and of each map those farthest below "
        f"log₂P = −K; ranked.csv has all."
    )  # fmt: skip
    return axes, (
        "log₁₀ P(f) of simple functions under each architecture, simplest first, with their certified bits. A sign < marks an "
        "upper limit, and the hatched cell has the colour of that limit: the function was not reached. never: no parameters "
        "compute the function, by proof (a linear programme). x ≅ y: x has no name of its own, and y is in its class (inputs "
        f"permuted or negated, output negated).{left_out}"
    )
