"""Connections to one node, and the sessions that share them.

A server opens few sessions a connection (``MaxSessions``, 10 by default), so there may be several
connections, called lanes, to one node.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from executors.errors import HostUnreachable
from executors.transports.address import Address

SESSIONS = 8
LANES = 16
_NO_SESSION_LIMIT_S = 60.0


class Lane(Protocol):
    """One connection: how many of its sessions this process uses, and how many it may use."""

    used: int
    room: int

    def connect(self) -> None:
        """Make sure that the connection is there. Raises ``HostUnreachable`` and its kinds."""

    def connected(self) -> bool:
        """Return whether the connection was made, and is not known to be lost; costs nothing."""

    def disconnect(self) -> None:
        """End the connection; ended already is success."""


LaneT = TypeVar("LaneT", bound=Lane)


class Lanes(Generic[LaneT]):
    """All lanes of this process to ``address``; ``make`` makes the one of a number from 0."""

    def __init__(self, address: Address, make: Callable[[int], LaneT]) -> None:
        self.address = address
        self._make = make
        self._lanes: list[LaneT] = []
        self._changed = threading.Condition()

    def places(self, patience_s: float) -> Iterator[Place[LaneT]]:
        """Yield places for one session, another one each time that the last was of no use.

        Waits ``patience_s`` for a free one before another connection is opened. Raises ``HostUnreachable``
        when none was of use for a minute.
        """
        give_up = time.monotonic() + _NO_SESSION_LIMIT_S
        while time.monotonic() < give_up:
            yield Place(self, patience_s)
        raise HostUnreachable(
            f"{self.address} lets us in and opens no session that lasts; look at MaxSessions in its "
            f"sshd_config and at the load of the machine",
            self.address.host,
        )

    def take(self, patience_s: float) -> LaneT:
        """Take a place on a lane; waits ``patience_s`` for one before another connection is opened."""
        deadline = time.monotonic() + patience_s
        with self._changed:
            while True:
                for lane in self._lanes:
                    if lane.used < lane.room:
                        lane.used += 1
                        return lane
                wait_s = deadline - time.monotonic()
                if not self._lanes or (wait_s <= 0 and len(self._lanes) < LANES):
                    self._lanes.append(self._make(len(self._lanes)))
                elif not self._changed.wait(max(wait_s, 0.5)) and all(lane.used == 0 for lane in self._lanes):
                    self._lanes[0].room = 1  # what was refused once may be granted now

    def give_back(self, lane: LaneT) -> None:
        """Give a place back."""
        with self._changed:
            lane.used -= 1
            lane.room = min(lane.room + 1, SESSIONS)
            self._changed.notify()

    def refused(self, lane: LaneT) -> None:
        """Note that the server opens no further session on ``lane`` for now."""
        with self._changed:
            lane.room = lane.used - 2  # the refused session was one, and its return adds one again

    def disconnect(self) -> None:
        """End all connections."""
        with self._changed:
            lanes = list(self._lanes)
        for lane in lanes:
            lane.disconnect()


class Place(Generic[LaneT]):
    """The right to one session on a lane that is connected, for as long as the block lasts."""

    def __init__(self, lanes: Lanes[LaneT], patience_s: float) -> None:
        self._lanes = lanes
        self._patience_s = patience_s

    def __enter__(self) -> Place[LaneT]:
        self.lane = self._lanes.take(self._patience_s)
        try:
            if not self.lane.connected():
                self.lane.connect()
        except BaseException:
            self._lanes.give_back(self.lane)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lanes.give_back(self.lane)

    def refused(self) -> None:
        """Note that the server opened no session on this lane."""
        self._lanes.refused(self.lane)
