"""Instances turned, mirrored and relabelled so that equal geometries look alike.

The loss depends on W through WᵀW alone: RW is as good as W for every orthogonal R. Against a reference T, R is the solution of
the orthogonal Procrustes problem (Schönemann 1966): min_R ‖RW − T‖_F is attained by R = UVᵀ, where TWᵀ = UΣVᵀ, and then
‖RW − T‖² = ‖W‖² + ‖T‖² − 2 tr Σ. Where the law treats features alike, their order is free too: `sets` asks for the permutation
of features that keeps the sets (features change places within a set, sets of equal size with one another) of largest tr Σ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.instances import numbers
from slt_bias.subjects.superposition.laws import check_sets

MOST_PERMUTATIONS = 5040  # each costs a singular value decomposition an instance: three sets of three have 1,296
TIE = 1e-9  # permutations whose tr Σ differs by less, relatively, fit alike: the first is taken, so that rounding decides nothing
DEPENDENT = 1e-6  # a feature this near to the span of those before it, relative to the longest, gives no new axis


def align(
    weights: np.ndarray, reference: np.ndarray | None = None, sets: Sequence[Sequence[int]] | None = None
) -> np.ndarray:
    """The weights (…, hidden, features), turned and mirrored, and with `sets` relabelled, to look like the reference.

    reference : (hidden, features); None for the orientation of `upright`.
    sets : every feature in one set, as in `CorrelatedSets`: features may also change places within a set, and whole sets of
    equal size; needs a reference. None: every feature keeps its number.
    Raises InputError for shapes that do not fit, numbers that are not finite, sets that are none, and more than 5,040 orders.
    """
    matrices = _matrices(weights)
    if reference is None:
        if sets is not None:
            raise InputError("sets without a reference: give the instance that the others shall look like.")
        return upright(matrices)
    target = _target(reference, matrices)
    if sets is None:
        return rotation(matrices, target) @ matrices
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    best = np.array([each[:, closest_order(each, target, sets)] for each in flat]).reshape(matrices.shape)
    return rotation(best, target) @ best


def closest_order(weights: np.ndarray, reference: np.ndarray, sets: Sequence[Sequence[int]]) -> np.ndarray:
    """Of the orders of `keeping_sets`, the one for which W[:, order], turned, comes closest to the reference: int64 (features,).

    weights, reference : (hidden, features). Of orders that fit alike the first. Raises InputError as `align`.
    """
    matrix = _matrices(weights)
    target, orders = _target(reference, matrix), keeping_sets(sets)
    if matrix.ndim != 2:
        raise InputError(f"weights of shape {matrix.shape}: give one instance, (hidden, features).")
    if orders.shape[1] != target.shape[1]:
        raise InputError(f"sets of {orders.shape[1]} features and weights of {target.shape[1]}: give sets that hold them all.")
    relabelled = np.moveaxis(matrix[:, orders], 0, 1)  # (orders, hidden, features)
    fits = np.linalg.svd(target @ np.swapaxes(relabelled, -1, -2), compute_uv=False).sum(-1)
    return np.asarray(orders[np.argmax(fits >= fits.max() * (1 - TIE))])


def rotation(weights: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """R (…, hidden, hidden), orthogonal, reflections included, of smallest ‖RW − T‖_F; arguments as in `align`.

    One R turns a whole path of weights to the reference of its last point: `rotation(path[-1], reference) @ path`.
    """
    matrices = _matrices(weights)
    left, _, right = np.linalg.svd(_target(reference, matrices) @ np.swapaxes(matrices, -1, -2))
    return left @ right


def upright(weights: np.ndarray) -> np.ndarray:
    """The weights (…, hidden, features) in an orientation of their own, equal for W and RW, R orthogonal.

    Axes by Gram–Schmidt: the first feature lies along the positive first axis, the next that is independent of it has a
    positive second coordinate and none beyond, and so on. Raises InputError as `align`.
    """
    matrices = _matrices(weights)
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    return np.array([_axes(each) @ each for each in flat]).reshape(matrices.shape)


def keeping_sets(sets: Sequence[Sequence[int]]) -> np.ndarray:
    """All orders of features that keep the sets, int64 (count, features), the identity first; W[:, order] relabels W.

    Two pairs have 2!·2!²= 8, three pairs 48, two sets of three 72. Raises InputError for sets that are none, and more than 5,040.
    """
    checked = check_sets(sets)
    sizes = [len(members) for members in checked]
    count = math.prod(math.factorial(size) for size in sizes)
    count *= math.prod(math.factorial(sizes.count(size)) for size in set(sizes))
    if count > MOST_PERMUTATIONS:
        raise InputError(f"{count:,} orders of features keep these sets, more than {MOST_PERMUTATIONS:,}: leave sets out.")
    return np.array(list(_orders(checked)))


def _orders(sets: tuple[tuple[int, ...], ...]) -> Iterator[np.ndarray]:
    sizes = [len(members) for members in sets]
    for places in itertools.permutations(range(len(sets))):
        if [sizes[place] for place in places] != sizes:
            continue
        for inner in itertools.product(*(itertools.permutations(sets[place]) for place in places)):
            order = np.empty(sum(sizes), np.int64)
            for members, taken in zip(sets, inner, strict=True):
                order[list(members)] = taken
            yield order


def _axes(weights: np.ndarray) -> np.ndarray:
    """Orthonormal rows (hidden, hidden); the first ones from the features in their order, the last ones any."""
    hidden, scale = len(weights), float(np.linalg.norm(weights, axis=0).max(initial=0))
    rows: list[np.ndarray] = []
    for column in (*weights.T, *(scale * np.eye(hidden))):
        rest = column
        for _ in range(2):  # twice is enough for orthogonality to rounding (Kahan, in Parlett 1980)
            for row in rows:
                rest = rest - (row @ rest) * row
        length = float(np.linalg.norm(rest))
        if length > DEPENDENT * scale and len(rows) < hidden:
            rows.append(rest / length)
    return np.array(rows) if rows else np.eye(hidden)


def _target(reference: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    target = numbers(reference, "reference")
    if target.shape != matrices.shape[-2:]:
        raise InputError(f"reference of shape {target.shape}, weights {matrices.shape}: give one instance, (hidden, features).")
    return target


def _matrices(weights: np.ndarray) -> np.ndarray:
    matrices = numbers(weights, "weights")
    if matrices.ndim < 2 or 0 in matrices.shape:
        raise InputError(f"weights of shape {matrices.shape}: give shape (…, hidden, features), none of them 0.")
    return matrices
