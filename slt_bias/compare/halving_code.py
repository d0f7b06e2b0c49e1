"""The halving code: how many bits it takes to walk into a region of the unit square, and how to need no more than −log₂ area.

A walk starts from the whole square; each bit keeps one half of the present cell, cut across x or across y, and the walk
ends when the cell lies inside the region. After a cuts across x and b across y the cell is dyadic with area 2^−(a+b), so

    bits = min {a + b : a cell of 2^−a × 2^−b lies inside the region} ≥ −log₂ area,

with equality only where the region is such a cell. Whatever the tree of cuts, walks to uniformly random points of a region
take −log₂ area + H bits on average, H the entropy of the cell that they end in: halving tells not only that one is inside
but also where. For a strip of width w: log₂ 1/w bits along an axis, 2 log₂ 1/w around y = x (the cell must be small both
ways), 3/2 log₂ 1/w around a curve with a level point (there a cell may be √w wide).

A shared random sequence of points does not tell where: the first of them inside the region has index i with
P(i) = A(1 − A)^(i−1), A the area, whatever the shape; its number costs log₂ i + 2 log₂ log₂ i + O(1) bits in Elias' δ code
(Elias 1975, IEEE Trans. Inf. Theory 21, 194), on average −log₂ A + O(log log 1/A).
All lengths are in bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError, ResultError

Curve = Literal["diagonal", "sinusoid"]

AMPLITUDE = 0.25  # of the sinusoid ½ + ¼ sin 2πx
MOST_CUTS = 26  # across x: 2²⁶ columns are looked at together
FINEST = 50  # cuts across y: beyond, rounding moves the edges
POINTS = 2**13  # of the shared sequence, drawn together
MOST_POINTS = 2**32
LARGEST_GRID = 2**11


@dataclass(frozen=True)
class Walk:
    """The shortest walk into a region: `bits` = x_cuts + y_cuts, and the lower left corner of the cell it ends in."""

    x_cuts: int
    y_cuts: int
    corner: tuple[float, float]

    @property
    def bits(self) -> int:
        """How many halvings the walk takes."""
        return self.x_cuts + self.y_cuts

    @property
    def sides(self) -> tuple[float, float]:
        """Width and height of the cell."""
        return 2.0**-self.x_cuts, 2.0**-self.y_cuts


class Region(Protocol):
    """A part of the unit square."""

    @property
    def area(self) -> float:
        """In (0, 1]."""
        ...

    def contains(self, points: np.ndarray) -> np.ndarray:
        """bool (count,) for points (count, 2)."""
        ...

    def walk(self) -> Walk:
        """The shortest walk when the axis of each cut is free."""
        ...

    def alternating(self) -> int:
        """The halvings of the shortest walk when the cuts take turns: across x, across y, across x, …"""
        ...


@dataclass(frozen=True)
class Strip:
    """{|y − g(x)| ≤ half_width} in the unit square: g(x) = x ("diagonal") or ½ + ¼ sin 2πx ("sinusoid").

    half_width : vertical, in (0, 1] or, for the sinusoid, in (0, ¼], where nothing is cut off. Raises InputError.
    """

    curve: Curve
    half_width: float

    def __post_init__(self) -> None:
        most = {"diagonal": 1.0, "sinusoid": 0.5 - AMPLITUDE}.get(self.curve)
        if most is None:
            raise InputError(f"curve = {self.curve!r}: give diagonal or sinusoid.")
        if not 2.0**-40 <= self.half_width <= most:
            raise InputError(f"half_width = {self.half_width}: give a number from 2⁻⁴⁰ to {most:g} for the {self.curve}.")

    @property
    def area(self) -> float:
        """2h − h² around the diagonal, whose corners are cut off; 2h around the sinusoid."""
        return 2 * self.half_width - (self.half_width**2 if self.curve == "diagonal" else 0.0)

    def contains(self, points: np.ndarray) -> np.ndarray:
        """bool (count,) for points (count, 2)."""
        return np.abs(points[:, 1] - _height(self.curve, points[:, 0])) <= self.half_width

    def spans(self, x_cuts: int) -> tuple[np.ndarray, np.ndarray]:
        """(low, high), (2^x_cuts,) each: the y that are inside for every x of a column; low > high where there is none."""
        edges = np.arange(2**x_cuts + 1) * 2.0**-x_cuts
        height = _height(self.curve, edges)
        least, greatest = np.minimum(height[:-1], height[1:]), np.maximum(height[:-1], height[1:])
        if self.curve == "sinusoid" and x_cuts < 2:  # from two cuts on the turning points ¼ and ¾ are edges
            greatest[0] = 0.5 + AMPLITUDE
            least[-1] = 0.5 - AMPLITUDE
        return np.maximum(greatest - self.half_width, 0.0), np.minimum(least + self.half_width, 1.0)

    def walk(self) -> Walk:
        """The shortest walk when the axis of each cut is free. Raises ResultError where it is finer than 2⁻⁵⁰."""
        best: Walk | None = None
        least_b = max(0, math.ceil(-math.log2(min(1.0, 2 * self.half_width))))
        for a in range(MOST_CUTS + 1):
            if best is not None and a + least_b >= best.bits:
                return best
            low, high = self.spans(a)
            for b in range(least_b, FINEST if best is None else best.bits - a):
                column = _first_holding(low, high, b)
                if column is not None:
                    best = Walk(a, b, (column * 2.0**-a, float(np.ceil(low[column] * 2.0**b)) * 2.0**-b))
                    break
        raise ResultError(f"no walk of {MOST_CUTS} cuts across x leads into {self}: give a wider strip.")

    def alternating(self) -> int:
        """The halvings of the shortest walk when the cuts take turns. Raises ResultError as `walk`."""
        for bits in range(2 * MOST_CUTS):
            if _first_holding(*self.spans(-(-bits // 2)), bits // 2) is not None:
                return bits
        raise ResultError(f"no walk of {2 * MOST_CUTS} halvings leads into {self}: give a wider strip.")


@dataclass(frozen=True, eq=False)
class Rectangles:
    """A union of axis-aligned rectangles that do not touch one another: corners (lower left) and sides, float64 (count, 2).

    Raises InputError where one leaves the unit square or two touch: a cell could then lie in both.
    """

    corners: np.ndarray
    sides: np.ndarray

    def __post_init__(self) -> None:
        low, high = self.corners, self.corners + self.sides
        if low.ndim != 2 or low.shape[1] != 2 or self.sides.shape != low.shape or len(low) == 0:
            raise InputError(f"rectangles: corners {low.shape} and sides {self.sides.shape}: give both as (count, 2).")
        if not (np.all(low >= 0) and np.all(high <= 1) and np.all(self.sides > 0)):
            raise InputError("rectangles: each must lie in the unit square and have sides above 0.")
        overlapping = np.all((low[:, None] <= high[None]) & (low[None] <= high[:, None]), axis=2)
        if int(overlapping.sum()) > len(low):
            raise InputError("rectangles: two of them touch or overlap; give rectangles that lie apart.")

    @property
    def area(self) -> float:
        """The sum of the areas."""
        return float(self.sides.prod(axis=1).sum())

    def contains(self, points: np.ndarray) -> np.ndarray:
        """bool (count,) for points (count, 2)."""
        inside = np.zeros(len(points), bool)
        x, y = points.T.copy()
        for (left, bottom), (right, top) in zip(self.corners, self.corners + self.sides, strict=True):
            inside |= (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        return inside

    def walk(self) -> Walk:
        """The shortest walk when the axis of each cut is free: that into the best of the rectangles."""
        cuts = self._cuts()
        best = int(cuts.sum(axis=1).argmin())
        a, b = map(int, cuts[best])
        x, y = np.ceil(self.corners[best] * 2.0 ** cuts[best]) * 2.0 ** -cuts[best].astype(float)
        return Walk(a, b, (float(x), float(y)))

    def alternating(self) -> int:
        """The halvings of the shortest walk when the cuts take turns: a of them across x are reached with the (2a − 1)-th."""
        cuts = self._cuts()
        return int(np.maximum(np.maximum(2 * cuts[:, 0] - 1, 0), 2 * cuts[:, 1]).min())

    def _cuts(self) -> np.ndarray:
        """int64 (count, 2): the fewest cuts after which a dyadic interval lies inside each side."""
        low, high = self.corners, self.corners + self.sides
        cuts = np.full(low.shape, -1, np.int64)
        for b in range(FINEST):
            cuts = np.where((cuts < 0) & _holds(low, high, b), b, cuts)
        if np.any(cuts < 0):
            raise ResultError(f"rectangles: a side is below 2⁻{FINEST}: too fine to walk into.")
        return cuts


@dataclass(frozen=True)
class Tree:
    """The best trees of bisections for a region of pixels, in bits.

    least : the shortest walk into the region. mean : the mean length of the walk to a uniformly random point of it, in the
    tree for which that mean is least. area : of the region; mean − (−log₂ area) is the entropy of the cell walked into.
    """

    least: int
    mean: float
    area: float


def bisection_tree(pixels: np.ndarray) -> Tree:
    """Dynamic programming over all dyadic cells of a grid, the axis of each cut chosen freely.

    pixels : bool (2^m, 2^n), first axis x, with True inside the region. With v the area of a cell that lies in the region,

        least(cell) = 0 if inside, else 1 + min over both axes and halves of least(half)
        cost(cell) = 0 if inside or v = 0, else v + min over axes of cost(one half) + cost(other half)
        mean = cost/v at the root

    Raises InputError for another shape, for more than 2048 pixels a side and where no pixel is inside.
    """
    wide, high = pixels.shape if pixels.ndim == 2 else (0, 0)
    if not all(0 < side <= LARGEST_GRID and side & (side - 1) == 0 for side in (wide, high)) or not pixels.any():
        raise InputError(f"pixels {pixels.shape}: give powers of two up to {LARGEST_GRID}, with a pixel inside the region.")
    column: list[np.ndarray] | None = None  # tables (volume, least, cost) for one more cut across x, by cuts across y
    for a in range(wide.bit_length() - 1, -1, -1):
        new: list[np.ndarray] = []
        for b in range(high.bit_length() - 1, -1, -1):
            shape = (2**a, 2**b)
            share = pixels.reshape(shape[0], wide // shape[0], shape[1], high // shape[1]).mean(axis=(1, 3))
            volume = share / (shape[0] * shape[1])
            least = np.full(shape, np.inf)
            cost = np.full(shape, np.inf)
            if column is not None:
                _, below, spent = column[len(new)]
                least = np.minimum(least, 1 + np.minimum(below[0::2], below[1::2]))
                cost = np.minimum(cost, spent[0::2] + spent[1::2])
            if new:
                _, below, spent = new[-1]
                least = np.minimum(least, 1 + np.minimum(below[:, 0::2], below[:, 1::2]))
                cost = np.minimum(cost, spent[:, 0::2] + spent[:, 1::2])
            decided = (share == 0) | (share == 1)
            least = np.where(share == 1, 0.0, np.where(share == 0, np.inf, least))
            new.append(np.stack([volume, least, np.where(decided, 0.0, volume + cost)]))
        column = new
    assert column is not None
    area, least_bits, total = (float(table) for table in column[-1][:, 0, 0])
    return Tree(int(least_bits), total / area, area)


def elias_delta(index: int | np.ndarray) -> np.ndarray:
    """The length in bits of Elias' δ code of whole numbers from 1 to 2⁵³: N + 2⌊log₂(N + 1)⌋ + 1 with N = ⌊log₂ index⌋.

    Raises InputError for a number below 1.
    """
    numbers = np.asarray(index)
    if np.any(numbers < 1):
        raise InputError("elias_delta: numbers start at 1.")
    digits = np.frexp(numbers.astype(np.float64))[1] - 1
    return digits + 2 * (np.frexp((digits + 1).astype(np.float64))[1] - 1) + 1


def shared_sequence_bits(area: float) -> float:
    """The mean length of the δ code of the first shared random point inside a region of this area, exactly.

    Σ_N length(N) · P(2^N ≤ i < 2^(N+1)), with P(i ≥ k) = (1 − A)^(k−1). Raises InputError for an area outside (0, 1].
    """
    _check_area(area)
    powers = 2.0 ** np.arange(0, 52)
    if area == 1:
        return float(elias_delta(1))
    beyond = np.exp((powers - 1) * math.log1p(-area))  # P(i ≥ 2^N)
    return float(elias_delta(powers[:-1]) @ (beyond[:-1] - beyond[1:]))


def shared_sequence_entropy(area: float) -> float:
    """The entropy of that index: no code needs less on average, and Golomb's reaches it within a bit where A is known.

    [−A log₂ A − (1 − A) log₂(1 − A)]/A → −log₂ A + log₂ e for small A. Raises InputError for an area outside (0, 1].
    """
    _check_area(area)
    return float(-math.log2(area) - (1 - area) / area * math.log1p(-area) / math.log(2)) if area < 1 else 0.0


def first_inside(region: Region, seed: int = 0, sequence: int = 0) -> int:
    """The index, from 1, of the first point of a shared random sequence that lies in the region.

    sequence : the number of the sequence, so that several can be tried. Raises ResultError after 2³² points.
    """
    for block in range(MOST_POINTS // POINTS):
        points = streams.uniforms(seed, ["shared sequence", sequence], block, (POINTS, 2))
        inside = region.contains(points)
        if inside.any():
            return block * POINTS + int(inside.argmax()) + 1
    raise ResultError(f"none of {MOST_POINTS} points lies in the region of area {region.area:.3g}.")


def _height(curve: Curve, x: np.ndarray) -> np.ndarray:
    return x if curve == "diagonal" else 0.5 + AMPLITUDE * np.sin(2 * np.pi * x)


def _holds(low: np.ndarray, high: np.ndarray, cuts: int) -> np.ndarray:
    """Whether [low, high] has a dyadic interval of length 2^−cuts inside; scaling by powers of two is exact."""
    return np.ceil(low * 2.0**cuts) + 1 <= np.floor(high * 2.0**cuts)


def _first_holding(low: np.ndarray, high: np.ndarray, cuts: int) -> int | None:
    holding = _holds(low, high, cuts)
    return int(holding.argmax()) if holding.any() else None


def _check_area(area: float) -> None:
    if not 2.0**-45 <= area <= 1:
        raise InputError(f"area = {area}: give a number from 2⁻⁴⁵ to 1.")
