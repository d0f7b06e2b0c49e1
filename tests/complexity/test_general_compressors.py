"""The general compressors: streams that decode themselves, no headers, and a ranking like that of C_LZ."""

import lzma
import zlib

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity import general_compressors
from slt_bias.functions import Functions

NAMES = ("lzma", "zlib", "bz2")


@pytest.fixture(scope="module")
def functions():
    """600 functions of 128 points from periodic strings and Markov chains to noise."""
    noise = np.random.default_rng(0)
    biased = noise.random((200, 128)) < noise.random((200, 1))
    runs = np.cumsum(noise.random((200, 128)) < noise.random((200, 1)) / 2, axis=1) % 2 == 1
    periodic = np.array([np.resize(noise.random(noise.integers(1, 33)) < 0.5, 128) for _ in range(200)])
    return Functions.from_values(np.concatenate([biased, runs, periodic ^ (noise.random((200, 128)) < 0.02)]))


@pytest.mark.parametrize(("name", "least"), [("lzma", 0.96), ("zlib", 0.96), ("bz2", 0.9)])
def test_they_rank_like_lz_and_exceed_the_table(functions, name, least):
    values = complexity.compute(functions, name)
    assert values.dtype == np.float64
    assert np.corrcoef(values, complexity.lz(functions))[0, 1] > least
    assert values.max() > 2 * 128  # the docstrings' warning


@pytest.mark.parametrize("name", NAMES)
def test_values_are_whole_bytes_and_nothing_is_nothing(name):
    estimator = getattr(complexity, name)
    assert estimator("") == 0
    assert estimator([]).shape == (0,)
    assert isinstance(estimator("0110"), float)
    assert estimator("0110") % 8 == 0
    assert estimator("0" * 128) < estimator("random:inputs=7")
    assert estimator("0" * 65536) < 1000


def test_the_lengths_are_those_of_streams_that_decode():
    text = b"0110" * 32
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    stream = deflate.compress(text) + deflate.flush()
    assert zlib.decompress(stream, -15) == text
    assert complexity.zlib(text.decode()) == 8 * len(stream)
    settings = [{"id": lzma.FILTER_LZMA1, "dict_size": 4096, "lc": 0, "lp": 0, "pb": 0}]
    stream = lzma.compress(text, format=lzma.FORMAT_RAW, filters=settings)
    assert lzma.decompress(stream, format=lzma.FORMAT_RAW, filters=settings) == text
    assert complexity.lzma(text.decode()) == 8 * len(stream)


def test_the_frame_of_bzip2_is_what_every_stream_has():
    import bz2

    streams = [bz2.compress(text, 1) for text in (b"0" * 128, b"0110" * 32)]
    frame = b"BZh1" + bytes.fromhex("314159265359")
    assert all(stream.startswith(frame) for stream in streams)
    # block checksum, end magic and stream checksum follow: 4 + 6 + 4 bytes, not aligned to bytes
    assert len(frame) + 4 + 6 + 4 == general_compressors.BZ2_FRAME
