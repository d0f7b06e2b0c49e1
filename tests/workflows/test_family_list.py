"""What `slt-bias maps` shows can be typed."""

import sys

import pytest

from slt_bias import maps, prior
from slt_bias.workflows.families import EXAMPLES, families


def test_every_family_has_an_example_and_a_description():
    assert list(EXAMPLES) == list(maps.FAMILIES)
    for family in families()["families"]:
        assert family["example"].startswith(f"{family['name']}:")
        assert family["name"] == "module" or family["description_bits"] > 100


@pytest.mark.parametrize("spec", EXAMPLES.values(), ids=list(EXAMPLES))
def test_every_example_draws(spec, tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text("import torch\n\n\ndef factory():\n    return torch.nn.Linear(7, 1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)  # other tests have modules of this name
    assert prior.sample(spec, samples=16, workers=1).samples == 16
