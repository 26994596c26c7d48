"""A solve leaves the process's signals as they were."""

from __future__ import annotations

import signal
import subprocess
import sys

from solver.cpsat import Model

PROGRAM = """
import signal, sys, time
from solver.cpsat import Model
model = Model()
model.exactly_one([model.boolean(), model.boolean()])
model.solve(time_limit_s=1.0)
try:
    signal.raise_signal(signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_after_a_solve_is_a_keyboard_interrupt() -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM], check=False).returncode == 130


def test_the_handler_of_python_stays() -> None:
    before = signal.getsignal(signal.SIGINT)
    model = Model()
    model.exactly_one([model.boolean()])
    assert model.solve(time_limit_s=1.0).values == (1,)
    assert signal.getsignal(signal.SIGINT) is before
