"""The geometry of a model: groups of features in orthogonal subspaces, and the name of the polytope that each group forms.

Features are joined where the cosine of their directions is not 0 within a tolerance; the connected components lie in
orthogonal subspaces, the factors of a tegum product (Elhage et al. 2022, "The Geometry of Superposition"). A component has
the name of a polytope where its Gram matrix of unit vectors agrees with that of the vertices, up to permutation, in every
entry within the tolerance; rotations and reflections leave the Gram matrix as it is.

The square antiprism is a family: vertices at heights ±z on the unit sphere, z from 0.50 (equal edges: 0.511) to 0.60 (the
8 electrons of Thomson's problem: 0.560; Dᵢ = 3/8 for each vertex: 1/√3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.measures import norms, unit_columns

IRREGULAR = "irregular"
LARGEST_POLYGON = 12
POLYGONS = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon"}
PRODUCTS = {
    ("digon", "digon"): "square",
    ("digon", "digon", "digon"): "octahedron",
    ("digon", "triangle"): "triangular bipyramid",
    ("digon", "pentagon"): "pentagonal bipyramid",
}


@dataclass(frozen=True)
class Component:
    """Features that share a subspace, orthogonal to all others.

    name : of the polytope, "single" for a feature with a dimension of its own, or "irregular".
    features : their numbers, ascending.
    dimension : of the subspace that the named polytope spans; of an irregular one the rank, to the tolerance.
    deviation : largest difference between the Gram matrix and the polytope's; NaN where irregular.
    """

    name: str
    features: tuple[int, ...]
    dimension: int
    deviation: float


def components(weights: np.ndarray, represented: float = 0.5, tolerance: float = 0.1) -> tuple[Component, ...]:
    """The components of one instance, weights (hidden, features), in the order of their first features.

    represented : features with ‖Wᵢ‖ at most this are left out.
    tolerance : cosines within this of 0 count as 0, and Gram matrices that agree within this are the same; below 0.3.
    """
    return tuple(_named(part, features, tolerance) for part, features in _connected(weights, represented, tolerance))


def tegum_product(names: Iterable[str]) -> str:
    """The name of polytopes in orthogonal subspaces together: three digons are an "octahedron"; else "2 × digon + pentagon"."""
    counts = Counter(names)
    if not counts:
        return "empty"
    known = PRODUCTS.get(tuple(sorted(counts.elements())))
    return known or " + ".join(name if count == 1 else f"{count} × {name}" for name, count in sorted(counts.items()))


def connected_components(weights: np.ndarray, represented: float = 0.5, tolerance: float = 0.1) -> tuple[tuple[int, ...], ...]:
    """The features of each component without naming it; arguments as in `components`."""
    return tuple(features for _, features in _connected(weights, represented, tolerance))


def _connected(weights: np.ndarray, represented: float, tolerance: float) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
    """The Gram matrix of unit vectors and the features of each component."""
    from scipy.sparse.csgraph import connected_components as label

    if np.ndim(weights) != 2:
        raise InputError(f"weights of shape {np.shape(weights)}: give one instance, (hidden, features).")
    if not 0 < tolerance < 0.3:
        raise InputError(f"tolerance={tolerance!r}: give a number between 0 and 0.3, where polytopes can still be told apart.")
    if not 0 <= represented < float("inf"):
        raise InputError(f"represented={represented!r}: give the norm above which a feature counts, 0 or larger.")
    kept = np.flatnonzero(norms(weights) > represented)
    if not len(kept):
        return
    units = unit_columns(weights)[:, kept]
    gram = units.T @ units
    count, labels = label(np.abs(gram) > tolerance, directed=False)
    for members in sorted((np.flatnonzero(labels == number) for number in range(count)), key=lambda part: int(part[0])):
        yield gram[np.ix_(members, members)], tuple(kept[members].tolist())


def _named(gram: np.ndarray, features: tuple[int, ...], tolerance: float) -> Component:
    best = Component(IRREGULAR, features, int((np.linalg.eigvalsh(gram) > max(tolerance, 1e-9)).sum()), float("nan"))
    for name, dimension, template in _templates(len(features)):
        deviation = _match(gram, template, tolerance)
        if deviation is not None and not deviation >= best.deviation:
            best = Component(name, features, dimension, deviation)
    return best


def _match(gram: np.ndarray, template: np.ndarray, tolerance: float) -> float | None:
    """The largest |Gᵢⱼ − T_p(i)p(j)| of a permutation p that keeps all below the tolerance; None where there is none.

    Vertices are placed one after another, the nearest fit first, and taken back at the first contradiction. The vertices of
    each template are alike, so the first may go to any place.
    """
    size = len(gram)
    if np.abs(np.sort(gram, axis=None) - np.sort(template, axis=None)).max() > tolerance:  # no permutation can do better
        return None
    places = [0]

    def extend() -> bool:
        at = len(places)
        if at == size:
            return True
        free = [v for v in range(size) if v not in places]
        worst = {v: float(np.abs(gram[at, :at] - template[v, places]).max()) for v in free}
        for v in sorted(free, key=worst.__getitem__):
            if worst[v] > tolerance:
                return False
            places.append(v)
            if extend():
                return True
            places.pop()
        return False

    return float(np.abs(gram - template[np.ix_(places, places)]).max()) if extend() else None


@cache
def _templates(size: int) -> tuple[tuple[str, int, np.ndarray], ...]:
    """(name, dimension, Gram matrix) of the connected polytopes with so many vertices."""
    found: list[tuple[str, int, np.ndarray]] = []
    if size == 1:
        found.append(("single", 1, np.ones((1, 1))))
    if size == 2:
        found.append(("digon", 1, np.array([[1.0, -1.0], [-1.0, 1.0]])))
    if 3 <= size <= LARGEST_POLYGON and size != 4:
        steps = np.arange(size)
        name = POLYGONS.get(size, f"{size}-gon")
        found.append((name, 2, np.cos(2 * np.pi * (steps[:, None] - steps) / size)))
    if 4 <= size <= 6:
        name = {4: "tetrahedron", 5: "4-simplex", 6: "5-simplex"}[size]
        found.append((name, size - 1, np.eye(size) * size / (size - 1) - 1 / (size - 1)))
    if size == 8:
        found.extend(("square antiprism", 3, _antiprism(z)) for z in np.linspace(0.5, 0.6, 11))
    return tuple(found)


def _antiprism(height: float) -> np.ndarray:
    angles = np.pi / 4 * np.arange(8)
    heights = height * (-1.0) ** np.arange(8)
    return np.outer(heights, heights) + (1 - height**2) * np.cos(angles[:, None] - angles)
