import platform
import subprocess
import sys

import pytest


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_glibc_is_told_and_goes_on_working() -> None:
    code = (
        "from tumorlens.lab.memory import keep_freed_memory; import numpy as np\n"
        "assert keep_freed_memory()\n"
        "assert sum(float(np.ones(2**22).sum()) for _ in range(5)) == 5 * 2**22"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
