"""Work whose process is killed before a chosen step on the disk."""

import os
import signal
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
    """Run the work in a child that is killed before its step of this number; True if it was."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    done = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            nonlocal done
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return method(*args, **options)

        return run

    for owner, name in steps:
        setattr(owner, name, counted(getattr(owner, name)))
    work()
    os._exit(0)
