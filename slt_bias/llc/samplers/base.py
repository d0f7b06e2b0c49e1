"""What every sampler offers, and the random numbers of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from slt_bias import streams
from slt_bias.llc.posterior import Chains, Posterior


class Sampler(Protocol):
    """A sampler carries only its own settings, in a frozen dataclass."""

    @property
    def name(self) -> str:
        """How tables call it."""

    def sample(
        self,
        posterior: Posterior,
        start: np.ndarray,
        *,
        draws: int,
        burn_in: int,
        seed: int,
        purposes: Sequence[streams.Purpose],
        keep: bool = False,
    ) -> Chains:
        """Run k chains from `start` (k, dimension): `burn_in` draws are thrown away, `draws` are kept.

        seed, purposes : one purpose a chain; a chain's random numbers depend on (seed, its purpose) and on nothing else, so
            that a chain gives the same bits alone and among thousands.
        keep : also return the positions at each draw.
        """


def states(kind: str, seed: int, purposes: Sequence[streams.Purpose]) -> np.ndarray:
    """The generators of k chains, uint32 (k, 4, LANES)."""
    return np.stack([streams.state(kind, seed, purpose, 0) for purpose in purposes])
