"""Does walking into a region by halving the space take −log₂ volume bits? A footnote answered with numbers.

The question (jake_mendel, LessWrong, in a discussion of singular learning theory and simplicity): if each bit of a
description cuts parameter space in half, a region A of the unit square should cost −log₂ area bits. "Is a random square as
cheap as a hundred random squares of the same area? A strip within ε of the line y = x costs how many bits, and can it be as
few as for a strip along an axis as ε → 0?"

Here: the fewest halvings, the axis of each cut freely chosen, after which the cell lies inside the region, exactly, for an
upright strip at a random place, strips around y = x and around y = ½ + ¼ sin 2πx, a square at a random place and a hundred
such squares; against a shared random sequence of points, of which the number of the first one inside is sent in Elias' δ code:
its mean length is exact, and is also simulated for every shape. The least number of halvings names a cell of area 2^−bits; the
mean one, to a random point of the region in the best tree of cuts (dynamic programming), is −log₂ area + the entropy of the
cell one ends in. Slopes are bits a bit of −log₂ area.

Run: .venv/bin/python experiments/halving_code.py [--quick | --smoke] [--out DIR] [--json]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from common import Claim, report, setting

from slt_bias import plots, streams
from slt_bias.compare.halving_code import (
    Rectangles,
    Region,
    Strip,
    bisection_tree,
    elias_delta,
    first_inside,
    shared_sequence_bits,
    shared_sequence_entropy,
)
from slt_bias.files import replacing

UPRIGHT, DIAGONAL, SINUSOID = "upright strip, random place", "strip around y = x", "strip around a sinusoid"
SQUARE, HUNDRED = "one square, random place", "a hundred squares"
SHAPES = (UPRIGHT, DIAGONAL, SINUSOID, SQUARE, HUNDRED)
SLOPES = {UPRIGHT: (1.0, "1"), DIAGONAL: (2.0, "2"), SINUSOID: (1.5, "3/2"), SQUARE: (1.0, "1"), HUNDRED: (1.0, "1")}
EXPONENTS = {"full": range(6, 23), "quick": range(6, 21), "smoke": range(6, 17)}  # −log₂ area
PLACES = {"full": 400, "quick": 100, "smoke": 30}  # random places of a shape that has them
SEQUENCES = {"full": 200, "quick": 40, "smoke": 60}
SIMULATED = {"full": (6, 8, 10, 12, 14, 16), "quick": (6, 9, 12), "smoke": (6, 8)}
GRID = {"full": 11, "quick": 10, "smoke": 8}  # cuts across either axis, for the mean
MEAN_PLACES = {"full": 3, "quick": 4, "smoke": 1}
MEANS = {"full": range(3, 9), "quick": range(3, 8), "smoke": range(3, 6)}  # −log₂ area there
MANY = 100


def region(shape: str, area: float, seed: int, place: int) -> Region:
    """One of the shapes with this area; `place` numbers the random places."""
    if shape == DIAGONAL:
        return Strip("diagonal", 1 - math.sqrt(1 - area))
    if shape == SINUSOID:
        return Strip("sinusoid", area / 2)
    at = streams.uniforms(seed, ["halving code", shape, place], 0, (100 * MANY, 2))
    if shape == UPRIGHT:
        return Rectangles(np.array([[at[0, 0] * (1 - area), 0.0]]), np.array([[area, 1.0]]))
    count = MANY if shape == HUNDRED else 1
    side = math.sqrt(area / count)
    corners = np.full((count, 2), np.inf)
    placed = 0
    for corner in at * (1 - side):  # one after another, where it touches none before
        if np.abs(corner - corners).max(axis=1).min() > side:
            corners[placed] = corner
            placed += 1
        if placed == count:
            break
    return Rectangles(corners, np.full((count, 2), side))


def halvings(chosen: str, seed: int) -> pd.DataFrame:
    """A row a shape, area and place: the fewest halvings, and those of cuts that take turns."""
    rows = []
    for shape in SHAPES:
        for exponent in EXPONENTS[chosen]:
            for place in range(1 if shape in (DIAGONAL, SINUSOID) else PLACES[chosen]):
                one = region(shape, 2.0**-exponent, seed, place)
                bits = -math.log2(one.area)
                rows.append(
                    {
                        "shape": shape, "exponent": exponent, "place": place, "area_bits": bits,
                        "halvings": one.walk().bits, "alternating": one.alternating(),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def sequences(chosen: str, seed: int) -> pd.DataFrame:
    """A row a shape and area: the mean δ length of the first index over shared random sequences, and its exact mean."""
    rows = []
    for shape in SHAPES:
        for exponent in SIMULATED[chosen]:
            one = region(shape, 2.0**-exponent, seed, 0)
            first = 1000 * SHAPES.index(shape)  # so that no two shapes share a sequence
            index = np.array([first_inside(one, seed, first + number) for number in range(SEQUENCES[chosen])])
            lengths = elias_delta(index)
            deviation = float(lengths.std(ddof=1) / math.sqrt(len(lengths)))
            row = {"shape": shape, "area_bits": float(exponent), "bits": float(lengths.mean()), "deviation": deviation}
            rows.append({**row, "exact": shared_sequence_bits(one.area), "entropy": shared_sequence_entropy(one.area)})
    return pd.DataFrame(rows)


def means(chosen: str, seed: int) -> pd.DataFrame:
    """A row a shape, area and place: least and mean halvings in the best trees, of the region's pixels (by their centres)."""
    side = 2 ** GRID[chosen]
    centres = (np.arange(side) + 0.5) / side
    points = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)
    rows = []
    for shape in SHAPES:
        for exponent in MEANS[chosen]:
            for place in range(1 if shape in (DIAGONAL, SINUSOID) else MEAN_PLACES[chosen]):
                tree = bisection_tree(region(shape, 2.0**-exponent, seed, place).contains(points).reshape(side, side))
                row = {"shape": shape, "exponent": exponent, "place": place, "area_bits": -math.log2(tree.area)}
                rows.append({**row, "least": tree.least, "mean": tree.mean})
    return pd.DataFrame(rows)


def slope_of(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Least-squares slope of the mean number of halvings in −log₂ area, ± how far its residuals can tilt it.

    Errors of up to r over n values in a row tilt a line by at most 3r/n, whatever their pattern; r is the largest residual.
    """
    mean = rows.groupby("exponent")[["area_bits", "halvings"]].mean()
    x, y = mean["area_bits"].to_numpy(), mean["halvings"].to_numpy()
    offset, slope = np.polynomial.polynomial.polyfit(x, y, 1)
    half = 3 * float(np.abs(y - offset - slope * x).max()) / len(x) + 1e-9
    return float(slope), float(slope) - half, float(slope) + half


def claims_of(walks: pd.DataFrame, shared: pd.DataFrame, chosen: str) -> list[Claim]:
    """What the geometry says of halvings, and what the shared sequence costs."""
    claims = []
    for shape in SHAPES:
        expected, text = SLOPES[shape]
        slope, low, high = slope_of(walks[walks["shape"] == shape])
        claims.append(Claim(f"halvings, {shape}: slope", text, slope, low, high, low <= expected <= high))
    wide = walks.pivot_table(index=["exponent", "place"], columns="shape", values="halvings")[[SQUARE, HUNDRED]].dropna()
    extra = (wide[HUNDRED] - wide[SQUARE]).to_numpy()
    middle, half = float(extra.mean()), 2.58 * float(extra.std(ddof=1)) / math.sqrt(len(extra))
    # each of the hundred lies 0 to 4 bits above −log₂ of its area, and so does the single one
    text = f"{math.log2(MANY):.2f} less the luck of the best"
    holds = math.log2(MANY) - 4 <= middle <= math.log2(MANY)
    claims.append(Claim("halvings, hundred squares − one square", text, middle, middle - half, middle + half, holds))
    # all shapes at once: the sum of squares of (simulated − exact)/deviation is χ²; 99.9 %
    from scipy.special import chdtri

    score = ((shared["bits"] - shared["exact"]) / shared["deviation"]).to_numpy()
    measured, most = float((score**2).sum()), float(chdtri(len(score), 1e-3))
    text = f"no shape seen: χ² < {most:.0f}"
    claims.append(Claim("shared sequence, simulated against exact: χ²", text, measured, measured, measured, measured < most))
    low, high = (min(EXPONENTS[chosen]), max(EXPONENTS[chosen]))
    excess = [shared_sequence_bits(2.0**-k) - k for k in (low, high)]
    slope = 1 + (excess[1] - excess[0]) / (high - low)
    far = 1 + (shared_sequence_bits(2.0**-44) - shared_sequence_bits(2.0**-22) - 22) / 22
    text = "1 + O(log k/k), any shape"
    claims.append(Claim(f"shared sequence, δ code: slope, {low} to {high} bits", text, slope, slope, slope, slope < 1.5))
    claims.append(Claim("shared sequence, δ code: slope, 22 to 44 bits", text, far, far, far, 1 <= far < slope))
    area = 2.0**-high
    value = shared_sequence_entropy(area) - high
    close = abs(value - 1 / math.log(2)) < 1e-3
    claims.append(Claim("shared sequence, area known: bits − (−log₂ area)", "log₂ e = 1.4427", value, value, value, close))
    return claims


def draw(walks: pd.DataFrame, shared: pd.DataFrame, averages: pd.DataFrame, seed: int) -> Any:
    """Above: the shapes and the cells walked into. Below: bits, their excess over −log₂ area, and the mean walk."""
    from matplotlib.patches import Rectangle

    from slt_bias.plots import styles

    figure = plots.Picture(figsize=(12.6, 8.2), layout="constrained")
    grid = figure.subplot_mosaic(
        [[f"shape{i}" for i in range(5) for _ in range(3)], ["bits"] * 5 + ["excess"] * 5 + ["mean"] * 5], height_ratios=(1, 1.9)
    )
    resolution = (np.arange(800) + 0.5) / 800
    points = np.stack(np.meshgrid(resolution, resolution, indexing="ij"), axis=-1).reshape(-1, 2)
    for number, shape in enumerate(SHAPES):
        axes, one = grid[f"shape{number}"], region(shape, 2.0**-4, seed, 0)
        inside = one.contains(points).reshape(800, 800).T
        colour = styles.COLOURS[number]
        axes.imshow(np.where(inside, 0.75, 1.0), extent=(0, 1, 0, 1), origin="lower", cmap="gray", vmin=0, vmax=1)
        walk = one.walk()
        axes.add_patch(Rectangle(walk.corner, *walk.sides, facecolor=colour, edgecolor="black", linewidth=1.0))
        axes.set(xticks=[0, 1], yticks=[0, 1], title=shape)
        axes.set_xlabel(f"area 1/16: {walk.bits} halvings,\n{walk.x_cuts} across x and {walk.y_cuts} across y", fontsize=9)
        axes.title.set_fontsize(9)
    bits, excess, mean = grid["bits"], grid["excess"], grid["mean"]
    exponents = np.array(sorted(walks["exponent"].unique()))
    for number, shape in enumerate(SHAPES):
        style = {**styles.line_style(number), "markersize": 4, "linewidth": 1.2}
        rows = walks[walks["shape"] == shape].groupby("exponent")[["area_bits", "halvings"]].mean()
        bits.plot(rows["area_bits"], rows["halvings"], label=f"{shape}: fewest halvings", **style)
        excess.plot(rows["area_bits"], rows["halvings"] - rows["area_bits"], **style)
        rows = averages[averages["shape"] == shape].groupby("exponent")[["area_bits", "mean"]].mean()
        mean.plot(rows["area_bits"], rows["mean"] - rows["area_bits"], **style)
        rows, shift = shared[shared["shape"] == shape], 0.12 * (number - 2)
        simulated = {"marker": style["marker"], "color": style["color"], "markerfacecolor": "white", "markersize": 5,
                     "linestyle": "none", "elinewidth": 0.8}  # fmt: skip
        excess.errorbar(
            rows["area_bits"] + shift, rows["bits"] - rows["area_bits"], yerr=1.96 * rows["deviation"], **simulated
        )
    exact = np.array([shared_sequence_bits(2.0**-k) for k in exponents])
    known = np.array([shared_sequence_entropy(2.0**-k) for k in exponents])
    line = {"color": "black", "linewidth": 1.6}
    for axes, subtract in ((bits, 0 * exponents), (excess, exponents)):
        axes.plot(exponents, exact - subtract, linestyle="-", label="shared random sequence, δ code (exact mean)", **line)
        axes.plot(exponents, known - subtract, linestyle=":", label="shared random sequence, area known (entropy)", **line)
        axes.plot(exponents, exponents - subtract, color="0.55", linewidth=1.0, label="−log₂ area")
    bits.plot([], [], marker="o", color="0.3", markerfacecolor="white", linestyle="none",
              label="hollow marks (middle): shared sequence, simulated (95 %)")  # fmt: skip
    bits.set(xlabel="−log₂ area (bits)", ylabel="bits", title="bits to be inside")
    excess.set(xlabel="−log₂ area (bits)", ylabel="bits above −log₂ area", title="the same, above −log₂ area")
    mean.set(xlabel="−log₂ area (bits)", ylabel="bits above −log₂ area", title="mean walk to a random point, in the best tree")
    for axes in (bits, excess, mean):
        axes.title.set_fontsize(10)
    mean.axhline(0, color="0.55", linewidth=1.0)
    figure.legend(*bits.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5, frameon=False)
    return figure


def main() -> None:
    """Measure, keep the tables, draw, print."""
    chosen = setting(__doc__, "halving_code")
    walks = halvings(chosen.name, chosen.seed)
    shared = sequences(chosen.name, chosen.seed)
    averages = means(chosen.name, chosen.seed)
    for name, frame in (("halvings", walks), ("shared_sequence", shared), ("mean_walks", averages)):
        with replacing(chosen.out / f"{name}.csv") as path:
            frame.to_csv(path, index=False)
    plots.save(draw(walks, shared, averages, chosen.seed), chosen.out / "figure")
    report(chosen, "The halving code: bits to be inside a region of the unit square", claims_of(walks, shared, chosen.name))


if __name__ == "__main__":
    main()
