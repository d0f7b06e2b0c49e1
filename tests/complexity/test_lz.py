"""C_LZ: the published values, the compiled parse against the plain one, and the definition's own identities."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slt_bias import complexity
from slt_bias.complexity.lz import word_counts
from slt_bias.errors import InputError
from slt_bias.functions import Functions, parse


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0)


def brute_force_words(string):
    """The exhaustive history by its definition (Lempel & Ziv 1976): compare every earlier start, character by character."""
    words, start = [], 0
    while start < len(string):
        longest = 0
        for copy in range(start):
            length = 0
            while start + length < len(string) and string[copy + length] == string[start + length]:
                length += 1
            longest = max(longest, length)
        words.append(string[start : start + longest + 1])
        start += longest + 1
    return words


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("0" * 128, 7),
        ("1" * 128, 7),
        ("01" * 64, 21),
        ("0" * 64 + "1" * 64, 21),
        ("0" * 127 + "1", 17.5),
        ("projection:index=3,inputs=7", 28),
        ("parity:inputs=7", 91),
        ("majority:inputs=7", 70),
    ],
)
def test_the_values_at_128_points(function, value):
    assert complexity.lz(function) == value


def test_the_parse_of_the_literature():
    assert complexity.lz_words("0001101001000101") == ["0", "001", "10", "100", "1000", "101"]


def test_short_strings_have_defined_values():
    assert complexity.lz("") == complexity.lz("0") == complexity.lz("1") == 0
    assert complexity.lz("00") == 1
    assert complexity.lz("01") == 2
    assert complexity.lz(["0", "1"]).tolist() == [0, 0]
    assert complexity.lz([]).shape == (0,)


def test_random_strings_of_128_bits_score_149(noise):
    values = complexity.lz(Functions(noise.integers(0, 256, (20000, 16), dtype=np.uint8), 128))
    assert values.mean() == pytest.approx(148.9, abs=0.3)


binary = st.text("01", max_size=300)
patterned = st.builds(
    lambda pattern, length, flips: "".join(
        str(int(c) ^ (i in flips)) for i, c in enumerate((pattern * 300)[:length])
    ),
    st.text("01", min_size=1, max_size=70),
    st.integers(0, 300),
    st.sets(st.integers(0, 299), max_size=4),
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(binary | patterned)
def test_the_compiled_parse_is_the_plain_one(string):
    words = complexity.lz_words(string)
    assert "".join(words) == string
    assert words == brute_force_words(string)
    if string:
        backward = complexity.lz_words(string[::-1])
        assert word_counts(parse(string)).tolist() == [[len(words)], [len(backward)]]
        mean = 1 if len(set(string)) == 1 else (len(words) + len(backward)) / 2
        assert complexity.lz(string) == pytest.approx(math.log2(len(string)) * mean)


@pytest.mark.parametrize("points", [*range(1, 12), 63, 64, 65, 127, 128, 129, 192, 255, 256])
def test_batches_of_every_word_boundary(points, noise):
    tables = noise.random((150, points)) < noise.random((150, 1))  # more than one batch of lanes, and a ragged last one
    functions = Functions.from_values(tables)
    forward = [len(complexity.lz_words(s)) for s in functions]
    backward = [len(complexity.lz_words(s[::-1])) for s in functions]
    assert word_counts(functions).tolist() == [forward, backward]


@pytest.mark.parametrize("string", ["01" * 1000, "0" * 1500 + "1" * 777, "0110" * 100 + "1" + "0110" * 400], ids=len)
def test_longer_strings(string, noise):
    noisy = "".join("01"[bit] for bit in noise.integers(0, 2, 1999))
    for text in (string, noisy):
        assert word_counts(parse(text))[:, 0].tolist() == [len(complexity.lz_words(t)) for t in (text, text[::-1])]


def test_the_largest_hypercube(noise):
    packed = noise.integers(0, 256, (2, 8192), dtype=np.uint8)
    packed[0] = 0b01010101
    periodic, random = complexity.lz(Functions(packed, 65536))
    assert periodic == 16 * 3
    assert 0.9 * 65536 < random < 1.1 * 65536


@settings(max_examples=50, derandomize=True, deadline=None)
@given(binary)
def test_complement_and_reversal_change_nothing(string):
    value = complexity.lz(string)
    assert complexity.lz(string[::-1]) == value
    assert complexity.lz(string.translate({48: "1", 49: "0"})) == value


def test_blocks_and_threads_change_nothing(noise):
    functions = Functions(noise.integers(0, 256, (40000, 16), dtype=np.uint8), 128)
    whole = complexity.lz(functions)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(complexity.lz.bulk, [functions[i : i + 777] for i in range(0, 40000, 777)]))
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("bad", [[0.1, 0.9], [0, 1], "0120", np.array([0.5])])
def test_other_alphabets_are_refused(bad):
    with pytest.raises(InputError):
        complexity.lz(bad)


def test_no_points_have_no_words():
    with pytest.raises(InputError, match="no points"):
        word_counts(parse(""))
