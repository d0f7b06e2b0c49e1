"""The particles of splitting for each kind of map: compiled networks, latents by way of torch, genotypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from slt_bias import streams
from slt_bias._splitting_moves import WANTED_ACCEPTANCE, NormalCloud
from slt_bias.errors import SpecError
from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.mlp import NetworkMember
from slt_bias.prior.events import Events
from slt_bias.splitting import Cloud

GROUP = 5  # moves of a particle between two looks at the acceptance
CHUNK = 64  # particles that torch evaluates at once


def cloud_of(map: Map, events: Events, particles: int, moves: int, seed: int, number: int) -> Cloud:
    """The particles of replicate `number`, drawn from the map's law. Raises SpecError for a map that has only `draw`."""
    purpose: streams.Purpose = ["probability", map.spec, events.function.packed.tobytes().hex(), particles, moves, number]
    if isinstance(map, NetworkMember):
        return NetworkCloud(map, events, particles, moves, seed, purpose)
    if isinstance(map, LatentMap):
        return NormalCloud(_torch_score(map, events), map.latents, particles, moves, 0, seed, purpose)
    if isinstance(map, DiscreteMap):
        return GenotypeCloud(map, events, particles, moves, seed, purpose)
    raise SpecError(
        f"`{map.spec}` has no parameters that could be moved (code of its own draws them, or it scrambles functions): "
        "this probability can only be counted; take method='count'."
    )


def _torch_score(map: LatentMap, events: Events) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def score(latents: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            parts = torch.from_numpy(latents.astype(np.float32)).split(CHUNK)
            return events.scores(np.concatenate([map.outputs(map.parameters(part)).numpy() for part in parts]))

    return score


class NetworkCloud:
    """Fully connected networks in single precision; the moves of `slt_bias.prior._network_moves_kernel`.

    positions : float32 (particles, latents). step : s of z' = √(1−s²) z + s ξ, steered to 25 % accepted moves.
    """

    def __init__(
        self, map: NetworkMember, events: Events, particles: int, moves: int, seed: int, purpose: streams.Purpose
    ) -> None:
        from slt_bias.prior._network_moves_kernel import evaluate_normals

        network = map.network
        self.moves, self.seed, self.purpose = moves, seed, purpose
        self.blocks, self.evaluations, self.step = 1, particles, 1.0
        self.arguments: tuple[Any, ...] = (
            network.scales, network.uniform, events.signs, events.radii, *network.kernel_arguments(),
        )  # fmt: skip
        self.positions = streams.normals(seed, purpose, 0, (particles, network.size))
        self.scores = np.empty(particles)
        evaluate_normals(self.positions, self.scores, *self.arguments)

    def move(self, level: float, spent: Callable[[], str]) -> float:
        """`moves` moves of every particle within {score ≤ level}; returns the share accepted."""
        from slt_bias.prior._network_moves_kernel import move

        accepted, made = 0, 0
        while made < self.moves:
            group = min(GROUP, self.moves - made)
            start = streams.state("normals", self.seed, self.purpose, self._block())
            keep, stir = np.float32(math.sqrt((1 - self.step) * (1 + self.step))), np.float32(self.step)
            taken = move(start, self.positions, self.scores, level, group, keep, stir, *self.arguments)
            accepted, made = accepted + taken, made + group
            self.evaluations += group * len(self.scores)
            share = taken / (group * len(self.scores))
            self.step = min(1.0, self.step * math.exp(2 * (share - WANTED_ACCEPTANCE)))
            if spent():
                break
        return accepted / (made * len(self.scores))

    def take(self, source: np.ndarray) -> None:
        """Particle i becomes a copy of particle source[i]."""
        self.positions, self.scores = self.positions[source], self.scores[source]

    def integers(self, count: int, bound: int) -> np.ndarray:
        """Fresh integers on 0 … bound − 1."""
        return streams.integers(self.seed, self.purpose, self._block(), (count,), bound)

    def _block(self) -> int:
        self.blocks += 1
        return self.blocks - 1


class GenotypeCloud:
    """Genotypes of a discrete map; Metropolis moves by `propose`, whose law is the map's.

    positions : uint16 (particles, components). The score is the number of errors: without outputs there is nothing finer.
    """

    def __init__(self, map: DiscreteMap, events: Events, particles: int, moves: int, seed: int, purpose: streams.Purpose) -> None:
        self.map, self.events, self.moves, self.seed, self.purpose = map, events, moves, seed, purpose
        self.blocks, self.evaluations = 0, 0
        parts = []  # a block is the largest number that a map draws at once
        for block in range(-(-particles // map.block)):
            parts.append(map.draw(seed, block, min(map.block, particles - block * map.block), purpose))
        self.positions = np.concatenate(parts)
        self.scores = self._evaluate(self.positions)

    def move(self, level: float, spent: Callable[[], str]) -> float:
        """`moves` proposals for every particle, each kept where score ≤ level; returns the share kept."""
        kept = []
        for _ in range(self.moves):
            proposed = self.map.propose(self.positions, self.seed, [self.purpose, "moves"], self._block())
            scores = self._evaluate(proposed)
            inside = scores <= level
            self.positions[inside], self.scores[inside] = proposed[inside], scores[inside]
            kept.append(inside.mean())
            if spent():
                break
        return float(np.mean(kept))

    def take(self, source: np.ndarray) -> None:
        """Particle i becomes a copy of particle source[i]."""
        self.positions, self.scores = self.positions[source], self.scores[source]

    def integers(self, count: int, bound: int) -> np.ndarray:
        """Fresh integers on 0 … bound − 1."""
        return streams.integers(self.seed, [self.purpose, "copies"], self._block(), (count,), bound)

    def _evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        self.evaluations += len(genotypes)
        return self.events.errors(self.map.functions(genotypes).packed)

    def _block(self) -> int:
        self.blocks += 1
        return self.blocks - 1
