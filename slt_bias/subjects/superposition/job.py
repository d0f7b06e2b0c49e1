"""What training is given and where its results go: shared by `sampled` and `exact`, which take some instances of it each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slt_bias.subjects.superposition.model import Model


@dataclass(frozen=True, eq=False)
class Job:
    """Instances cell · seeds + seed of a model; rates : learning rate of each step; batch : None for the exact loss.

    bounds : ascending steps, 0 first, after which weights are kept.
    matrices : W, with V below it for kind "absolute", (bounds, instances, rows, features); offsets : b, (bounds, instances,
    features). The first of each is the start; training fills in the others.
    """

    model: Model
    seeds: Sequence[int]
    rates: np.ndarray
    batch: int | None
    bounds: Sequence[int]
    matrices: np.ndarray
    offsets: np.ndarray
