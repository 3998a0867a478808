"""What Ray reads from the environment when it is imported, so what must be set before."""

import os


def set_environment(address: str | None) -> None:
    """Let Ray report to nobody; without a cluster's address, let it listen on loopback only.

    Args:
        address: Of a running cluster; None where Ray is to start one on this machine.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Its own log of what it does in C++, of no use to who asked for answers.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is None:
        # Despite its name it decides on every system whether Ray takes the machine's address.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # Workers would run at the lowest priority, and starve beside any other work.
        os.environ.setdefault("RAY_worker_niceness", "0")
