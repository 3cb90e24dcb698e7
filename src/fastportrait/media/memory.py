"""Memory that one frame frees is kept for the next one."""

import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT = 256 << 20
LARGEST = 32 << 20


def keep() -> None:
    """Have glibc not hand a frame's memory back to the system, only to ask for it again at once.

    A third of the time of composing and encoding was the system clearing pages. Elsewhere it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(TRIM_THRESHOLD, KEPT)
    mallopt(MMAP_THRESHOLD, LARGEST)
