"""The largest memory a process ever held, without that of the process that started it.

Linux counts what was in memory before ``exec`` into ``ru_maxrss``, and a child of `subprocess`
begins with its parent's: so a process asks for its own memory's high-water mark, and a command is
started by a small process in between.
"""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

_LAUNCHER = """
import json, os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
began = time.perf_counter()
child = os.posix_spawnp(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)]
)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - began
print(json.dumps([os.waitstatus_to_exitcode(status), took, usage.ru_maxrss / 1024]))
"""


def own_peak_mb() -> float:
    """Of this process."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    most = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024


def run_command(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MB of a command, what it starts included.

    Raises:
        SystemExit: It failed.
    """
    line = [sys.executable, "-S", "-E", "-c", _LAUNCHER, *command]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    code, seconds, peak = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return float(seconds), float(peak)
