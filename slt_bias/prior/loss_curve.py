"""How the volume of parameters of small loss shrinks for one chosen function, under the same law as P(f).

    L_f(w) = ½ · mean over the points of (z(w) − y)²,   y = ±1,      V_f(ε) = P(L_f(w) ≤ ε),   w from the map's own law

with z the real outputs and V by multilevel splitting (`slt_bias.splitting`). For small ε, V ≃ C ε^λ (log 1/ε)^(m−1)
(Watanabe 2009, theorem 7.1), λ the learning coefficient of fitting y exactly: so

    −log₂V_f(ε) ≈ λ_f · log₂(1/2ε) + offset_f

with ε in units of ½, the loss of the output 0, which says nothing. P(f), the volume of the right signs, is an open set, whose
own λ is 0; but a loss of at most 1/(2·points) leaves no output on the wrong side, so that V_f(1/(2·points)) ≤ P(f) exactly.
λ is at most points/2, the codimension where all outputs can be moved independently; the asymptote may begin far below the
ε at which V is P.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slt_bias.errors import InputError
from slt_bias.estimate import Estimate
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import LatentMap
from slt_bias.maps.mlp import NetworkMember
from slt_bias.splitting import Splitting, split

LEAST_LOSS = 2.0**-26  # outputs have single precision: rounding alone gives about 2⁻⁴⁶
BITS = 1 / math.log(2)


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """The curve of one function, with the runs it rests on.

    function : the truth table. points : how many. splitting : the replicates; its status and reasons say what is in doubt.
    """

    function: Functions
    splitting: Splitting

    @property
    def points(self) -> int:
        """How many points the loss is a mean over."""
        return self.function.points

    def replicates(self, losses: np.ndarray) -> np.ndarray:
        """log₂V̂ in bits of each replicate at losses ε, (replicates, losses); NaN beyond where it came."""
        return self.splitting.curves(np.asarray(losses, np.float64)) * BITS

    def log2_volume(self, losses: np.ndarray) -> np.ndarray:
        """log₂ of the mean of V̂ over replicates at losses ε, (losses,), bits; NaN where a replicate did not come."""
        rows = self.replicates(losses)
        top = rows.max(axis=0)
        return np.asarray(top + np.log2(np.exp2(rows - top).mean(axis=0)))

    def slope(self, least: float, greatest: float, confidence: float = 0.95) -> Estimate:
        """The mean slope of −log₂V̂ in log₂(1/ε) between two losses, with a t-interval over replicates: an estimate of λ.

        Least squares on 33 losses, evenly spaced in the logarithm; `failed` where a replicate did not cover the range.
        Raises InputError where least < greatest does not hold.
        """
        from scipy.special import stdtrit

        if not 0 < least < greatest:
            raise InputError(f"slope between the losses {least} and {greatest}: give 0 < least < greatest.")
        depth = np.linspace(-math.log2(greatest), -math.log2(least), 33)
        rows = -self.replicates(2.0**-depth)
        if not np.isfinite(rows).all():
            nan = math.nan
            reason = f"the runs do not cover the losses from {least:.3g} to {greatest:.3g}"
            return Estimate(value=nan, low=nan, high=nan, confidence=confidence, status="failed", reasons=(reason,))
        centred = depth - depth.mean()
        slopes = rows @ centred / float(centred @ centred)
        half = float(stdtrit(len(slopes) - 1, (1 + confidence) / 2)) * float(slopes.std(ddof=1)) / math.sqrt(len(slopes))
        value = float(slopes.mean())
        status = self.splitting.status
        return Estimate(
            value=value, low=value - half, high=value + half, confidence=confidence, unit="bits a bit", status=status,
            reasons=self.splitting.reasons,
        )  # fmt: skip

    def offset(self, least: float, greatest: float) -> float:
        """−log₂V − slope · log₂(1/2ε) in bits, at the geometric middle of two losses between which the slope was taken."""
        middle = math.sqrt(least * greatest)
        slope = self.slope(least, greatest).value
        return float(-self.log2_volume(np.array([middle]))[0] + slope * math.log2(2 * middle))


def loss_curve(
    map: LatentMap,
    function: str | Functions,
    *,
    least_loss: float = 2.0**-14,
    particles: int = 1000,
    moves: int = 10,
    line_moves: int = 0,
    replicates: int = 4,
    seed: int = 0,
    least_log2_probability: float = -1000.0,
    confidence: float = 0.95,
    budget_seconds: float | None = None,
) -> LossCurve:
    """V_f from 1 down to V_f(least_loss), or to 2^least_log2_probability if that comes first.

    map : a latent map. function : a truth table, a named function or Functions. The other settings are those of
    `slt_bias.splitting.split`; particles mix slowly where the loss is far below 1/points, and descend from few first draws.
    Raises InputError for another map, for several functions, and for a least loss of less than 2⁻²⁶ or more than ½.
    """
    if not isinstance(map, LatentMap):
        raise InputError(f"{map!r} has no standard normals to move: a loss curve needs a latent map, such as mlp.")
    if not LEAST_LOSS <= least_loss <= 0.5:
        raise InputError(f"least_loss = {least_loss}: give a number from 2⁻²⁶ (single precision) to 0.5.")
    if not least_log2_probability < 0:
        raise InputError(f"least_log2_probability = {least_log2_probability}: give a negative number of bits.")
    asked = parse(function, map.inputs)
    if len(asked) != 1:
        raise InputError(f"asked for the curves of {len(asked)} functions; loss_curve takes one.")
    run = split(
        SquaredLoss(map, asked),
        map.latents,
        levels_until=least_loss,
        particles=particles,
        moves=moves,
        line_moves=line_moves,
        replicates=replicates,
        seed=seed,
        purpose=["loss curve", map.spec, asked.packed.tobytes().hex()],
        confidence=confidence,
        least_log_probability=least_log2_probability / BITS,
        budget_seconds=budget_seconds,
    )
    return LossCurve(function=asked, splitting=run)


class SquaredLoss:
    """The score L_f of standard normals (count, latents) → (count,); +inf where an output is not finite."""

    def __init__(self, map: LatentMap, function: Functions) -> None:
        self.map, self.signs = map, np.where(function.values()[0], 1.0, -1.0).astype(np.float32)

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Losses of latents."""
        import torch

        with torch.no_grad():
            parameters = self.map.parameters(torch.from_numpy(latents.astype(np.float32)))
            if isinstance(self.map, NetworkMember):
                outputs = self.map.network.evaluate(parameters.numpy(), with_outputs=True)[1]
            else:
                outputs = self.map.outputs(parameters).numpy()
        error = outputs - self.signs
        losses = 0.5 * np.einsum("kp,kp->k", error, error, dtype=np.float64) / len(self.signs)
        return np.where(np.isfinite(losses), losses, np.inf)
