import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

from slt_bias import functions, maps, prior
from slt_bias.errors import InputError, ResultError, SamplingInterrupted, SltBiasError
from slt_bias.prior import FunctionCounts, blocks
from slt_bias.prior.worker import WorkerMap


def same(one, other):
    return (
        one.functions == other.functions
        and (one.count == other.count).all()
        and one.samples == other.samples
        and all((one.blocks[seed] == other.blocks[seed]).all() for seed in one.blocks)
    )


@pytest.mark.parametrize("spec", ["mlp:inputs=4,hidden=6", "perceptron", "uniform:inputs=3", "polynomial:degree=2"])
def test_any_number_of_workers(spec):
    samples = 2 * maps.parse(spec).block + 1234
    assert same(prior.sample(spec, samples, workers=1), prior.sample(spec, samples, workers=3))


def test_torch_maps_in_processes():
    spec = "transformer:inputs=3,width=4,heads=2"
    samples = maps.parse(spec).block + 500
    assert same(prior.sample(spec, samples, workers=1), prior.sample(spec, samples, workers=2))


def test_torch_maps_on_rows_in_processes(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text("import torch\ndef make():\n    return torch.nn.Linear(3, 1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    rows = functions.from_rows(np.random.default_rng(0).normal(size=(12, 3)))
    chosen = maps.parse("module:my_networks:make", rows)
    samples = chosen.block + 77
    assert same(prior.sample(chosen, samples, workers=1), prior.sample(chosen, samples, workers=2))


def test_first_draws_are_a_prefix():
    small, large = prior.sample("mlp:inputs=3,hidden=4", 1000), prior.sample("mlp:inputs=3,hidden=4", 5000)
    for function, count in zip(small.functions, small.count, strict=True):
        assert large.of(function) >= count


def test_seeds_and_maps_do_not_share_draws():
    one = prior.sample("mlp:inputs=3,hidden=4", 5000)
    assert not same(one, prior.sample("mlp:inputs=3,hidden=4", 5000, seed=1))
    a = maps.parse("perceptron:inputs=4,weight_std=1").draw_functions(0, 0, 100)
    b = maps.parse("perceptron:inputs=4,weight_std=2").draw_functions(0, 0, 100)
    assert (a != b).any()


class Interrupting:
    """A map that raises Ctrl-C's signal in the main thread when a block is drawn."""

    def __init__(self, spec, at):
        self._map, self._at = maps.parse(spec), at

    def __getattr__(self, name):
        return getattr(self._map, name)

    def draw_functions(self, seed, block, count):
        if block == self._at:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
        return self._map.draw_functions(seed, block, count)


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_and_resumed_to_the_same_bits(tmp_path, workers):
    spec = "mlp:inputs=3,hidden=4"
    chosen = Interrupting(spec, at=2)
    samples, path = 5 * chosen.block + 99, tmp_path / "c.parquet"
    with pytest.raises(SamplingInterrupted) as caught:
        prior.sample(chosen, samples, workers=workers, checkpoint=path)
    assert caught.value.counts.samples >= 2 * chosen.block and "goes on from there" in caught.value.how_to_resume
    part = FunctionCounts.load(path)
    assert part.count.sum() == part.samples == caught.value.counts.samples < samples
    assert same(prior.sample(spec, samples, checkpoint=path), prior.sample(spec, samples))
    assert same(prior.sample(spec, samples, checkpoint=path), FunctionCounts.load(path))  # a finished one is taken as it is


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    spec, path = "mlp:inputs=3,hidden=4", tmp_path / "c.parquet"
    prior.sample(spec, 20_000, checkpoint=path)  # ends inside a block
    assert same(prior.sample(spec, 40_000, checkpoint=path), prior.sample(spec, 40_000))


def test_checkpoint_of_something_else(tmp_path):
    path = tmp_path / "c.parquet"
    prior.sample("mlp:inputs=3,hidden=4", 1000, checkpoint=path)
    for spec, seed, samples, words in (
        ("mlp:inputs=3,hidden=5", 0, 2000, "not `mlp"), ("mlp:inputs=3,hidden=4", 1, 2000, "seed 1"),
        ("mlp:inputs=3,hidden=4", 0, 500, "more than the 500"),
    ):  # fmt: skip
        with pytest.raises(ResultError, match=words):
            prior.sample(spec, samples, seed=seed, checkpoint=path)
    from dataclasses import replace

    old = FunctionCounts.load(path)
    replace(old, provenance=dict(old.provenance) | {"numpy": "1.0"}).save(path)
    with pytest.raises(ResultError, match=r"numpy 1\.0"):
        prior.sample("mlp:inputs=3,hidden=4", 2000, checkpoint=path)


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"samples": -1}, {"samples": "ten"}, {"samples": 1.5}, {"seed": -1},
                                       {"workers": 0}, {"device": "cuda:77"}, {"device": "gpu"}])  # fmt: skip
def test_bad_arguments(arguments):
    with pytest.raises(InputError) as caught:
        prior.sample("mlp:inputs=3,hidden=4", **({"samples": 10} | arguments))
    assert "\n" not in str(caught.value)
    if "device" in arguments:
        assert "this machine has cpu" in str(caught.value)


def test_an_error_in_a_worker_is_raised():
    class Broken(Interrupting):
        def draw_functions(self, seed, block, count):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        prior.sample(Broken("mlp:inputs=3,hidden=4", 0), 10_000)


def test_a_killed_worker_is_started_again():
    chosen = maps.parse("transformer:inputs=2,width=4,heads=1")
    worker = WorkerMap(chosen, seed=0)
    try:
        first = worker.draw(0, 50)
        killer = threading.Timer(0.0, worker._process.kill)
        killer.start()
        killer.join()
        assert (worker.draw(0, 50) == first).all()
        assert (first == chosen.draw_functions(0, 0, 50)).all()
    finally:
        worker.close()


def test_a_worker_that_always_dies_says_why(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text("import torch\ndef make():\n    return torch.nn.Linear(7, 1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen = maps.parse("module:deadly:make")
    (tmp_path / "deadly.py").write_text("raise SystemExit('no such luck')\n")
    worker = WorkerMap(chosen, seed=0)
    try:
        with pytest.raises(SltBiasError, match=r"died 3 times on block 4: .*no such luck"):
            worker.draw(4, 10)
    finally:
        worker.close()


@pytest.mark.parametrize("how", ["stdin", "script"])
def test_programs_without_a_guard(tmp_path, how):
    """Workers never import the caller's __main__: a script without `if __name__ …` and a program from standard input."""
    code = textwrap.dedent("""
        import slt_bias as sb
        print("once")
        counts = sb.prior.sample("transformer:inputs=2,width=4,heads=1", 5000, workers=2)
        print(counts.samples)
    """)
    (tmp_path / "program.py").write_text(code)
    command = [sys.executable, "-"] if how == "stdin" else [sys.executable, str(tmp_path / "program.py")]
    given = code if how == "stdin" else None
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["once", "5000"], done.stderr


def test_block_records():
    assert blocks.record([(1, 2, 8), (0, 1, 8), (2, 3, 5)], 8).tolist() == [[0, 2, 16], [2, 3, 5]]
    done = blocks.record([(1, 2, 8)], 8)
    assert list(blocks.missing(21, 8, done)) == [(0, 8), (2, 5)]
    assert next(blocks.missing(10**12, 8, done)) == (0, 8)
    assert blocks.overlap(np.array([[0, 4, 32]]), np.array([[3, 5, 16]])) == 3
    assert blocks.overlap(np.array([[0, 4, 32]]), np.array([[4, 5, 8]])) is None


def test_an_error_of_the_users_module_comes_back_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "divides.py").write_text(
        "import torch\nclass Zero(torch.nn.Linear):\n    def forward(self, x):\n        return super().forward(x) * 0 / 0\n"
        "def make():\n    return Zero(7, 1)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SltBiasError, match=r"draws gave an output that is not finite"):
        prior.sample("module:divides:make", 10_000, workers=2)


def test_what_is_no_map():
    with pytest.raises(InputError, match="from_module"):
        prior.sample(lambda: None, 10)


def test_partial_block_that_cannot_be_drawn_again(tmp_path):
    from slt_bias.prior.resuming import whole_blocks

    counts = prior.sample("perceptron:inputs=3", 1000)
    with pytest.raises(ResultError, match="to the same bits"):
        whole_blocks(counts, 0, 16384, lambda block, draws: np.full((draws, 1), 0b01101001, np.uint8))
