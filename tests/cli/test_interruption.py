"""Ctrl-C and a termination signal keep what was drawn, say how to go on, and the same command does."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from slt_bias.prior import FunctionCounts
from slt_bias.workflows.compare import compare

SPEC = "mlp:inputs=5,hidden=8x8"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, number):
    out = tmp_path / "out"
    arguments = ["compare", "--map", SPEC, "--samples", "1e9", "--out", str(out)]
    command = [sys.executable, "-c", "from slt_bias.cli import main; main()", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    while not out.exists() and time.monotonic() - started < 60:
        time.sleep(0.05)
    time.sleep(6.0)  # torch has been asked for a GPU, kernels are loaded and some blocks drawn, on a busy machine too
    process.send_signal(number)
    shown, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert shown == ""
    kept, resume = said.splitlines()
    assert kept.startswith("interrupted: ") and "draws are kept" in kept
    assert resume == f"go on with: slt-bias {' '.join(arguments)}"

    (partial,) = (out / "counts").glob("*.partial.parquet")
    drawn = FunctionCounts.load(partial).samples
    assert drawn > 0
    samples = drawn + 20_001
    resumed = compare([SPEC], samples=samples, out=out)
    whole = compare([SPEC], samples=samples, out=tmp_path / "whole")
    assert not partial.exists()
    one, other = (FunctionCounts.load(found.out / found.table["counts"][0]) for found in (resumed, whole))
    assert one.samples == other.samples == samples
    assert one.functions == other.functions
    assert np.array_equal(one.count, other.count)
