"""A search for all critical points of the one-hot model with two hidden dimensions: the k-gons are not the only ones.

From many starts ‖∇L‖² is brought to 0 by Levenberg and Marquardt's method (Marquardt 1963) with the exact Hessian H,
    w ← w − (H² + μI)⁻¹ H ∇L,
which finds saddles as well as minima. Points that differ by a permutation, a rotation or a reflection, or in features whose
output is 0 for every input, are one class: the same loss, and the same norms and biases of the features that are on.

"All" means: all that so many starts found. With N starts that converged, n₁ classes seen once and n₂ twice, the chance that
another start ends at a new class is about n₁/N (Good 1953), and at least n₁(n₁ − 1)/(2(n₂ + 1)) classes are missing (Chao 1984).
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.subjects.superposition.critical import OFF, polygons
from slt_bias.subjects.superposition.laws import check_features
from slt_bias.subjects.superposition.one_hot import fast_gradient, one_hot_hessian

HIDDEN = 2
BLOCK = 1000  # starts that are worked on at once
MOST_STEPS = 240
WINDOW = 12  # steps in which ‖∇L‖² must halve, else a start is given up
CONVERGED = 1e-9  # ‖∇L‖
ZERO = 1e-6  # eigenvalues, and arguments of the relu at its kink, that count as 0
ON = 1e-3  # the largest argument of a feature's relu from which on it is on: at the edge of a plateau ‖∇L‖ vanishes as its square
ALONG_DESCENT = (3, 10, 30, 100, 300, 1000)  # steps of gradient descent after which a start is taken
RATE = 0.5
BALL = 1e-3  # radius in which a lower loss is looked for
TRIES, TURNS = 16, 120
LARGEST = 10  # features


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A class of critical points.

    name : "5+" where the features that are on form this k-gon (k = 0 and 1 too), else "".
    loss : no factor ½. weights : (2, features) and biases : (features,) of the member with the fewest descending directions.
    minimum : no lower loss nearby. It may lie on a plateau, where features that are off move freely.
    descending : negative eigenvalues of the Hessian; None where L has no Hessian (bⱼ = 0 = Gᵢⱼ).
    flat : its zero eigenvalues: the rotation and the free directions; None likewise.
    on : how many features have an output that is not 0 for every input; positive : how many of them have a bias above 0.
    found : starts that ended here.
    """

    name: str
    loss: float
    minimum: bool
    descending: int | None
    flat: int | None
    on: int
    positive: int
    found: int
    weights: np.ndarray
    biases: np.ndarray


@dataclass(frozen=True, eq=False)
class CriticalPoints:
    """What a search found: points by ascending loss; starts, and how many of them converged."""

    features: int
    points: tuple[CriticalPoint, ...]
    starts: int
    converged: int

    @cached_property
    def _seen(self) -> Counter[int]:
        return Counter(point.found for point in self.points)

    @property
    def chance_of_a_new_one(self) -> float:
        """That one more converged start ends at a class not seen yet (Good 1953)."""
        return self._seen[1] / max(self.converged, 1)

    @property
    def missing(self) -> float:
        """A lower bound, on average, of the number of classes not seen (Chao 1984, bias-corrected)."""
        return self._seen[1] * (self._seen[1] - 1) / (2 * (self._seen[2] + 1))


def critical_points(features: int, starts: int | None = None, seed: int = 0, workers: int | None = None) -> CriticalPoints:
    """All classes of critical points that `starts` starts find.

    starts : None: 2,000 at 4 features, twice as many for each more, at most 20,000.
    Half of them are normal draws of all sizes, a quarter has k features around the unit circle and the others near 0
    with biases of either sign, a quarter lies along paths of gradient descent, which pass the saddles that matter.
    workers : threads, None: one a core; the result does not depend on it.
    Raises InputError for fewer than 2 or more than 10 features, or fewer than 1 start.
    """
    count = check_features(features)
    if not 2 <= count <= LARGEST:
        raise InputError(f"features={count}: give 2 to {LARGEST}; beyond, a search by starts does not come to an end.")
    wanted = min(2000 * 2 ** max(count - 4, 0), 20_000) if starts is None else starts
    if wanted < 1:
        raise InputError(f"starts={starts!r}: give a whole number, at least 1.")

    def work(block: int) -> tuple[np.ndarray, np.ndarray]:
        ends, values, slopes = solve(_starts(count, seed, block)[: wanted - block * BLOCK], count)
        good = np.square(slopes).sum(1) < CONVERGED**2
        return ends[good], values[good]

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        parts = list(pool.map(work, range(-(-wanted // BLOCK))))
    places, losses = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return CriticalPoints(count, _classes(places, losses, count, seed), wanted, len(losses))


def solve(start: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, losses and gradients where the steps from each row of start (k, 3·features), (W row by row, b), end."""
    places = start.copy()
    losses, slopes = _gradient(places, features)
    sizes, damping = np.square(slopes).sum(1), np.full(len(places), 1e-2)
    before, active = sizes.copy(), np.arange(len(places))
    for step in range(1, MOST_STEPS + 1):
        hessian = _hessian(places[active], features)
        normal = hessian @ hessian
        normal[:, np.arange(normal.shape[1]), np.arange(normal.shape[1])] += damping[active, None]
        move = np.linalg.solve(normal, -(hessian @ slopes[active, :, None]))[..., 0]
        move /= np.maximum(1.0, np.linalg.norm(move, axis=1, keepdims=True))
        tried = places[active] + move
        values, gradients = _gradient(tried, features)
        size = np.square(gradients).sum(1)
        better = size < sizes[active]
        rows = active[better]
        places[rows], losses[rows], slopes[rows], sizes[rows] = tried[better], values[better], gradients[better], size[better]
        damping[active] = np.where(better, np.maximum(damping[active] / 5, 1e-16), damping[active] * 4)
        going = (sizes[active] > 1e-24) & (damping[active] < 1e4)
        if step % WINDOW == 0:
            going &= sizes[active] < before[active] / 2
            before[active] = sizes[active]
        active = active[going]
        if not len(active):
            break
    return places, losses, slopes


def _starts(features: int, seed: int, block: int) -> np.ndarray:
    """A block of starts, (BLOCK, 3·features), shuffled so that any number of first rows has all kinds."""
    half, quarter = BLOCK // 2, BLOCK // 4
    width = (HIDDEN + 1) * features

    def uniforms(kind: str, rows: int, columns: int) -> np.ndarray:
        return streams.uniforms(seed, ["subjects", "superposition", "critical points", features, kind], block, (rows, columns))

    def broad(kind: str, rows: int, scale: float) -> np.ndarray:
        noise = streams.normals(seed, ["subjects", "superposition", "critical points", features, kind], block, (rows, width))
        size = uniforms(kind, rows, 2)
        weights = (0.3 + 1.2 * size[:, :1]) * noise[:, : HIDDEN * features]
        return scale * np.concatenate([weights, (0.05 + 0.75 * size[:, 1:]) * noise[:, HIDDEN * features :] - 0.1], 1)

    choice, many = uniforms("choice", quarter, 2), uniforms("near", quarter, 4 * features).reshape(quarter, 4, features)
    on = np.arange(features) < np.floor((features + 1) * choice[:, :1])
    angle, radius = 2 * np.pi * many[:, 0], np.where(on, 0.8 + 0.6 * many[:, 1], 0.1 * many[:, 1])
    rest = np.where(many[:, 2] < choice[:, 1:], 1 / (2 * features), -many[:, 3])
    near = np.concatenate([radius * np.cos(angle), radius * np.sin(angle), np.where(on, 0.8 * many[:, 3] - 0.7, rest)], 1)
    paths, each = [], -(-quarter // len(ALONG_DESCENT))
    place = broad("paths", each, 0.3)
    for step in range(1, ALONG_DESCENT[-1] + 1):
        place = place - RATE * _gradient(place, features)[1]
        if step in ALONG_DESCENT:
            paths.append(place)
    rows = np.concatenate([broad("broad", half, 1.0), near, np.concatenate(paths)[:quarter]])
    return rows[np.argsort(uniforms("order", 1, BLOCK)[0])]


def _classes(places: np.ndarray, losses: np.ndarray, features: int, seed: int) -> tuple[CriticalPoint, ...]:
    """The places sorted into classes."""
    places, on = _simplified(places, losses, features)
    weights, biases = _split(places, features)
    keys = _keys(losses, np.linalg.norm(weights, axis=1), biases, on)
    numbers: dict[Any, int] = {}
    member = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    eigenvalues = np.linalg.eigvalsh(_hessian(places, features))
    descending, flat = (eigenvalues < -ZERO).sum(1), (np.abs(eigenvalues) <= ZERO).sum(1)
    order = np.lexsort((-flat, descending, member))  # the first of each class descends in the fewest directions
    first = order[np.searchsorted(member[order], np.arange(len(numbers)))]
    lower = _lower_nearby(places[first], losses[first], features, seed)
    smooth = _has_hessian(places[first], features)
    names = _names(features)
    points = []
    for number, (key, place) in enumerate(zip(numbers, first, strict=True)):
        index = int(descending[place]) if smooth[number] else None
        points.append(
            CriticalPoint(
                name=names.get(key[1:], ""),
                loss=float(losses[place]),
                minimum=not (lower[number] or index),
                descending=index,
                flat=int(flat[place]) if smooth[number] else None,
                on=int(on[place].sum()),
                positive=int((on[place] & (biases[place] > ON)).sum()),
                found=int((member == number).sum()),
                weights=weights[place].copy(),
                biases=biases[place].copy(),
            )
        )
    return tuple(sorted(points, key=lambda point: (point.loss, point.descending is None, point.descending)))


def _simplified(places: np.ndarray, losses: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Features that are off moved to W = 0, b = −1, where this leaves a critical point of the same loss, else to a lower bias.

    Returns the places and which features are on, (k, features).
    """
    places = places.copy()
    weights, biases = _split(places, features)
    arguments = np.maximum(biases, (np.swapaxes(weights, 1, 2) @ weights + biases[:, None, :]).max(1))
    on = arguments > ON
    for j in range(features):
        rows = np.flatnonzero(~on[:, j])
        for columns in ((j, features + j), ()):
            tried = places[rows]
            tried[:, columns] = 0.0
            square = np.square(tried[:, [j, features + j]]).sum(1)
            tried[:, HIDDEN * features + j] = OFF - square
            values, slopes = _gradient(tried, features)
            kept = (np.abs(values - losses[rows]) < 1e-8) & (np.abs(slopes).max(1) < 1e-7)
            places[rows[kept]] = tried[kept]
            rows = rows[~kept]
    return places, on


def _keys(losses: np.ndarray, norms: np.ndarray, biases: np.ndarray, on: np.ndarray) -> list[tuple[Any, ...]]:
    """What members of a class share: the loss to 10⁻⁶; and sorted (norm, bias) of the features that are on, to 0.01.

    The rounding is shifted, so that 0, 1 and 1/2c do not lie where it jumps.
    """
    pairs = np.round(np.stack([norms, biases], -1) / 0.01 + 0.137).astype(int)
    return [
        (round(loss * 1e6), tuple(sorted(map(tuple, pair[live].tolist()))))
        for loss, pair, live in zip(losses, pairs, on, strict=True)
    ]


def _names(features: int) -> dict[Any, str]:
    """The key of each k-gon without its loss → its name."""
    norms, biases, on, names = [], [], [], []
    for point in polygons(features):
        norms.append(np.linalg.norm(point.weights, axis=0))
        biases.append(point.biases)
        on.append(np.arange(features) < point.vertices + point.positive)
        names.append(point.name)
    for vertices in (0, 1):
        for positive in range(features - vertices + 1):
            live = np.arange(features) < vertices + positive
            norms.append(np.arange(features) < vertices)
            biases.append(np.where(np.arange(features) < vertices, 0.0, 1 / (2 * features)))
            on.append(live)
            names.append(f"{vertices}{'+' * positive}")
    keys = _keys(np.zeros(len(names)), np.array(norms, float), np.array(biases), np.array(on))
    return {key[1:]: name for key, name in zip(keys, names, strict=True)}


def _lower_nearby(places: np.ndarray, losses: np.ndarray, features: int, seed: int) -> np.ndarray:
    """Whether a small ball around each place holds a lower loss: descent inside it, pushed to its surface, from random places."""
    width = places.shape[1]
    found = np.zeros(len(places), bool)
    purpose: streams.Purpose = ["subjects", "superposition", "critical points", features, "nearby"]
    for turn in range(TRIES):
        rows = np.flatnonzero(~found)
        if not len(rows):
            break
        away = streams.normals(seed, purpose, turn, (len(rows), width)).astype(np.float64)
        for _ in range(TURNS):
            away *= BALL / np.linalg.norm(away, axis=1, keepdims=True)
            values, slopes = _gradient(places[rows] + away, features)
            away = away - RATE * slopes
        # a negative curvature of 10⁻⁴ or more
        found[rows] = values < losses[rows] - 0.5e-4 * BALL**2
    return found


def _has_hessian(places: np.ndarray, features: int) -> np.ndarray:
    """Whether no pair has both Gᵢⱼ = 0 and bⱼ = 0."""
    weights, biases = _split(places, features)
    gram = np.swapaxes(weights, 1, 2) @ weights
    return ~((np.abs(gram) < ZERO) & (np.abs(biases) < ZERO)[:, None, :]).any((1, 2))


def _split(places: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    cut = HIDDEN * features
    return np.ascontiguousarray(places[:, :cut]).reshape(-1, HIDDEN, features), np.ascontiguousarray(places[:, cut:])


def _gradient(places: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    weights, biases = _split(places, features)
    losses, by_weights, by_bias = fast_gradient(weights, biases, np.ones_like(biases))
    return losses, np.concatenate([by_weights.reshape(len(places), HIDDEN * features), by_bias], 1)


def _hessian(places: np.ndarray, features: int) -> np.ndarray:
    return one_hot_hessian(*_split(places, features))
