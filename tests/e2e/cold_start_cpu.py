"""A share of a processor for a process, as Lambda gives it by memory: 128 MB get about a tenth. Init has all of it."""

import contextlib
import pathlib

GROUP = pathlib.Path("/sys/fs/cgroup/cpu/purge-router-cold-start")  # cgroups of version 1
PERIOD = 10_000  # Microseconds. A longer one would let a short process run at full speed.


def is_available():
    """Whether this process may limit another one: as root, where cgroups can be written."""
    with contextlib.suppress(OSError):
        GROUP.mkdir(exist_ok=True)
        return (GROUP / "cpu.cfs_quota_us").exists()
    return False


class Limit:
    """All of a processor at first, and a tenth from `apply` on."""

    def __init__(self, process):
        (GROUP / "cpu.cfs_quota_us").write_text("-1")
        (GROUP / "cpu.cfs_period_us").write_text(str(PERIOD))
        (GROUP / "cgroup.procs").write_text(str(process))

    def apply(self):
        (GROUP / "cpu.cfs_quota_us").write_text(str(PERIOD // 10))


def remove():
    with contextlib.suppress(OSError):
        GROUP.rmdir()
