"""The particles of multilevel splitting and the moves that keep the standard normal law within {score ≤ level}."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError

WANTED_ACCEPTANCE = 0.25
TOGETHER = 2**20  # normals drawn at once
MOST_ROUNDS = 120  # a bracket shrinks by more than e^-40 in these


class NormalCloud:
    """Normal particles, their scores, the step of their moves and the random stream of one replicate.

    moves, line_moves : Crank-Nicolson moves and slices along lines of each particle after a level.
    positions : (size, dimension) float64. scores : (size,). step : s of the Crank-Nicolson move, at most 1.
    bracket : the width in θ at which half of the slices begin, at most 2π.
    """

    def __init__(
        self,
        score: Callable[[np.ndarray], np.ndarray],
        dimension: int,
        size: int,
        moves: int,
        line_moves: int,
        seed: int,
        purpose: streams.Purpose,
    ) -> None:
        self.score, self.dimension, self.size, self.seed, self.purpose = score, dimension, size, seed, purpose
        self.moves, self.line_moves = moves, line_moves
        self.blocks = 0
        self.evaluations = 0
        self.step, self.bracket = 1.0, 2 * math.pi
        self.positions = self.normals((size, dimension))
        self.scores = self.evaluate(self.positions)

    def move(self, level: float, spent: Callable[[], str]) -> float:
        """`moves` Crank-Nicolson moves and `line_moves` slices of every particle; returns the share accepted of the former."""
        accepted = []
        for noise in self.sweeps(self.moves):
            accepted.append(crank_nicolson(self, level, noise))
            if spent():
                break
        for number in range(self.line_moves):
            if spent():
                break
            slice_lines(self, level, along_differences=number % 3 == 2)
        return float(np.mean(accepted)) if accepted else math.nan

    def normals(self, shape: tuple[int, ...]) -> np.ndarray:
        """Fresh standard normals, float64; drawn as one row, which wastes no words."""
        return streams.normals(self.seed, self.purpose, self._block(), (1, math.prod(shape))).reshape(shape).astype(np.float64)

    def sweeps(self, count: int) -> Iterator[np.ndarray]:
        """`count` arrays of normals like the positions; drawn together while they are small, as a draw has a fixed cost."""
        together = max(1, min(count, TOGETHER // self.positions.size))
        for first in range(0, count, together):
            yield from self.normals((min(together, count - first), *self.positions.shape))

    def uniforms(self, shape: tuple[int, ...]) -> np.ndarray:
        """Fresh uniforms on (0, 1)."""
        return streams.uniforms(self.seed, self.purpose, self._block(), shape)

    def integers(self, count: int, bound: int) -> np.ndarray:
        """Fresh integers on 0 … bound − 1, shape (count,)."""
        return streams.integers(self.seed, self.purpose, self._block(), (count,), bound)

    def evaluate(self, positions: np.ndarray) -> np.ndarray:
        """Scores of positions (k, dimension) → (k,); NaN becomes +inf."""
        scores = np.array(self.score(positions), np.float64)
        if scores.shape != (len(positions),):
            raise InputError(
                f"splitting: the score of latents {positions.shape} has shape {scores.shape}, not ({len(positions)},)."
            )
        self.evaluations += len(positions)
        scores[np.isnan(scores)] = np.inf
        return scores

    def take(self, source: np.ndarray) -> None:
        """Particle i becomes a copy of particle source[i]."""
        self.positions, self.scores = self.positions[source], self.scores[source]

    def _block(self) -> int:
        self.blocks += 1
        return self.blocks - 1


def crank_nicolson(cloud: NormalCloud, level: float, noise: np.ndarray) -> float:
    """z' = √(1−s²) z + s ξ for every particle, kept where score(z') ≤ level. Returns the share kept.

    noise : ξ, (size, dimension), overwritten. s follows the share of the move before, never the proposal at hand.
    """
    step = cloud.step
    noise *= step
    noise += math.sqrt((1 - step) * (1 + step)) * cloud.positions
    scores = cloud.evaluate(noise)
    kept = scores <= level
    np.copyto(cloud.positions, noise, where=kept[:, None])
    np.copyto(cloud.scores, scores, where=kept)
    share = float(np.count_nonzero(kept)) / cloud.size
    cloud.step = min(1.0, step * math.exp(share - WANTED_ACCEPTANCE))
    return share


def slice_lines(cloud: NormalCloud, level: float, along_differences: bool) -> None:
    """A new place for every particle on a line through it: elliptical slice sampling in one direction u, ‖u‖ = 1.

    The coordinate a = z·u is standard normal given the rest; a' = a cos θ + ξ sin θ, with θ uniform on a bracket around 0
    that shrinks to the side of 0 until score ≤ level. Half of the brackets begin at the full circle, half at a few times the
    angle that the slices before came to, which spares most of the shrinking. u is a coordinate axis, drawn for each
    particle, or points from one particle to another of the other half of the cloud, which stands still meanwhile.
    """
    if not along_differences:
        axes = cloud.integers(cloud.size, cloud.dimension)
        directions = np.zeros(cloud.positions.shape)
        directions[np.arange(cloud.size), axes] = 1.0
        _slice(cloud, level, np.arange(cloud.size), directions)
        return
    half = cloud.size // 2
    for movers, others in ((np.arange(half), np.arange(half, cloud.size)), (np.arange(half, cloud.size), np.arange(half))):
        ends = others[cloud.integers(2 * len(movers), len(others))]
        directions = cloud.positions[ends[: len(movers)]] - cloud.positions[ends[len(movers) :]]
        lengths = np.sqrt(np.einsum("kd,kd->k", directions, directions))
        apart = lengths > 0  # copies that have not moved apart give no direction
        _slice(cloud, level, movers[apart], directions[apart] / lengths[apart, None])


def _slice(cloud: NormalCloud, level: float, movers: np.ndarray, directions: np.ndarray) -> None:
    here = cloud.positions[movers]
    along = np.einsum("kd,kd->k", here, directions)
    other = cloud.normals((len(movers),))
    place, wide = cloud.uniforms((2, len(movers)))
    width = np.where(wide < 0.5, 2 * np.pi, cloud.bracket)
    top = width * place
    bottom = top - width
    angle = bottom + width * cloud.uniforms((len(movers),))
    active = np.arange(len(movers))
    for _ in range(MOST_ROUNDS):
        theta = angle[active]
        # a' − a, written so that small angles lose no digits
        shift = other[active] * np.sin(theta) - 2 * along[active] * np.sin(theta / 2) ** 2
        proposal = here[active] + shift[:, None] * directions[active]
        scores = cloud.evaluate(proposal)
        kept = scores <= level
        cloud.positions[movers[active[kept]]] = proposal[kept]
        cloud.scores[movers[active[kept]]] = scores[kept]
        active = active[~kept]
        if len(active) == 0:
            break
        theta = theta[~kept]
        top[active] = np.where(theta > 0, theta, top[active])
        bottom[active] = np.where(theta > 0, bottom[active], theta)
        angle[active] = bottom[active] + (top[active] - bottom[active]) * cloud.uniforms((len(active),))
    if len(movers) > 0:
        cloud.bracket = min(2 * math.pi, 8 * math.exp(float(np.log(np.abs(angle) + 1e-300).mean())))
