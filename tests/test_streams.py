import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slt_bias import _normals_kernel as kernel
from slt_bias import streams
from slt_bias.errors import InputError

DRAWS = 2**23


@pytest.fixture(scope="module")
def draws():
    return streams.normals(1, "test", 0, (2**12, DRAWS // 2**12)).ravel().astype(np.float64)


def test_moments(draws):
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs((draws**power).mean() - mean) < 5 * np.sqrt(variance / DRAWS), power


def test_kolmogorov_smirnov(draws):
    assert stats.kstest(draws, "norm").pvalue > 1e-4
    for lane in range(0, 64, 7):  # each column of the lanes by itself
        assert stats.kstest(draws[lane :: kernel.CHUNK], "norm").pvalue > 1e-4


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 4.5, 5])
def test_tails(draws, limit):
    for side in (draws > limit, draws < -limit):
        assert stats.binomtest(int(side.sum()), DRAWS, stats.norm.sf(limit)).pvalue > 1e-4


def test_far_tail():
    state, row = streams.state("normals", 2, "tail", 0), np.empty((2**10, 2**12), np.float32)
    beyond, total = 0, 0
    for _ in range(40):
        kernel.fill_rows(state, row)
        beyond += int((np.abs(row) > 5.5).sum())
        total += row.size
    assert stats.binomtest(beyond, total, 2 * stats.norm.sf(5.5)).pvalue > 1e-4


def test_no_serial_correlation(draws):
    for lag in (1, 2, 31, 32, 33, 64, 1024, 2048):
        assert abs((draws[:-lag] * draws[lag:]).mean()) < 5 / np.sqrt(DRAWS), lag
    half = draws.reshape(-1, 2048)
    assert abs((half[:, :1024] ** 2 * half[:, 1024:] ** 2).mean() - 1) < 5 * np.sqrt(8 / (DRAWS / 2))


def test_box_muller_is_accurate():
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**32, size=2**16, dtype=np.uint32)
    words[:4] = [0, 1, 2**31, 2**20]
    out = np.empty(len(words), np.float32)
    kernel.box_muller(words, out)
    half = len(words) // 2
    u, w = (words[:half].astype(float) + 0.5) / 2**32, words[half:].astype(np.int64)
    radius, a = np.sqrt(-2 * np.log(u)), ((w % 2**29) + 0.5) * np.pi / 4 / 2**29
    exchange = (w >> 29) % 2 == 1
    cosine = np.where(w >> 31, -1, 1) * radius * np.where(exchange, np.sin(a), np.cos(a))
    sine = np.where((w >> 30) % 2, -1, 1) * radius * np.where(exchange, np.cos(a), np.sin(a))
    away = u < 0.999  # u next to 1 has 24 bits
    for got, exact in ((out[:half], cosine), (out[half:], sine)):
        assert np.abs(got - exact).max() < 4e-4 and np.abs(got - exact)[away].max() < 3e-6


def test_words_are_xoshiro128plusplus():
    state = streams.state("normals", 0, "plain", 0).copy()
    plain = [[int(x) for x in column] for column in state.T]
    words = np.empty(3 * kernel.LANES, np.uint32)
    kernel.fill_words(state, words)

    def rotate(x, k):
        return (x << k | x >> (32 - k)) & 0xFFFFFFFF

    for step in range(3):
        for lane, s in enumerate(plain):
            assert words[step * kernel.LANES + lane] == (rotate((s[0] + s[3]) & 0xFFFFFFFF, 7) + s[0]) & 0xFFFFFFFF
            t = (s[1] << 9) & 0xFFFFFFFF
            s[2] ^= s[0]
            s[3] ^= s[1]
            s[1] ^= s[2]
            s[0] ^= s[3]
            s[2] ^= t
            s[3] = rotate(s[3], 11)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 300), st.integers(0, 2**40))
def test_rows_do_not_depend_on_how_many(rows, length, seed):
    every = streams.normals(seed, ["p", 1], 3, (rows + 2, length))
    assert (streams.normals(seed, ["p", 1], 3, (rows, length)) == every[:rows]).all()
    assert every.dtype == np.float32


def test_keys_differ():
    calls = [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1), (0, ["a"], 0), (0, ["a", 0], 0)]
    first = {streams.normals(*call, (1, 2)).tobytes() for call in calls}
    assert len(first) == len(calls)
    assert streams.uniforms(0, "a", 0, (4,)).tolist() != (streams.integers(0, "a", 0, (4,)) / 2**32).tolist()


def test_uniforms_and_integers():
    u = streams.uniforms(0, "u", 0, (2**19,))
    assert u.min() > 0 and u.max() < 1 and stats.kstest(u, "uniform").pvalue > 1e-4
    k = streams.integers(0, "k", 0, (2**19,), bound=10)
    assert stats.chisquare(np.bincount(k, minlength=10)).pvalue > 1e-4 and k.max() == 9
    assert streams.integers(0, "k", 0, (5,), bound=1).tolist() == [0] * 5


@pytest.mark.parametrize(("seed", "block"), [(-1, 0), (0, -1), (0.5, 0), ("0", 0)])
def test_bad_keys(seed, block):
    with pytest.raises(InputError, match="whole number"):
        streams.normals(seed, "a", block, (1,))


def test_bad_bound():
    with pytest.raises(InputError, match="bound"):
        streams.integers(0, "a", 0, (1,), bound=0)
