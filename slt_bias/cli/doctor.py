"""`slt-bias doctor`: the machine and its speed."""

from __future__ import annotations

from slt_bias.cli import output
from slt_bias.cli.options import Debug, Json


def doctor(json: Json = False, debug: Debug = False) -> None:
    """Show versions, devices and a short speed test.

    Send its output along with a report of a fault.

    Example: slt-bias doctor
    """
    from slt_bias.workflows.doctor import examine

    found = examine()
    if json:
        output.show_json(found)
        return
    lines = {
        "versions": ", ".join(f"{name} {version}" for name, version in found["versions"].items() if version),
        "instruction set": found["instruction_set"],
        "cores": f"{found['cores']} usable, torch takes {found['torch_threads']} threads",
        "devices": ", ".join(found["devices"]),
        "compiled kernels": found["compiled_cache"],
        "first block": f"{found['first_block_seconds']} s (long where kernels had to be compiled)",
        "networks": f"{found['networks_per_second']:,} a second on one thread (7-40-40-1, relu)",
        "matrix product": f"{found['matrix_gflops']} GFLOP/s on one thread (float32, 1024³)",
        "both compared": f"networks run at {found['share_of_matrix_rate']:.2f} of the matrix product's rate",
    }
    for device, rate in found["device_networks_per_second"].items():
        lines[device] = rate if isinstance(rate, str) else f"{rate:,} networks a second (the same network)"
    for name, text in lines.items():
        output.show(f"{name:<17} {text}")
