"""Counts in a folder: drawn, found, extended, taken up, refused."""

from dataclasses import replace

import numpy as np
import pytest

from slt_bias import maps, prior
from slt_bias.errors import ResultError
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.counting import count_functions
from slt_bias.workflows.naming import file_name


def count(folder, samples=20_000, seed=0, map=None):
    return count_functions(map or maps.Perceptron(4), folder, samples, seed, workers=1, device="cpu", progress=False)


def equal(found, **arguments):
    fresh = prior.sample(maps.Perceptron(4), **({"samples": 20_000} | arguments))
    return found.samples == fresh.samples and found.functions == fresh.functions and np.array_equal(found.count, fresh.count)


def partial_of(folder, map, seed=0):
    return folder / f"{file_name(map)}-seed{seed}.partial.parquet"


def test_complete_counts_are_used_and_not_drawn_again(tmp_path, monkeypatch):
    first, path = count(tmp_path)
    assert path.exists() and list(tmp_path.iterdir()) == [path]
    monkeypatch.setattr(maps.Perceptron, "draw_functions", lambda *a: pytest.fail("drawn again"))
    second, _ = count(tmp_path)
    assert second.functions == first.functions and np.array_equal(second.count, first.count)


@pytest.mark.parametrize("change", [{"samples": 10_000}, {"seed": 1}])
def test_fewer_draws_or_another_seed_leave_complete_counts_as_they_are(tmp_path, change):
    _, path = count(tmp_path)
    before = path.read_bytes()
    found, other = count(tmp_path, **change)
    assert equal(found, **change) and equal(FunctionCounts.load(other), **change)
    assert path.read_bytes() == before and sorted(tmp_path.iterdir()) == sorted([path, other])
    again, same = count(tmp_path, **change)
    assert same == other and np.array_equal(again.count, found.count)


def test_more_draws_of_the_same_seed_extend_what_is_there(tmp_path, monkeypatch):
    map = maps.Perceptron(4)
    _, path = count(tmp_path, samples=2 * map.block)
    drawn = []
    right = maps.Perceptron.draw_functions

    def watched(self, seed, block, count):
        drawn.append(block)
        return right(self, seed, block, count)

    monkeypatch.setattr(maps.Perceptron, "draw_functions", watched)
    found, same = count(tmp_path, samples=3 * map.block)
    assert drawn == [2] and same == path and list(tmp_path.iterdir()) == [path]
    assert equal(found, samples=3 * map.block)


def test_an_interrupted_extension_keeps_what_was_complete(tmp_path, monkeypatch):
    _, path = count(tmp_path)

    def stopped(self, seed, block, count):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maps.Perceptron, "draw_functions", stopped)
        with pytest.raises(KeyboardInterrupt):
            count(tmp_path, samples=5 * maps.Perceptron(4).block)
    assert FunctionCounts.load(path).samples == 20_000
    assert equal(count(tmp_path, samples=30_000)[0], samples=30_000)


@pytest.mark.parametrize("samples", [20_000, 30_000])
def test_complete_counts_of_another_version_are_refused_and_kept(tmp_path, samples):
    found, path = count(tmp_path)
    replace(found, provenance=dict(found.provenance) | {"numpy": "1.0"}).save(path)
    before = path.read_bytes()
    with pytest.raises(ResultError, match=r"numpy 1\.0.*choose another --out, or delete that file"):
        count(tmp_path, samples=samples)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_damaged_complete_counts_are_drawn_again(tmp_path):
    first, path = count(tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    second, _ = count(tmp_path)
    assert np.array_equal(second.count, first.count)


def test_a_checkpoint_is_taken_up(tmp_path):
    map = maps.Perceptron(4)
    partial = partial_of(tmp_path, map)
    prior.sample(map, samples=map.block * 2, checkpoint=partial)
    found, path = count(tmp_path, samples=map.block * 3 + 7)
    assert equal(found, samples=map.block * 3 + 7)
    assert path.exists() and not partial.exists()


@pytest.mark.parametrize(("drawn", "samples"), [({"seed": 1}, 20_000), ({}, 100)])
def test_a_checkpoint_of_other_draws_is_refused_and_kept(tmp_path, drawn, samples):
    map = maps.Perceptron(4)
    partial = partial_of(tmp_path, map)
    prior.sample(map, samples=map.block * 2, checkpoint=partial, **drawn)
    with pytest.raises(ResultError, match="delete that file"):
        count(tmp_path, samples=samples)
    assert partial.exists()
