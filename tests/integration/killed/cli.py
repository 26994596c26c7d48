"""Run one ``sky`` command and kill this very process right after a given call of its provider.

Usage: cli.py TARGET NTH WORD...  (TARGET is the function that every call goes through: MODULE:NAME)
"""

from __future__ import annotations

import runpy
import sys

from tests.integration.killed_at import arm


def main() -> None:
    target, nth, *words = sys.argv[1:]
    arm(target, "after", int(nth))
    sys.argv = ["sky", *words]
    runpy.run_module("sky", run_name="__main__")


if __name__ == "__main__":
    main()
