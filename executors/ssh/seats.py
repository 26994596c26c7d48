"""Taking several hosts for one cluster: all of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import SkyError
from executors.errors import CleanupIncomplete
from executors.ssh import host
from executors.ssh.contact import why
from executors.ssh.reservation import Reservation
from executors.transports.address import Address
from executors.transports.ssh import ask


@dataclass(frozen=True, slots=True)
class Seat:
    """A host and the reservation that a cluster has, or wants to have, on it."""

    address: Address
    reservation: Reservation


def take(seats: Sequence[Seat]) -> Seat | None:
    """Reserve all of ``seats``; where one is taken, let the others go and return it with its holder.

    Everybody takes hosts in the same order, so of several that want the same ones somebody gets them.
    """
    taken: list[Seat] = []
    try:
        for seat in sorted(seats, key=lambda seat: (seat.address.host, seat.address.port)):
            holder = _reserve(seat)
            if (holder.cluster_id, holder.rank) != (seat.reservation.cluster_id, seat.reservation.rank):
                let_go(taken)
                return Seat(seat.address, holder)
            taken.append(seat)
    except SkyError:
        let_go(taken)
        raise
    return None


def let_go(seats: Sequence[Seat]) -> None:
    """Release hosts that were just taken. Raises ``CleanupIncomplete`` naming those that do not answer."""
    if not seats:
        return
    cluster_id = seats[0].reservation.cluster_id
    answers = ask([seat.address for seat in seats], lambda transport: host.release(transport, cluster_id))
    left = [
        f"{seat.address} ({why(answer.error)})"
        for seat, answer in zip(seats, answers, strict=True)
        if answer.error
    ]
    if left:
        raise CleanupIncomplete(f"cluster {seats[0].reservation.cluster_name} still holds {'; '.join(left)}")


def _reserve(seat: Seat) -> Reservation:
    (answer,) = ask([seat.address], lambda transport: host.reserve(transport, seat.reservation))
    return answer.got()
