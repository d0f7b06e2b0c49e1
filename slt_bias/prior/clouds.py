"""The particles of splitting for each kind of map: compiled networks, latents by way of torch, genotypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from slt_bias import streams
from slt_bias._splitting_moves import WANTED_ACCEPTANCE, NormalCloud
from slt_bias.errors import SpecError
from slt_bias.maps._activation_kernel import CODES
from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.mlp import NetworkMember
from slt_bias.prior.events import Events
from slt_bias.splitting import Cloud

WHOLE_MOVES = 10  # Crank-Nicolson moves of all latents a move, where neurons do not move alone or not in every layer
MOST_POINTS = 4096  # with more, a network's activations leave the cache and moves of one neuron save little
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
        f"`{map.spec}` draws its parameters by code of its own, so that nothing can move them: its probabilities can only be "
        "counted; take method='count', or a map with a law."
    )


def _torch_score(map: LatentMap, events: Events) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    def score(latents: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            parts = torch.from_numpy(latents.astype(np.float32)).split(CHUNK)
            return events.scores(np.concatenate([map.outputs(map.parameters(part)).numpy() for part in parts]))

    return score


class NetworkCloud:
    """Fully connected networks in single precision, moved by compiled kernels.

    A move of a particle is a sweep over its neurons (`slt_bias.prior._neuron_moves_kernel`) and a few Crank-Nicolson moves
    of all latents at once, z' = √(1−s²) z + s ξ, s steered to 25 % accepted moves: one where the sweep reaches every layer,
    WHOLE_MOVES otherwise, as with layer norm, where no neuron moves alone.

    positions : float32 (particles, latents).
    """

    def __init__(
        self, map: NetworkMember, events: Events, particles: int, moves: int, seed: int, purpose: streams.Purpose
    ) -> None:
        from slt_bias.prior._network_moves_kernel import evaluate_normals

        network = map.network
        self.moves, self.seed, self.purpose = moves, seed, purpose
        self.blocks, self.evaluations, self.step = 1, particles, 1.0
        law: tuple[Any, ...] = (network.scales, network.uniform, events.signs, events.radii)
        self.whole = (*law, *network._kernel_arguments())
        widths = np.array(network.widths, np.int64)
        points = np.ascontiguousarray(network.features.T, np.float32)
        code = CODES[network.activation]
        self.by_neuron = (*law, network.has_bias, widths, *network.offsets(), code, points, len(network.features))
        self.sweeps = not network.layer_norm and len(network.features) <= MOST_POINTS
        self.whole_moves = 1 if self.sweeps and len(widths) <= 4 else WHOLE_MOVES
        self.positions = streams.normals(seed, purpose, 0, (particles, network.size))
        self.scores = np.empty(particles)
        evaluate_normals(self.positions, self.scores, *self.whole)

    def move(self, level: float, spent: Callable[[], str]) -> float:
        """Move every particle `moves` times within {score ≤ level}; returns the share of accepted steps."""
        accepted, made = 0, 0
        for _ in range(self.moves):
            for steps, taken in (self._whole(level), self._sweep(level) if self.sweeps else (0, 0)):
                made, accepted = made + steps, accepted + taken
            if spent():
                break
        self.evaluations += made
        return accepted / made

    def _whole(self, level: float) -> tuple[int, int]:
        from slt_bias.prior._network_moves_kernel import move

        keep, stir = np.float32(math.sqrt((1 - self.step) * (1 + self.step))), np.float32(self.step)
        taken = move(self._state(), self.positions, self.scores, level, self.whole_moves, keep, stir, *self.whole)
        made = self.whole_moves * len(self.scores)
        self.step = min(1.0, self.step * math.exp(2 * (taken / made - WANTED_ACCEPTANCE)))
        return made, taken

    def _sweep(self, level: float) -> tuple[int, int]:
        from slt_bias.prior._neuron_moves_kernel import sweep

        return sweep(self._state(), self.blocks, self.positions, self.scores, level, *self.by_neuron)

    def take(self, source: np.ndarray) -> None:
        """Particle i becomes a copy of particle source[i]."""
        self.positions, self.scores = self.positions[source], self.scores[source]

    def integers(self, count: int, bound: int) -> np.ndarray:
        """Fresh integers on 0 … bound − 1."""
        return streams.integers(self.seed, self.purpose, self._block(), (count,), bound)

    def _state(self) -> np.ndarray:
        return streams.state("normals", self.seed, self.purpose, self._block())

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
