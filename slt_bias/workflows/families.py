"""The map families with their options: what `slt-bias maps` prints."""

from __future__ import annotations

from typing import Any

from slt_bias.maps.law import PRESETS
from slt_bias.maps.options import Option
from slt_bias.maps.programs import PROGRAMS, description_bits
from slt_bias.maps.registry import FAMILIES, INPUT_OPTIONS, family

EXAMPLES = {  # a spec a family that shows its main options
    "mlp": "mlp:hidden=40x40,activation=tanh",
    "perceptron": "perceptron:bias=false,values=pm1",
    "polynomial": "polynomial:degree=3,decay=0.5",
    "transformer": "transformer:blocks=2,width=16,heads=2",
    "cnn": "cnn:channels=16,kernel=3,layers=2",
    "rnn": "rnn:hidden=16,weight_std=2",
    "lstm": "lstm:hidden=16",
    "fourier": "fourier:features=64,scale=0.5",
    "random-features": "random-features:features=64,activation=tanh",
    "tree": "tree:depth=4",
    "circuit": "circuit:gates=16,basis=all16",
    "transducer": "transducer:states=5",
    "layered": "layered:depth=3",
    "scrambled": "scrambled:map=[mlp:hidden=40x40,bias=false],key=3",
    "uniform": "uniform:inputs=4",
    "module": "module:my_networks:factory,law=normal",
}

RULE = "a function is 1 where the output is > 0; an output of exactly 0 gives 0"


def families() -> dict[str, Any]:
    """Everything that can stand in a map's spec.

    Keys: families (name, summary, example, description_bits, options of each), inputs (options that every family has),
    presets (names of published laws), rule (how an output becomes a bit). description_bits is the upper bound on K(M), the
    complexity of the map itself (`maps.programs`), None for modules. An option has name, default (as text) and meaning.
    """
    return {
        "families": [
            {
                "name": name,
                "summary": family(name).summary,
                "example": EXAMPLES[name],
                "description_bits": description_bits(name) if name in PROGRAMS else None,
                "options": [_described(option) for option in family(name).options],
            }
            for name in FAMILIES
        ],
        "inputs": [_described(option) for option in INPUT_OPTIONS],
        "presets": list(PRESETS),
        "rule": RULE,
    }


def _described(option: Option) -> dict[str, str]:
    return {"name": option.name, "default": option.default, "meaning": option.meaning}
