"""What a result records of how it was made: versions, device, instruction set, command."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

LIBRARIES = ("numpy", "numba", "llvmlite", "torch", "scipy")


@cache
def package_commit() -> str:
    """The git commit of the package where it runs from a checkout, else an empty text."""
    folder = Path(__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


@cache
def instruction_set() -> str:
    """The processor's architecture and the widest vectors that the compiled kernels use."""
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    for name in ("avx512f", "avx2", "avx", "neon", "sse4.2"):
        if features.get(name):
            return f"{platform.machine()} {name}"
    return platform.machine()


def collect(device: str, backend: str) -> dict[str, str]:
    """Versions of the package and its libraries, device, instruction set, backend, commit and command."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {
        "slt_bias": metadata.version("slt-bias"),
        "python": platform.python_version(),
        **versions,
        "device": device,
        "instruction_set": instruction_set(),
        "backend": backend,
        "commit": package_commit(),
        "command": " ".join(sys.argv),
    }
