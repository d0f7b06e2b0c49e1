"""Sampling on a device, with the CPU by its other name `cpu:0` in the place of a GPU."""

import logging

import numpy as np
import pytest
import torch

from slt_bias import maps, prior
from slt_bias.errors import InputError
from slt_bias.maps import device as on_device
from slt_bias.maps.device import as_words
from slt_bias.prior import devices, drawing
from slt_bias.prior.device_tally import DeviceTally
from slt_bias.prior.tally import Tally


@pytest.fixture
def on_a_device(monkeypatch):
    monkeypatch.setattr("slt_bias.prior.sampling.resolve_device", lambda device, map, samples: "cpu:0")
    monkeypatch.setattr(on_device, "has_kernel", lambda map: False)


@pytest.mark.parametrize("points", [5, 64, 70, 128, 300])
def test_the_same_tally(points):
    generator = np.random.default_rng(points)
    pool = generator.integers(0, 2, (200, points), dtype=np.uint8)
    tally, other = Tally(points), DeviceTally(points, "cpu")
    for size in (1000, 300, 1, 700):
        packed = np.packbits(pool[(200 * generator.random(size) ** 3).astype(int)], axis=1)
        tally.add(packed)
        other.add(torch.from_numpy(as_words(packed)))
    weights = np.arange(-3, 5)  # a resumed run takes draws out
    for one in (tally, other):
        one.add(np.packbits(pool[:8], axis=1), weights)
    (functions, counts), (same_functions, same_counts) = tally.sorted(), other.sorted()
    assert functions == same_functions and (counts == same_counts).all() and counts.sum() == 2001 + weights.sum()


def test_functions_that_share_a_hash(monkeypatch):
    monkeypatch.setattr("slt_bias.prior.device_tally.MIX", 0)  # the last word alone: many share it
    packed = np.random.default_rng(0).integers(0, 2, (500, 16), dtype=np.uint8)
    packed[:, 8:] = 0
    tally, other = Tally(128), DeviceTally(128, "cpu")
    for part in np.split(packed, 5):
        tally.add(part)
        other.add(part)
    assert tally.sorted()[0] == other.sorted()[0] and (tally.sorted()[1] == other.sorted()[1]).all()


def same(one, other):
    return one.functions == other.functions and (one.count == other.count).all() and one.samples == other.samples


@pytest.mark.parametrize("largest", [1, 3, 7])
def test_out_of_memory_halves_the_launch_and_changes_no_draw(on_a_device, monkeypatch, caplog, largest):
    spec = "transformer:inputs=2,width=4,heads=1"
    samples = 9 * maps.parse(spec).block + 17
    expected = prior.sample(spec, samples)
    whole = on_device.functions_on_device

    def small(map, seed, blocks, device):
        if len(blocks) > largest:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return whole(map, seed, blocks, device)

    monkeypatch.setattr(on_device, "functions_on_device", small)
    with caplog.at_level(logging.WARNING, "slt_bias"):
        assert same(prior.sample(spec, samples), expected)
    assert "out of memory" in caplog.text


def test_out_of_memory_within_a_block(on_a_device, monkeypatch):
    chosen = maps.parse("fourier:inputs=3")
    expected = chosen.draw_functions(0, 0, 300, "cpu:0")
    whole = type(chosen).outputs

    def small(self, parameters):
        if len(parameters) > 40:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return whole(self, parameters)

    monkeypatch.setattr(type(chosen), "outputs", small)
    assert (chosen.draw_functions(0, 0, 300, "cpu:0") == expected).all()
    monkeypatch.setattr(type(chosen), "outputs", lambda self, parameters: small(self, torch.empty(41)))
    with pytest.raises(torch.cuda.OutOfMemoryError):  # not even one draw fits
        chosen.draw_functions(0, 0, 300, "cpu:0")


def test_counts_that_do_not_fit_go_to_the_host(monkeypatch, caplog):
    import slt_bias.prior.device_tally as module

    tally, other = Tally(128), DeviceTally(128, "cpu")
    whole, calls = module.merged, []

    def small(words, counts):
        calls.append(len(words))
        if len(calls) in (3, 4, 9):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return whole(words, counts)

    monkeypatch.setattr(module, "merged", small)
    generator = np.random.default_rng(1)
    for _ in range(8):
        packed = np.packbits(generator.random((400, 128)) < 0.005, axis=1)
        tally.add(packed)
        other.add(torch.from_numpy(as_words(packed)))
    assert len(calls) > 9 and "go to the host" in caplog.text
    assert tally.sorted()[0] == other.sorted()[0] and (tally.sorted()[1] == other.sorted()[1]).all()


def test_interrupted_and_resumed_on_a_device(on_a_device, tmp_path):
    spec, path = "fourier:inputs=2", tmp_path / "c.parquet"
    prior.sample(spec, 5000, checkpoint=path)  # ends inside a block
    resumed = prior.sample(spec, 9000, checkpoint=path)
    assert same(resumed, prior.sample(spec, 9000)) and resumed.provenance["device"] == "cpu:0"


def test_auto_takes_a_gpu_where_it_pays(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    network, other = maps.parse("mlp"), maps.parse("transformer:inputs=3,width=4,heads=1")
    monkeypatch.setattr(on_device.importlib.util, "find_spec", lambda name: None)
    assert devices.resolve_device("auto", network, 10**9) == "cpu"  # no triton
    monkeypatch.setattr(on_device.importlib.util, "find_spec", lambda name: object())
    assert devices.resolve_device("auto", network, devices.PAYS_FROM) == "cuda:0"
    assert devices.resolve_device("auto", network, devices.PAYS_FROM - 1) == "cpu"
    assert devices.resolve_device("auto", other, 10**9) == "cpu"
    assert devices.resolve_device("cuda", other) == "cuda:0" and devices.resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(InputError, match=r"cuda:7 is not there; this machine has cpu, cuda:0, cuda:1"):
        devices.resolve_device("cuda:7")


def test_a_checkpoint_of_the_cpu_stays_on_the_cpu(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(devices, "PAYS_FROM", 2000)
    prior.sample("mlp:inputs=3,hidden=4", 1000, checkpoint=tmp_path / "c.parquet")
    assert prior.sample("mlp:inputs=3,hidden=4", 3000, checkpoint=tmp_path / "c.parquet").provenance["device"] == "cpu"


def test_a_launch_of_the_kernel_takes_many_blocks(monkeypatch):
    monkeypatch.setattr(on_device, "has_kernel", lambda map: True)
    with drawing.drawers(maps.parse("mlp"), 0, "cpu:0", 1) as hands:
        assert len(hands) == 1 and hands[0].at_once * maps.parse("mlp").block == drawing.LAUNCH
