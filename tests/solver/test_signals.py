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


HARD = """
import os, random, signal, threading
from solver.cpsat import Model
chance = random.Random(5)
model = Model()
shops = [model.boolean() for _ in range(50)]
for _ in range(6):
    sales = {shop: chance.randrange(100) for shop in shops}
    half = sum(sales.values()) // 2
    model.linear(sales, at_least=half, at_most=half)
threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT]).start()
outcome = model.solve(time_limit_s=60)
print(outcome.interrupted, outcome.infeasible, outcome.values)
"""


def test_ctrl_c_ends_a_search_with_what_it_has() -> None:
    """A market split, which takes CP-SAT hours, ends at once and claims no proof."""
    ran = subprocess.run([sys.executable, "-c", HARD], capture_output=True, text=True, timeout=50, check=True)
    assert ran.stdout.split() == ["True", "False", "None"]
