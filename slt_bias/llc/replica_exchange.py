"""Replica exchange: HMC over a ladder of temperatures at once, neighbours exchanging places (Swendsen & Wang 1986; Geyer 1991).

A chain at 10⁹ cannot find its way along the flat directions by itself: its step is 10⁻⁵ and the way is 1. Here it inherits
places from the chain at the next lower nβ: neighbours a, b exchange with probability min(1, exp((nβ_a − nβ_b)(L_a − L_b))),
which leaves every law of the ladder as it is. The ladder grows in burn-in: the lowest nβ runs from w*, each next one starts
where the last one is. Whole ladders are the independent units: every error bar comes from their spread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from slt_bias import streams
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers._chain_noise_kernel import fill_uniforms
from slt_bias.llc.samplers.base import states
from slt_bias.llc.samplers.hmc import HMC, Walk, is_local
from slt_bias.llc.samplers.step_adaptation import DualAveraging
from slt_bias.progress import Progress

SPACING = 0.8  # ratio of neighbouring nβ: exp(this/√λ), which lets more than half of the exchanges pass


@dataclass(frozen=True)
class Ladders:
    """What the ladders leave behind.

    inverse_temperatures : nβ of each rung, rising, (rungs,).
    losses : L_n at each draw, (rungs, ladders, draws), nats an example.
    acceptance : of the trajectories, (rungs,).
    exchanged : share of the exchanges that took place between a rung and the next, (rungs − 1,).
    last : the last places, (rungs, ladders, dimension).
    step_sizes : ε of each rung after burn-in, (rungs,).
    """

    inverse_temperatures: np.ndarray
    losses: np.ndarray
    acceptance: np.ndarray
    exchanged: np.ndarray
    last: np.ndarray
    step_sizes: np.ndarray

    def followed_by(self, later: Ladders) -> Ladders:
        """These draws and those that came after them."""
        before, after = self.losses.shape[2], later.losses.shape[2]
        acceptance = (before * self.acceptance + after * later.acceptance) / (before + after)
        return replace(later, losses=np.concatenate([self.losses, later.losses], axis=2), acceptance=acceptance)


def rungs(lowest: float, highest: float, learning_coefficient: float) -> np.ndarray:
    """A geometric ladder on which neighbours exchange often.

    nβL is about Gamma(λ), so that neighbours overlap while the ratio is exp(O(1/√λ)) (Kofke 2002).
    """
    spacing = min(1.0, SPACING / np.sqrt(max(learning_coefficient, 1e-9)))
    count = max(2, 1 + int(np.ceil(np.log(highest / lowest) / spacing)))
    return np.geomspace(lowest, highest, count)


class ReplicaExchange:
    """`ladders` independent ladders from w* = centre (dimension,); `settle` once, then `draw` as often as wanted.

    A ladder grows rung by rung in burn-in: a new rung starts where the last one is, and all rungs exchange meanwhile.
    """

    def __init__(
        self,
        landscape: Landscape,
        centre: np.ndarray,
        inverse_temperatures: np.ndarray,
        localization: float,
        *,
        ladders: int,
        sampler: HMC,
        seed: int,
        purpose: streams.Purpose,
    ) -> None:
        self.temperatures = np.asarray(inverse_temperatures, float)
        self._landscape, self._centre, self._localization = landscape, centre, localization
        self._ladders, self._sampler, self._seed, self._purpose = ladders, sampler, seed, purpose
        self._swaps = _Swaps(self.temperatures, ladders, seed, purpose)
        self._adaptations = list[DualAveraging]()
        self._trajectories = 0
        self._walk: Walk

    def settle(self, burn_in: int, progress: bool = False) -> None:
        """Burn-in: `burn_in` trajectories at the lowest rung, a twentieth for each rung that is added, `burn_in` for all."""
        each = max(burn_in // 20, 5)
        count = len(self.temperatures)
        with Progress("replica exchange, burn-in", 2 * burn_in + each * (count - 1), progress) as bar:
            for rung in range(count):
                self._grow(rung)
                for _ in range(burn_in if rung == 0 else each):
                    self._adapt()
                    bar.update(bar.done + 1)
            for _ in range(burn_in):
                self._adapt()
                bar.update(bar.done + 1)
        self._swaps.reset()
        self.step_sizes = np.array([adaptation.averaged[0] for adaptation in self._adaptations])

    def draw(self, draws: int, progress: bool = False) -> Ladders:
        """`draws` trajectories at every rung of every ladder, going on from where the last ones ended."""
        count = len(self.temperatures)
        losses = np.empty((count, self._ladders, draws))
        accepted = np.zeros(count)
        with Progress("replica exchange, trajectories", draws, progress) as bar:
            for draw in range(draws):
                accepted += self._advance(self.step_sizes)[0]
                losses[:, :, draw] = self._walk.losses.reshape(count, self._ladders)
                bar.update(draw + 1)
        last = self._walk.positions.reshape(count, self._ladders, -1).copy()
        return Ladders(self.temperatures, losses, accepted / draws, self._swaps.share, last, self.step_sizes)

    def _grow(self, rung: int) -> None:
        """Add a rung at the cold end."""
        start = np.tile(self._centre, (self._ladders, 1))
        step = 1 / np.sqrt(self.temperatures[:1])
        if rung:
            start = self._starts(self._walk.positions[-self._ladders :], self._walk.losses[-self._ladders :])
            step = self._adaptations[-1].averaged * np.sqrt(self.temperatures[rung - 1] / self.temperatures[rung])
        purposes: list[streams.Purpose] = [[self._purpose, "ladder", ladder, rung] for ladder in range(self._ladders)]
        fresh = Walk.begin(self._posterior(rung, rung + 1), start, self._seed, purposes, self.temperatures[-1])
        self._walk = Walk.join(self._posterior(0, rung + 1), [self._walk, fresh]) if rung else fresh
        self._adaptations.append(DualAveraging(step, self._sampler.acceptance))

    def _starts(self, places: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """Where a new rung starts, from `places` (ladders, dimension) of the last one.

        Every second ladder starts at w* itself, too deep in the singularity, the others where the hotter rung is, too far out in
        the flat directions: from both sides, so that the spread of the ladders shows what is not settled. Those that are stuck in
        a stiff place (nβL is about Gamma(λ): four times its median and 12 more is no fluctuation) give way to the next one.
        """
        excess = self.temperatures[len(self._adaptations) - 1] * (losses - losses.min())
        good = np.flatnonzero(excess <= 4 * np.median(excess) + 12)
        after = np.searchsorted(good, np.arange(self._ladders)) % len(good)
        starts = places[good[after]]
        starts[1::2] = self._centre
        return starts

    def _posterior(self, first: int, end: int) -> Posterior:
        size = (end - first) * self._ladders
        return Posterior(
            self._landscape,
            np.tile(self._centre, (size, 1)),
            np.repeat(self.temperatures[first:end], self._ladders),
            np.full(size, self._localization),
        )

    def _advance(self, step_size: np.ndarray) -> tuple[np.ndarray, bool]:
        """One trajectory everywhere, then exchanges; gives the mean acceptance of each rung, and whether it had local steps."""
        local = is_local(self._trajectories)
        self._trajectories += 1
        share = self._walk.advance(np.repeat(step_size, self._ladders), self._sampler.leapfrog_steps, local)
        self._swaps.exchange(self._walk)
        return share.reshape(-1, self._ladders).mean(1), local

    def _adapt(self) -> None:
        """The same, the steps of the rungs learning from it."""
        acceptance, local = self._advance(np.array([adaptation.step_size[0] for adaptation in self._adaptations]))
        if not local:
            for adaptation, share in zip(self._adaptations, acceptance, strict=True):
                adaptation.update(np.array([share]))


class _Swaps:
    """Exchanges between neighbouring rungs, even pairs and odd pairs in turn (Okabe et al. 2001)."""

    def __init__(self, temperatures: np.ndarray, ladders: int, seed: int, purpose: streams.Purpose) -> None:
        self._temperatures, self._ladders = temperatures, ladders
        self._states = states("uniforms", seed, [[purpose, "exchange", ladder] for ladder in range(ladders)])
        self._luck = np.empty((ladders, 32))
        self._parity = 0
        self.reset()

    def reset(self) -> None:
        """Forget what was counted."""
        self._taken, self._tried = (np.zeros(max(len(self._temperatures) - 1, 0)) for _ in range(2))

    @property
    def share(self) -> np.ndarray:
        """Share of the tried exchanges that took place, (rungs − 1,)."""
        return self._taken / np.maximum(self._tried, 1)

    def exchange(self, walk: Walk) -> None:
        """Try every second pair of neighbours in every ladder."""
        rungs_now = len(walk.losses) // self._ladders
        lower = np.arange(self._parity, rungs_now - 1, 2)
        self._parity ^= 1
        if not len(lower):
            return
        luck = []
        for _ in range(-(-len(lower) // 32)):
            fill_uniforms(self._states, self._luck)
            luck.append(self._luck.T.copy())
        one = lower[:, None] * self._ladders + np.arange(self._ladders)
        other = one + self._ladders
        nbeta = np.repeat(self._temperatures, self._ladders)
        gain = (nbeta[one] - nbeta[other]) * (walk.losses[one] - walk.losses[other])
        accept = np.concatenate(luck)[: len(lower)] < np.exp(np.minimum(gain, 0.0))
        walk.exchange(one[accept], other[accept])
        self._taken[lower] += accept.sum(1)
        self._tried[lower] += self._ladders
