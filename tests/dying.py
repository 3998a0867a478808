"""Work whose process is killed before a chosen step on the disk."""

import os
import signal
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PATH_STEPS = tuple(
    (Path, name) for name in ("mkdir", "open", "replace", "unlink", "write_bytes", "write_text")
)
"""What changes the disk, as methods of `Path`."""


def dies_at(
    step: int, work: Callable[[], object], steps: Iterable[tuple[Any, str]] = PATH_STEPS
) -> bool:
    """Run the work in a child that is killed before its step of this number; True if it was.

    Raises:
        AssertionError: The work raised something, which the child's standard error shows.
    """
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in {0, -signal.SIGKILL}, f"the work ended with {code}"
        return code != 0
    done = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return method(*args, **options)

        return run

    try:
        for owner, name in steps:
            setattr(owner, name, counted(getattr(owner, name)))
        work()
    except BaseException:  # else the child would go on with the other tests
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
