"""The one place where failures of third-party decoders become errors of tumorlens."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tumorlens.errors import ScanCorruptError, ScanError, ScanTooLargeError


class _Silence:
    """No warnings as long as anybody decodes.

    `warnings.catch_warnings` swaps a list that all threads share: the first thread that comes puts
    ours in its place, the last one that goes puts the old one back, and none waits for another.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._filters.__exit__(None, None, None)


_SILENCE = _Silence()


@contextmanager
def decoding(kind: str, *, source: str) -> Iterator[None]:
    """Run third-party decoding; whatever it raises leaves as an error of tumorlens.

    The libraries warn about small faults (an odd tag, a wrong length) of files which they read
    all the same; those warnings are silenced here, so that neither the caller's warning filters
    nor the order of calls can change what is read. The message of the library's error is left
    out on purpose, since it may quote the file, and so a patient; it is chained as the cause.

    Args:
        kind: The format in words, such as ``"JPEG picture"``.
        source: What is being read, for the message.

    Raises:
        ScanCorruptError: The library failed.
        ScanTooLargeError: The memory did not suffice.
    """
    try:
        with _SILENCE:
            yield
    except ScanError:
        raise
    except MemoryError as error:
        raise ScanTooLargeError(
            expected=f"a {kind} that fits into memory",
            found="one that does not",
            remedy="Give a smaller scan, or use a machine with more memory.",
            source=source,
        ) from error
    except Exception as error:  # a decoder may raise anything on damaged bytes
        raise ScanCorruptError(
            expected=f"a whole and readable {kind}",
            found=f"truncated or damaged data, or a rare variant ({type(error).__name__})",
            remedy="Copy or export the file again, and check that another viewer opens it.",
            source=source,
        ) from error
