"""The states of a job and which may follow which, as the node's database stores them."""

from __future__ import annotations

PENDING = "PENDING"
SETTING_UP = "SETTING_UP"
RUNNING = "RUNNING"
FAILED_DRIVER = "FAILED_DRIVER"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
FAILED_SETUP = "FAILED_SETUP"
CANCELLED = "CANCELLED"

TRANSITIONS = {
    "INIT": (PENDING, FAILED_DRIVER, CANCELLED),
    PENDING: (SETTING_UP, RUNNING, FAILED_DRIVER, CANCELLED),
    SETTING_UP: (RUNNING, FAILED_SETUP, FAILED_DRIVER, CANCELLED),
    RUNNING: (SUCCEEDED, FAILED, FAILED_DRIVER, CANCELLED),
    FAILED_DRIVER: (),
    SUCCEEDED: (),
    FAILED: (),
    FAILED_SETUP: (),
    CANCELLED: (),
}
"""Equal to ``executors.job.TRANSITIONS``; a test compares them."""

STARTED = (SETTING_UP, RUNNING)
"""The states in which a job holds resources and a runner watches it."""

LIVE = ("INIT", PENDING, *STARTED)
"""The states that keep a node from being idle."""
