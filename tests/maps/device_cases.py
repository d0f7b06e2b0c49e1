"""What test_network_device.py and the process that it starts both know."""

import numpy as np

from slt_bias.maps.network import ACTIVATIONS

PLAIN = "mlp:preset=valle-perez-2018-normal"
SPECS = (
    *(f"mlp:inputs=5,hidden=20x17,activation={name}" for name in ACTIVATIONS),
    "mlp:inputs=5,hidden=20x17,layer_norm=true",
    "mlp:inputs=4,hidden=9,law=uniform,values=pm1",
    "mlp:inputs=3,hidden=20x17x33,bias=false,activation=tanh",
    "mlp:inputs=8,hidden=70x50",
    "mlp:hidden=30x10",  # on ROWS
)
ROWS = np.random.default_rng(0).normal(size=(70, 20))
SMALL = "mlp:inputs=3,hidden=4"
DRAWS = 4096
