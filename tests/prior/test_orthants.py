import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from slt_bias.errors import InputError
from slt_bias.functions.inputs import hypercube
from slt_bias.prior import _orthant_kernel as kernel
from slt_bias.prior import orthants, separation
from slt_bias.prior.orthants import log_orthants, orthant

RUNS = 200
BAND = stats.binom.ppf([0.0005, 0.9995], RUNS, 0.95)  # 99.9 % of runs of a 95 % interval lie in it


def equicorrelated(size, rho):
    return np.full((size, size), rho) + (1 - rho) * np.eye(size)


def log_equicorrelated(ones, zeros, rho):
    """log P of `ones` positive and `zeros` negative normals of correlation rho ≥ 0: one integral over what they share."""
    slope = math.sqrt(rho / (1 - rho))
    z = np.linspace(-12, 12, 200_001)
    values = stats.norm.logpdf(z) + ones * special.log_ndtr(slope * z) + zeros * special.log_ndtr(-slope * z)
    return special.logsumexp(values) + math.log(z[1] - z[0])


def covered(log_p, error, truth, quantile=stats.t.ppf(0.975, orthants.SHIFTS - 1)):
    return int((np.abs(log_p - truth) <= quantile * error).sum())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_closed_forms(size):
    exact = {1: math.log(1 / 2), 2: math.log(1 / 3), 3: math.log(1 / 4)}[size]
    estimate = orthant(equicorrelated(size, 0.5), np.ones(size))
    assert estimate.value == pytest.approx(exact, abs=1e-14) and estimate.unit == "nats" and estimate.status == "ok"
    assert estimate.high - estimate.low < 1e-13
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, size, size + 1))
    sigma = rows @ rows.transpose(0, 2, 1)
    rho = sigma / np.sqrt(np.einsum("bi,bj->bij", np.einsum("bii->bi", sigma), np.einsum("bii->bi", sigma)))
    upper = np.arcsin(rho[:, *np.triu_indices(size, 1)]).sum(axis=1)
    known = {1: 0.5 + upper, 2: 0.25 + upper / (2 * math.pi), 3: 0.125 + upper / (4 * math.pi)}[size]
    log_p, error = log_orthants(sigma, np.ones(size))
    assert np.allclose(np.exp(log_p), known, rtol=0, atol=1e-12) and (error == 0).all()


def test_narrow_cones_keep_their_digits():
    tiny = 1e-8  # angle √(2·tiny)·(1 + tiny/12 + …) between two planes: arccos would lose half of the digits
    narrow = np.array([[1, tiny - 1], [tiny - 1, 1]])
    log_p, _ = log_orthants(narrow, np.ones(2))
    assert log_p[0] == pytest.approx(math.log(math.sqrt(2 * tiny) / (2 * math.pi)), abs=2e-8)
    # three planes: solid angle → half the area of the small flat triangle; ρ = −1/2 + δ: P = √3·δ/(… ) by the spherical excess
    delta = 1e-6
    three, _ = log_orthants(equicorrelated(3, delta - 0.5), np.ones(3))
    excess = 3 * (math.pi - math.acos(delta - 0.5)) - math.pi
    assert three[0] == pytest.approx(math.log(excess / (4 * math.pi)), abs=1e-8)  # the excess itself has 9 digits


def test_all_patterns_sum_to_one():
    rows = np.random.default_rng(1).standard_normal((6, 9))
    sigma = rows @ rows.T
    patterns = 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1) - 1
    log_p, error = log_orthants(np.broadcast_to(sigma, (64, 6, 6)), patterns, seed=3)
    p = np.exp(log_p)
    assert abs(p.sum() - 1) < 5 * math.sqrt(((p * error) ** 2).sum())
    assert np.allclose(log_p, log_p[::-1], atol=8 * error.max())  # negating all signs changes nothing


@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_one_over_size_plus_one(size):
    estimate = orthant(equicorrelated(size, 0.5), np.ones(size), relative_error=0.003, confidence=0.9999)
    assert estimate.low <= -math.log(size + 1) <= estimate.high and estimate.high - estimate.low < 0.05


@pytest.mark.parametrize(("ones", "zeros", "rho"), [(4, 4, 0.5), (8, 8, 0.9), (4, 4, 0.9999), (5, 3, 0.99), (15, 1, 0.999)])
def test_strong_correlations(ones, zeros, rho):
    truth = log_equicorrelated(ones, zeros, rho)
    signs = np.array([1] * ones + [-1] * zeros)
    estimate = orthant(equicorrelated(ones + zeros, rho), signs, confidence=0.9999)
    assert estimate.low <= truth <= estimate.high and estimate.high - estimate.low < 0.2


@pytest.mark.parametrize("size", [6, 8, 10])
def test_far_below_what_draws_can_show(size):
    # Negative correlations: what the normals share is imaginary, P = E[Φ(i·slope·z)^size] (Steck 1962).
    rho = -0.99 / (size - 1)
    slope = math.sqrt(-rho / (1 - rho))
    z = np.linspace(-80, 80, 2_000_001)
    both = -0.5 * z * z + size * np.log(0.5 * (1 + special.erf(1j * slope * z / math.sqrt(2))))
    truth = math.log(np.exp(both).real.sum() * (z[1] - z[0]) / math.sqrt(2 * math.pi))
    assert size < 10 or truth < math.log(1e-11)
    estimate = orthant(equicorrelated(size, rho), np.ones(size), confidence=0.9999)
    assert estimate.low - 1e-3 <= truth <= estimate.high + 1e-3 and estimate.high - estimate.low < 0.1


def test_blocks_multiply_down_to_1e_minus_40():
    pair = np.array([[1.0, 1e-8 - 1], [1e-8 - 1, 1.0]])
    size = 10
    log_p, error = log_orthants(np.kron(np.eye(size), pair), np.ones(2 * size))
    truth = size * math.log(math.sqrt(2e-8) / (2 * math.pi))
    assert truth < math.log(1e-40)
    assert abs(log_p[0] - truth) < 5 * error[0] + 1e-5 and error[0] < 0.1


def test_autoregressive():
    rho, size = 0.7, 4
    sigma = rho ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    grid = np.linspace(0, 9, 2001)  # the Markov chain, integrated backwards
    later = np.ones_like(grid)
    spread = math.sqrt(1 - rho * rho)
    for _ in range(size - 1):
        later = integrate.simpson(stats.norm.pdf(grid[None, :], rho * grid[:, None], spread) * later[None, :], x=grid, axis=1)
    truth = math.log(integrate.simpson(stats.norm.pdf(grid) * later, x=grid))
    estimate = orthant(sigma, np.ones(size), relative_error=1e-4, confidence=0.9999)
    assert estimate.low <= truth <= estimate.high and estimate.high - estimate.low < 0.002


@pytest.mark.parametrize(("ones", "zeros", "rho"), [(6, 0, 0.5), (4, 4, 0.95)])
def test_intervals_cover(ones, zeros, rho):
    size = ones + zeros
    signs = np.array([1] * ones + [-1] * zeros)
    log_p, error = log_orthants(np.broadcast_to(equicorrelated(size, rho), (RUNS, size, size)), signs, draws=512, seed=7)
    truth = log_equicorrelated(ones, zeros, rho)
    assert BAND[0] <= covered(log_p, error, truth) <= BAND[1]
    assert covered(log_p, error / 4, truth) < BAND[0]  # the error of the mean of 16 shifts taken once too often: not covered
    assert covered(log_p + 2 * error.mean(), error, truth) < BAND[0]  # a bias of two standard errors: not covered


def test_any_tilt_is_unbiased_and_the_saddle_point_is_best(monkeypatch):
    sigma = equicorrelated(8, -0.99 / 7)
    reference, best = log_orthants(sigma, np.ones(8), draws=2**16)
    original = separation.saddle_points
    for factor, least in ((0.7, 1.2), (0.0, 100)):
        monkeypatch.setattr(separation, "saddle_points", lambda *given, f=factor: f * original(*given))
        log_p, error = log_orthants(sigma, np.ones(8), draws=2**16)
        monkeypatch.undo()
        assert abs(math.exp(log_p[0] - reference[0]) - 1) < 5 * (error[0] + best[0]) and error[0] > least * best[0]


def test_saddle_point_is_a_zero_of_the_gradient():
    rows = np.random.default_rng(2).standard_normal((20, 7, 7))
    factors, _, ranks = separation.ordered_factors(rows)
    tilts = separation.saddle_points(factors, ranks)
    lower = np.tril(factors, -1) / np.einsum("bii->bi", factors)[:, :, None]
    for one, tilt in zip(lower, tilts, strict=True):
        def log_weight(at, one=one):  # ψ, written out
            x, mu = np.append(at[:6], 0), np.append(at[6:], 0)
            return (mu**2 / 2 - x * mu + special.log_ndtr(mu + one @ x)).sum()

        x = np.zeros(6)  # x from μ: ∂ψ/∂μ = 0 says x = μ + hazard, row by row
        for i in range(6):
            x[i] = tilt[i] + separation.hazard(-tilt[i] - one[i, :6] @ x)
        at = np.concatenate([x, tilt[:6]])
        steps = 1e-5 * np.eye(12)
        slopes = [(log_weight(at + step) - log_weight(at - step)) / 2e-5 for step in steps]
        assert np.abs(slopes).max() < 1e-6


def test_factors_are_the_rows():
    rows = np.random.default_rng(3).standard_normal((5, 6, 4))
    rows[:, 4] = rows[:, 1] * 2 - rows[:, 0]
    rows[:, 5] = 0
    factors, starts, ranks = separation.ordered_factors(rows)
    assert (ranks == 4).all() and (starts[:, 0] == 1).all() and (starts[:, -1] == 6).all()
    unit = rows / np.maximum(np.linalg.norm(rows, axis=2), 1e-300)[:, :, None]
    for given, found in zip(unit, factors, strict=True):
        both = [np.sort((part @ part.T).ravel()) for part in (given, found)]
        assert np.allclose(*both, atol=1e-13)


def test_kernel_against_scipy():
    x = np.concatenate([np.linspace(-12, 29.9, 500), np.linspace(30, 300, 100)])
    assert np.allclose([kernel.log_tail(float(v)) for v in x], special.log_ndtr(-x), rtol=1e-12, atol=1e-15)
    p = np.concatenate([np.logspace(-300, -1, 200), np.linspace(0.1, 0.9999999, 200)])
    assert np.allclose([kernel.quantile(float(v)) for v in p], special.ndtri(p), rtol=1e-13)
    infinite = math.inf
    for low, high in ((-1.0, 2.0), (-9.0, -8.0), (3.0, infinite), (-infinite, -4.0), (12, 12.5), (-40.0, infinite), (35, 35.01)):
        low, high = float(low), float(high)
        for share in (1e-9, 0.3, 0.999):
            log_p, z = kernel.tail_between(low, high, share)
            edges = sorted((-abs(low), -abs(high))) if low * high > 0 else None
            if edges:
                small, large = (special.log_ndtr(edge) for edge in edges)
                assert log_p == pytest.approx(large + math.log1p(-math.exp(small - large)), rel=1e-9)
            else:
                assert log_p == pytest.approx(math.log(special.ndtr(high) - special.ndtr(low)), abs=1e-12)
            above, _ = kernel.tail_between(z, high, 0.5) if low < z < high else (math.nan, 0)
            assert low <= z <= high
            if low < z < high:
                assert above - log_p == pytest.approx(math.log(share), abs=2e-13 / share + 1e-11)  # z has 16 digits


def test_kernel_against_plain_separation_of_variables():
    rng = np.random.default_rng(6)
    rows = rng.standard_normal((2, 5, 5))
    factors, starts, ranks = separation.ordered_factors(rows)
    tilts = separation.saddle_points(factors, ranks)
    points = rng.integers(0, 2**32, (64, 4)).astype(np.uint32)
    shifts = rng.integers(0, 2**32, (2, 3, 4)).astype(np.uint32)
    found = kernel.log_means(factors, starts, ranks, tilts, points, shifts)
    for b in range(2):
        for s in range(3):
            shares = ((points ^ shifts[b, s]).astype(float) + 0.5) / 2**32
            z, total = np.zeros((64, 5)), np.zeros(64)
            for i in range(5):  # Genz 1992 with Botev's tilt
                low = -z[:, :i] @ factors[b, i, :i] / factors[b, i, i] - tilts[b, i]
                if i < 4:
                    z[:, i] = tilts[b, i] - special.ndtri(shares[:, i] * special.ndtr(-low))
                total += special.log_ndtr(-low) + tilts[b, i] ** 2 / 2 - tilts[b, i] * z[:, i]
            assert found[b, s] == pytest.approx(special.logsumexp(total) - math.log(64), abs=1e-10)


def test_cones_of_dependent_rows():
    # A perceptron with bias on {0,1}² under unit normals: four half-spaces in three dimensions.
    rows = np.concatenate([hypercube(2).points, np.ones((4, 1))], axis=1)[None]
    known = {"0000": 0.27704336, "0001": 0.01462330, "0010": 0.03545664, "0011": 0.04787670, "0111": 1 / 24}
    for function, truth in known.items():
        signs = np.array([1 if bit == "1" else -1 for bit in function])
        log_p, ranks = separation.log_cones(rows, signs, points=1024, shifts=16, seed=0, purpose="cone")
        p = np.exp(log_p[0])
        assert ranks[0] == 3 and abs(p.mean() - truth) < 5 * p.std(ddof=1) / 4 + 1e-8
    log_p, _ = separation.log_cones(rows, np.array([-1, 1, 1, -1]), points=1024, shifts=16, seed=0, purpose="cone")
    assert (log_p == -np.inf).all()  # XOR
    zero = np.array([[[0.0, 0.0], [1.0, 0.0]]])  # an output of exactly 0 is no 1
    assert (separation.log_cones(zero, np.array([1, 1]), points=8, shifts=2, seed=0, purpose="z")[0] == -np.inf).all()
    below = separation.log_cones(zero, np.array([-1, 1]), points=8, shifts=2, seed=0, purpose="z")[0]
    assert np.allclose(below, math.log(0.5))


def test_repeats_and_seeds():
    sigma = equicorrelated(6, 0.3)
    first = log_orthants(sigma, np.ones(6), seed=4)[0]
    assert first == log_orthants(sigma, np.ones(6), seed=4)[0]
    assert first != log_orthants(sigma, np.ones(6), seed=5)[0]
    assert first != log_orthants(sigma, np.ones(6), seed=4, purpose="other")[0]
    assert log_orthants(sigma * 1e12, np.ones(6), seed=4)[0] == pytest.approx(first, abs=1e-9)  # scales play no part


def test_what_was_not_reached_is_suspect(monkeypatch):
    monkeypatch.setattr(orthants, "MOST_DRAWS", 4096)
    estimate = orthant(equicorrelated(16, 0.5), np.ones(16), relative_error=1e-9)
    assert estimate.status == "suspect" and "was aimed at" in estimate.reasons[0]
    assert orthant(equicorrelated(16, 0.5), np.ones(16), relative_error=0.1).status == "ok"


@pytest.mark.parametrize(
    ("sigma", "signs", "message"),
    [
        (np.ones((4, 4)), np.ones(4), "singular"),
        (equicorrelated(4, 1 - 1e-11), np.ones(4), "singular"),
        (equicorrelated(3, -0.5), np.ones(3), "singular"),
        (equicorrelated(3, -0.9), np.ones(3), "singular"),  # no covariance at all
        (np.eye(3), np.ones(4), "do not fit"),
        (np.eye(3), np.array([0, 1, 1]), "signs"),
        (np.eye(3), np.array([True, True, False]), "signs"),
        (np.ones((3, 4)), np.ones(3), "shape"),
        (np.empty((0, 0)), np.ones(0), "shape"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), np.ones(2), "not finite"),
        (np.array([[1.0, 0.2], [0.3, 1.0]]), np.ones(2), "symmetric"),
        (np.diag([1.0, 0.0]), np.ones(2), "variance"),
        (np.diag([1.0, -1.0]), np.ones(2), "variance"),
        ("abc", np.ones(2), "square array"),
    ],
)
def test_refused(sigma, signs, message):
    for call in (orthant, log_orthants):
        with pytest.raises(InputError, match=message) as caught:
            call(sigma, signs)
        assert "\n" not in str(caught.value)


def test_refused_settings():
    for wrong in ({"relative_error": 0}, {"relative_error": math.nan}, {"confidence": 95}, {"seed": -1}):
        with pytest.raises(InputError):
            orthant(np.eye(4), np.ones(4), **wrong)
    with pytest.raises(InputError, match="draws"):
        log_orthants(np.eye(4), np.ones(4), draws=0)
    with pytest.raises(InputError, match="one"):
        orthant(np.broadcast_to(np.eye(4), (2, 4, 4)), np.ones(4))
    with pytest.raises(InputError, match="power of two"):
        separation.log_cones(np.eye(4)[None], np.ones(4), points=100, shifts=2, seed=0, purpose="x")
