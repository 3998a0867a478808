"""Memory that is kept between batches, where the C library would give it back."""

import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # parameters of mallopt(3) in glibc's malloc.h
_LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let the process keep the memory it frees, for the rest of its life.

    Feature maps of one batch are freed and wanted again a moment later. glibc maps and unmaps
    them each time, and the kernel clears every page anew: on two cores a training step without
    this took 1.3 to 1.6 times as long (``benchmarks/training_step.py`` measures it).

    Returns:
        Whether the C library could be told (it is glibc).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _LARGEST))
