"""The conditions of a measurement: which processor, and whether it has nothing else to do."""

import os
import platform
import time
from pathlib import Path

from tumorlens.overlapping import cores

IDLE_LOAD = 0.5
"""Processes that run or wait, for each core, averaged over a minute: fewer are none of note."""


def cpu_name() -> str:
    """As the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def becomes_idle(*, patience: float = 120) -> bool:
    """Whether other work ends in so many seconds, such as that of the script before."""
    end = time.monotonic() + patience
    while os.getloadavg()[0] > IDLE_LOAD * cores():
        if time.monotonic() > end:
            return False
        time.sleep(2)
    return True
