"""Bits of rounded weights against bits of the volume code, on landscapes where both slopes are known."""

import math

import numpy as np
import pytest

from slt_bias.errors import InputError
from slt_bias.llc.codes import coarsest_step, compressibility_of, rounding_losses


class Surface:
    examples = None
    backend = "numpy"

    def __init__(self, losses, dimension):
        self.losses, self.dimension = losses, dimension


VALLEY = Surface(lambda w: (w[:, 0] - w[:, 1]) ** 2, 2)
CROSS = Surface(lambda w: (w[:, 0] * w[:, 1]) ** 2, 2)
SMALL = {"particles": 200, "replicates": 4, "depth": 55}


def test_rounding_pays_for_flat_directions_and_the_volume_code_does_not():
    """(w1 − w2)²: the grid costs d/2 = 1 bit a bit of 1/ε, the volume code λ = ½."""
    found = compressibility_of(VALLEY, np.full(2, 0.3), seed=1, **SMALL)
    # the steps are powers of 2: each end of the range is off by at most one step, 2 bits, of about 50
    assert found.rounding_slope == pytest.approx(1, abs=4 / 50)
    assert found.volume_slope == pytest.approx(0.5, abs=0.03)
    assert found.volume_slope_high < found.rounding_slope
    table = found.table
    assert np.all(np.diff(table["rounding_bits"]) >= 0)
    assert np.all(table["code_bits"] >= table["volume_bits"])
    assert np.all(table["volume_bits_low"] <= table["volume_bits_high"])


def test_at_a_crossing_both_have_the_same_slope():
    """w1² w2² at 0: step⁴ ~ ε, so that 2 weights cost ½ a bit; λ = ½ too."""
    found = compressibility_of(CROSS, np.zeros(2), seed=1, **SMALL)
    assert found.rounding_slope == pytest.approx(0.5, abs=4 / 50)
    assert found.volume_slope_low - 0.02 < 0.5 < found.volume_slope_high + 0.02


def test_mean_excess_of_rounding_is_exact():
    """(w1 − w2)² under two independent rounding errors, uniform on ±step/2 each: the mean is step²/6."""
    steps, excess = rounding_losses(VALLEY, np.full(2, 0.3), seed=0, offsets=20_000)
    # the square of the difference has variance (7/180)·step⁴
    tolerance = 5 * math.sqrt(7 / 180 / 20_000) * steps**2
    fine = steps < 1  # and above rounding of the numbers themselves
    fine &= steps > 1e-6
    assert np.all(np.abs(excess - steps**2 / 6)[fine] < tolerance[fine])


def test_a_centre_at_0_is_rounded_too():
    _, excess = rounding_losses(VALLEY, np.zeros(2), seed=0, offsets=8)
    assert excess[0] > 0  # w* = 0 lies on every grid that is not shifted


def test_coarsest_step():
    steps = np.array([4.0, 2.0, 1.0, 0.5])
    assert coarsest_step(steps, np.array([0.1, 3.0, 0.5, 0.1]), 1.0) == 1.0  # a coarser step that is good by luck does not count
    assert coarsest_step(steps, np.zeros(4), 1.0) == 4.0
    assert math.isnan(coarsest_step(steps, np.full(4, 2.0), 1.0))


def test_flat_loss_has_failed():
    found = compressibility_of(Surface(lambda w: np.zeros(len(w)), 2), np.zeros(2))
    assert found.status == "failed"
    assert math.isnan(found.rounding_slope)


def test_bad_offsets():
    with pytest.raises(InputError):
        compressibility_of(VALLEY, np.zeros(2), offsets=0)
