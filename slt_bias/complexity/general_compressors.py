"""General-purpose compressors as estimators: the length of the compressed truth table, in bits.

The truth table goes in as text, one character (a byte) a point. On 2,400 functions of 128 points, from periodic
strings and small networks to noise, the lengths then correlate with C_LZ by .98 (bz2: .94); packed eight points to a
byte, the compressors see no structure below the byte and it is .7 to .8. At 128 points they rank functions and no
more: the lengths reach 400 bits, far above the 128 of the table itself.
"""

from __future__ import annotations

import bz2 as bz2_library
import lzma as lzma_library
import zlib as zlib_library
from collections.abc import Callable

import numpy as np

from slt_bias.complexity.estimator import estimator
from slt_bias.functions import Functions

BZ2_FRAME = 24  # bytes that every one-block stream has: file and block magic, end magic, and the two checksums


@estimator("length of a raw LZMA stream of the truth table, a byte a point: ranks short ones, yet exceeds their size", "bits")
def lzma(functions: Functions) -> np.ndarray:
    """Bits of a raw LZMA1 stream (Pavlov's LZMA, as in liblzma: no header, no checksum), float64 (count,).

    The literal contexts lc, lp, pb are 0, the dictionary holds the whole table. The empty stream alone, an end marker
    and the range coder's state, is 80 bits. At 128 points: ranks functions (Pearson .98 with C_LZ), lengths 104 to
    about 410 bits exceed the table's own 128. No points give 0.
    """
    settings = {"id": lzma_library.FILTER_LZMA1, "dict_size": max(4096, functions.points), "lc": 0, "lp": 0, "pb": 0}
    return _bits(functions, lambda text: lzma_library.compress(text, format=lzma_library.FORMAT_RAW, filters=[settings]))


@estimator("length of a raw deflate stream of the truth table, a byte a point: ranks short ones, yet exceeds their size", "bits")
def zlib(functions: Functions) -> np.ndarray:
    """Bits of a raw deflate stream (RFC 1951: no header, no checksum), float64 (count,).

    At 128 points: ranks functions (Pearson .98 with C_LZ), lengths 48 to about 390 bits exceed the table's own 128.
    No points give 0.
    """

    def deflate(text: bytes) -> bytes:
        stream = zlib_library.compressobj(9, zlib_library.DEFLATED, -15, 9)
        return stream.compress(text) + stream.flush()

    return _bits(functions, deflate)


@estimator("length of a bzip2 block of the truth table, a byte a point: ranks short ones, yet exceeds their size", "bits")
def bz2(functions: Functions) -> np.ndarray:
    """Bits of a bzip2 stream (Burrows & Wheeler 1994; Seward 1996) without its frame, float64 (count,).

    bzip2 has no raw form: the 24 bytes of magic numbers and checksums that every stream of one block carries are
    subtracted. At 128 points: ranks functions (Pearson .94 with C_LZ), lengths 120 to about 390 bits exceed the
    table's own 128. No points give 0.
    """
    return _bits(functions, lambda text: bz2_library.compress(text, 1)[BZ2_FRAME:])


def _bits(functions: Functions, compress: Callable[[bytes], bytes]) -> np.ndarray:
    if not functions.points:
        return np.zeros(len(functions))
    return np.array([8.0 * len(compress(text.encode("ascii"))) for text in functions.strings()])
