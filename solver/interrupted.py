"""Interrupted: Ctrl-C ended the search, and this is what it had found."""

from __future__ import annotations

from solver.plan import Plan


class Interrupted(KeyboardInterrupt):
    """A search that was stopped by hand, with the best ``plan`` so far.

    A ``KeyboardInterrupt``, so that nobody goes on to launch a plan by accident.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__("the search was interrupted")
        self.plan = plan
