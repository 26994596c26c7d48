"""Run a command and write its wall time and peak memory to a file: ``launcher.py REPORT COMMAND...``.

A process of its own, since Linux counts the memory of whoever starts a process into that process's peak.
"""

import os
import sys
import time

report, *command = sys.argv[1:]
start = time.perf_counter()
pid = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - start
with open(report, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs what is being measured
    file.write(f"{seconds} {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
