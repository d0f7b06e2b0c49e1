"""Multilevel splitting against half spaces and balls whose probability is known, its intervals, and what makes it doubtful."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import integrate, stats

from slt_bias import _splitting_moves
from slt_bias.errors import InputError
from slt_bias.splitting import pool, split


def half_space(threshold):
    return lambda latents: threshold - latents[:, 0]


def square(latents):
    return (latents**2).sum(1)


def sampling_error(run):
    """Standard deviation of the pooled log p if the particles of each level were independent: theory, not a measured spread."""
    return math.sqrt(np.mean([r.ideal_variance for r in run.replicates]) / len(run.replicates))


@pytest.mark.parametrize("log10", [-1, -10, -40])
def test_half_space(log10):
    run = split(half_space(stats.norm.isf(10.0**log10)), 5, particles=500, seed=1)
    assert run.status == "ok"
    assert abs(run.value - log10 * math.log(10)) < 4 * sampling_error(run)
    assert run.low < run.value < run.high


@pytest.mark.parametrize(("dimension", "epsilon"), [(1, 1e-8), (5, 1e-4), (20, 0.1)])
def test_ball(dimension, epsilon):
    run = split(square, dimension, levels_until=epsilon, particles=500, seed=2)
    assert abs(run.value - stats.chi2.logcdf(epsilon, dimension)) < 4 * sampling_error(run)


def log_hyperbola(delta):
    """log P(|z1 z2| ≤ δ), by quadrature over log |z1|."""

    def density(x):
        return 2 * stats.norm.pdf(math.exp(x)) * math.exp(x) * math.erf(delta / math.exp(x) / math.sqrt(2))

    return math.log(integrate.quad(density, -60, 4, limit=500, points=[-25, -20, -15, -10, -5, 0])[0])


def test_lines_follow_valleys_of_all_widths():
    def score(latents):
        return latents.prod(1) ** 2

    truth = log_hyperbola(2.0**-25)
    lines = split(score, 2, levels_until=2.0**-50, particles=300, moves=3, line_moves=3, seed=3)
    assert abs(lines.value - truth) < 4 * sampling_error(lines)


def test_lines_alone_keep_the_law():
    run = split(square, 3, levels_until=0.01, particles=200, moves=0, line_moves=6, seed=9)
    assert abs(run.value - stats.chi2.logcdf(0.01, 3)) < 4 * sampling_error(run)
    assert np.isnan(run.replicates[0].acceptance).all()


def test_moves_that_leave_the_law_are_found_out(monkeypatch):
    def random_walk(cloud, level, noise):
        proposal = cloud.positions + 0.5 * noise
        scores = cloud.evaluate(proposal)
        kept = scores <= level
        cloud.positions[kept], cloud.scores[kept] = proposal[kept], scores[kept]
        return float(kept.mean())

    monkeypatch.setattr(_splitting_moves, "crank_nicolson", random_walk)
    run = split(half_space(6.3613), 5, particles=500, seed=1)
    assert abs(run.value + 10 * math.log(10)) > 4 * sampling_error(run)


def test_coverage():
    threshold, runs = 3.7190, 150
    truth = stats.norm.logsf(threshold)
    results = [split(half_space(threshold), 2, particles=100, seed=seed) for seed in range(runs)]
    hits = sum(run.low <= truth <= run.high for run in results)
    low, high = stats.binom.interval(0.999, runs, 0.95)
    assert low <= hits <= high
    # the mean of p over replicates is unbiased: 4 standard errors of the mean over runs, from theory
    ratios = np.exp([run.value - truth for run in results])
    assert abs(ratios.mean() - 1) < 4 * sampling_error(results[0]) / math.sqrt(runs) + 0.02


def test_tied_scores():
    """Whole-numbered scores with most particles tied: P(score ≤ 0) is exact, by levels found and by levels given."""

    def score(latents):
        return np.floor(np.maximum(4 - latents[:, 0], 0))

    truth = stats.norm.logsf(3)
    for levels in (None, np.array([3.0, 2.0, 1.0, 0.0])):
        run = split(score, 3, particles=1000, seed=4, levels=levels)
        assert abs(run.value - truth) < 4 * sampling_error(run)
        assert run.status == "ok"
    assert [r.levels.tolist() for r in run.replicates] == [[3.0, 2.0, 1.0, 0.0]] * 4


def test_certain_event():
    run = split(lambda z: np.zeros(len(z)), 2, particles=100)
    assert run.value == 0 == run.high
    assert run.low == pytest.approx(math.log(0.025 ** (1 / 400)))


@pytest.mark.parametrize(
    ("score", "settings", "why"),
    [
        (lambda z: np.ones(len(z)), {}, "no particle came below 1"),
        (lambda z: np.full(len(z), np.nan), {}, "no particle came below"),
        (lambda z: 1 + square(z), {"moves": 3}, "no particle came below 1"),
        (half_space(9.0), {"budget_evaluations": 10_000}, "2500 evaluations a replicate was spent"),
        (half_space(9.0), {"budget_seconds": 0.0}, "seconds was spent"),
    ],
    ids=["constant", "nan", "bounded", "evaluations", "seconds"],
)
def test_target_not_reached(score, settings, why):
    run = split(score, 2, particles=100, **settings)
    assert run.status == "suspect"
    assert why in " ".join(run.reasons)
    assert run.value == run.low == -math.inf
    assert run.high <= 0
    if "budget_evaluations" in settings:
        assert run.evaluations <= 10_000 + 4 * 100
        assert stats.norm.logsf(9) < run.high < math.log(0.5)


def narrow(latents):
    return 2.5 * np.linalg.norm(latents - 1.5, axis=1)


def two_basins(latents):
    """A wide basin whose floor is at 1, and a narrow one that alone goes to 0."""
    return np.minimum(1 + 0.3 * np.abs(latents.sum(1)), narrow(latents))


def test_collapse_onto_few_ancestors_is_seen():
    run = split(two_basins, 2, levels_until=0.05, particles=100, seed=5)
    assert run.status == "suspect"
    assert min(r.effective_ancestors for r in run.replicates) < 3
    control = split(narrow, 2, levels_until=0.05, particles=100, seed=5)
    assert control.status == "ok"


def test_disagreement_is_seen():
    run = split(half_space(4.0), 2, particles=200, seed=6)
    assert run.status == "ok"
    shifted = (dataclasses.replace(run.replicates[0], log_probability=run.value - 15), *run.replicates[1:])
    doubtful = pool(shifted, 0.95)
    assert "disagree" in doubtful.reasons[0]
    assert doubtful.high - doubtful.low > run.high - run.low


def test_replicates_depend_on_seed_purpose_and_number_only():
    settings = {"particles": 50, "line_moves": 3}
    four = split(half_space(3.0), 3, seed=7, purpose="a", **settings)
    five = split(half_space(3.0), 3, seed=7, purpose="a", replicates=5, **settings)
    for one, other in zip(four.replicates, five.replicates, strict=False):
        assert np.array_equal(one.levels, other.levels) and np.array_equal(one.particles, other.particles)
    for other in (split(half_space(3.0), 3, seed=8, purpose="a", **settings), split(half_space(3.0), 3, seed=7, **settings)):
        assert other.value != four.value


def test_curve():
    run = split(square, 2, levels_until=1e-6, particles=500, seed=8)
    epsilon = np.geomspace(2e-6, 0.5, 20)
    curve = np.logaddexp.reduce(run.curves(epsilon), 0) - math.log(4)
    assert np.all(np.abs(curve - np.log(-np.expm1(-epsilon / 2))) < 4.5 * sampling_error(run))
    assert np.isnan(run.curves(np.array([1e-7, 10.0]))).all()
    assert run.particles.shape == (2000, 2)
    assert np.all(square(run.particles) <= 1e-6)


@pytest.mark.parametrize(
    "settings",
    [
        {"particles": 3},
        {"replicates": 3},
        {"moves": 0},
        {"quantile": 1.0},
        {"confidence": 0.0},
        {"levels_until": math.nan},
        {"levels": np.array([1.0, 2.0])},
    ],
)
def test_bad_settings(settings):
    with pytest.raises(InputError):
        split(square, 2, **settings)


def test_score_of_wrong_shape():
    with pytest.raises(InputError, match="shape"):
        split(lambda z: z, 2)
