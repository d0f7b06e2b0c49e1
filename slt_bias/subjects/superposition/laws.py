"""Data laws of the toy models of superposition: which features are on together, and how strong they are.

A feature that is on is uniform on [0, 1] (in `Binary` it is 1), else it is 0. Source: Elhage et al. 2022, "Toy Models of
Superposition" (independent, correlated and anticorrelated features); Chen et al. 2023, arXiv 2310.06301 (one-hot).

Every law has `features`, `spec`, `draw`, `mean()` = E x and `second_moments()` = E x xᵀ.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError


class Law(Protocol):
    """A law of inputs x with values in [0, 1]."""

    @property
    def features(self) -> int:
        """n, the number of features."""

    @property
    def spec(self) -> str:
        """Canonical text: name and settings. It is part of the key of the random numbers."""

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """`count` examples, float64 (count, features); the first k are the same whatever `count`."""

    def mean(self) -> np.ndarray:
        """E x, shape (features,)."""

    def second_moments(self) -> np.ndarray:
        """E x xᵀ, shape (features, features)."""


@dataclass(frozen=True)
class IndependentFeatures:
    """Each feature is on with its own density 1 − S, independently of the others.

    density : one for all features, or one a feature, in (0, 1].
    """

    features: int
    density: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", check_features(self.features))
        object.__setattr__(self, "density", check_densities(self.density, self.features, "feature"))

    @property
    def spec(self) -> str:
        """Canonical text."""
        return f"independent:features={self.features},density={_text(self.density)}"

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """Examples, float64 (count, features). One uniform u each: on where u < density, and then of value u/density."""
        uniforms = _uniforms(self.spec, seed, purpose, block, count, self.features)
        return np.where(uniforms < self.density, uniforms / self.density, 0.0)

    def mean(self) -> np.ndarray:
        """E xᵢ = densityᵢ/2, shape (features,)."""
        return np.broadcast_to(self.density, self.features) / 2

    def second_moments(self) -> np.ndarray:
        """E x xᵀ: densityᵢ/3 on the diagonal, densityᵢ densityⱼ/4 beside it; (features, features)."""
        return _independent_moments(self.mean(), 2 / 3 * self.mean())


@dataclass(frozen=True)
class Binary:
    """Each feature is 1 with its own density, else 0, independently of the others; settings as in `IndependentFeatures`."""

    features: int
    density: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", check_features(self.features))
        object.__setattr__(self, "density", check_densities(self.density, self.features, "feature"))

    @property
    def spec(self) -> str:
        """Canonical text."""
        return f"binary:features={self.features},density={_text(self.density)}"

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """Examples of 0.0 and 1.0, float64 (count, features)."""
        return (_uniforms(self.spec, seed, purpose, block, count, self.features) < self.density).astype(np.float64)

    def mean(self) -> np.ndarray:
        """E xᵢ = densityᵢ, shape (features,)."""
        return np.broadcast_to(self.density, self.features) + 0.0

    def second_moments(self) -> np.ndarray:
        """E x xᵀ: densityᵢ on the diagonal, densityᵢ densityⱼ beside it; (features, features)."""
        return _independent_moments(self.mean(), self.mean())


@dataclass(frozen=True)
class OneHot:
    """x = μ eᵢ: one feature i of all, each equally likely, with μ uniform on [0, 1] (Chen et al. 2023)."""

    features: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", check_features(self.features))

    @property
    def spec(self) -> str:
        """Canonical text."""
        return f"one-hot:features={self.features}"

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """Examples, float64 (count, features): feature and value are the whole and the broken part of n·uniform."""
        return _one_of(_uniforms(self.spec, seed, purpose, block, count, 1)[:, 0] * self.features, self.features)

    def mean(self) -> np.ndarray:
        """E xᵢ = 1/2n, shape (features,)."""
        return np.full(self.features, 0.5 / self.features)

    def second_moments(self) -> np.ndarray:
        """E x xᵀ = 1/3n times the identity, (features, features)."""
        return np.eye(self.features) / (3 * self.features)


@dataclass(frozen=True)
class _Sets:
    """What the laws of sets share: their fields, the number of features, the text of the settings."""

    _name: ClassVar[str]
    sets: tuple[tuple[int, ...], ...]
    density: float | tuple[float, ...] = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", check_sets(self.sets))
        object.__setattr__(self, "density", check_densities(self.density, len(self.sets), "set"))

    @property
    def features(self) -> int:
        """n, the number of features."""
        return sum(map(len, self.sets))

    @property
    def spec(self) -> str:
        """Canonical text."""
        text = "x".join("-".join(map(str, members)) for members in self.sets)
        return f"{self._name}:sets={text},density={_text(self.density)}"


@dataclass(frozen=True)
class CorrelatedSets(_Sets):
    """Sets of features that are on or off together; the values of those that are on are independent.

    sets : every feature 0 … n − 1 in exactly one set, such as ((0, 1), (2, 3)).
    density : probability that a set is on: one for all, or one a set, in (0, 1].
    """

    _name = "correlated"

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """Examples, float64 (count, features): a uniform for each set, and one for each value."""
        uniforms = _uniforms(self.spec, seed, purpose, block, count, len(self.sets) + self.features)
        on = uniforms[:, : len(self.sets)] < self.density
        return np.where(on[:, set_of_each(self.sets)], uniforms[:, len(self.sets) :], 0.0)

    def mean(self) -> np.ndarray:
        """E xᵢ = half the density of its set, shape (features,)."""
        return np.broadcast_to(self.density, len(self.sets))[set_of_each(self.sets)] / 2

    def second_moments(self) -> np.ndarray:
        """E x xᵀ: density/3 on the diagonal, density/4 within a set, the product of the means across; (features, features)."""
        return _moments(self.mean(), self.sets, self.mean() / 2)


@dataclass(frozen=True)
class AnticorrelatedSets(_Sets):
    """Sets of features of which at most one is on: with the density of the set exactly one, each equally likely.

    sets, density : as in `CorrelatedSets`; a feature of a set of k is on with probability density/k.
    """

    _name = "anticorrelated"

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """Examples, float64 (count, features). One uniform u a set: on where u < density; u/density tells feature and value."""
        uniforms = _uniforms(self.spec, seed, purpose, block, count, len(self.sets)) / self.density
        examples = np.zeros((count, self.features))
        for members, place in zip(self.sets, uniforms.T, strict=True):
            examples[:, members] = np.where(place[:, None] < 1, _one_of(place * len(members), len(members)), 0.0)
        return examples

    def mean(self) -> np.ndarray:
        """E xᵢ = density/2k in a set of k, shape (features,)."""
        shares = np.broadcast_to(self.density, len(self.sets)) / np.array([len(members) for members in self.sets])
        return shares[set_of_each(self.sets)] / 2

    def second_moments(self) -> np.ndarray:
        """E x xᵀ: density/3k on the diagonal, 0 within a set, the product of the means across; (features, features)."""
        return _moments(self.mean(), self.sets, np.zeros(self.features))


def set_of_each(sets: Sequence[Sequence[int]]) -> np.ndarray:
    """The number of the set of each feature, int64 (features,); sets as in `CorrelatedSets`. Raises InputError."""
    checked = check_sets(sets)
    home = np.empty(sum(map(len, checked)), np.int64)
    for number, members in enumerate(checked):
        home[list(members)] = number
    return home


def check_features(features: int) -> int:
    """A whole number of features, at least 1. Raises InputError."""
    try:
        number = operator.index(features)
    except TypeError:
        number = 0
    if number < 1:
        raise InputError(f"features={features!r}: give a whole number, at least 1.")
    return number


def check_densities(density: float | Sequence[float], count: int, unit: str) -> float | tuple[float, ...]:
    """One density, or a tuple of `count`, in (0, 1]. Raises InputError."""
    try:
        values = np.asarray(density, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"density={density!r}: give numbers in (0, 1].") from None
    if values.ndim > 1 or (values.ndim == 1 and len(values) != count):
        raise InputError(f"density has shape {values.shape}: give one number, or one for each {unit}, {count} in all.")
    bad = np.atleast_1d(values)[~((np.atleast_1d(values) > 0) & (np.atleast_1d(values) <= 1))]
    if bad.size:
        raise InputError(f"density={bad[0]:g}: a density is a probability in (0, 1]; leave a feature that is never on out.")
    return tuple(values.tolist()) if values.ndim else float(values)


def check_sets(sets: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Sets that hold every feature 0 … n − 1 exactly once, as tuples. Raises InputError."""
    try:
        checked = tuple(tuple(operator.index(i) for i in members) for members in sets)
    except TypeError:
        raise InputError(f"sets={sets!r}: give sets of feature numbers, such as ((0, 1), (2, 3)).") from None
    if not checked or not all(checked):
        raise InputError(f"sets={sets!r}: give at least one set, and no empty one.")
    members = sorted(i for part in checked for i in part)
    twice = [a for a, b in itertools.pairwise(members) if a == b]
    if twice:
        raise InputError(f"sets: feature {twice[0]} occurs more than once: give sets that do not overlap.")
    if members != list(range(len(members))):
        missing = next(i for i in range(len(members)) if i not in members)
        raise InputError(f"sets: feature {missing} is in no set: number the features from 0 and put each in one set.")
    return checked


def _uniforms(spec: str, seed: int, purpose: streams.Purpose, block: int, count: int, columns: int) -> np.ndarray:
    """Uniforms (count, columns) of a law: its spec is part of the key, so that two laws share no draws."""
    try:
        rows = operator.index(count)
    except TypeError:
        rows = -1
    if rows < 0:
        raise InputError(f"count={count!r}: give a whole number of examples, 0 or larger.")
    return streams.uniforms(seed, ["subjects", "superposition", spec, purpose], block, (rows, columns))


def _one_of(places: np.ndarray, count: int) -> np.ndarray:
    """Rows (…, count) with places − ⌊places⌋ at column ⌊places⌋, else 0."""
    whole = np.floor(places)
    return np.where(whole[:, None] == np.arange(count), (places - whole)[:, None], 0.0)


def _independent_moments(mean: np.ndarray, squares: np.ndarray) -> np.ndarray:
    moments = np.outer(mean, mean)
    moments[np.diag_indices(len(mean))] = squares
    return moments


def _moments(mean: np.ndarray, sets: tuple[tuple[int, ...], ...], within: np.ndarray) -> np.ndarray:
    """E x xᵀ of sets: 2/3 of the mean on the diagonal, `within` (a row's value) in a set, the product of the means across."""
    home = set_of_each(sets)
    moments = np.where(home[:, None] == home, within[:, None], np.outer(mean, mean))
    moments[np.diag_indices(len(mean))] = 2 / 3 * mean
    return moments


def _text(density: float | tuple[float, ...]) -> str:
    return "x".join(map(repr, density)) if isinstance(density, tuple) else repr(density)
