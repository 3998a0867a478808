import platform
import subprocess
import sys

import pytest

WORK = """
import ctypes, threading
{first}
gate = threading.Barrier(8)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def work():
    gate.wait()
    for _ in range(100):
        libc.malloc(4096)
    gate.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads]
[one.join() for one in threads]
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def places(first: str) -> int:
    """In how many places eight threads keep what they took."""
    done = subprocess.run(
        [sys.executable, "-c", WORK.format(first=first)], capture_output=True, text=True, check=True
    )
    return done.stdout.count("<heap ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_threads_share_two_places() -> None:
    first = "from tumorlens.serving.memory import share_memory\nassert share_memory()"
    assert places("") > 2
    assert places(first) <= 2
