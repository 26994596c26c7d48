"""Shares: the parts of a node that a pod asks for, each a shape with a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.accelerators import lookup
from catalog.offer import Market, Offer, OfferKey
from catalog.units import MIB_PER_GIB, MILLI
from executors.kubernetes.contexts import CLOUD
from executors.kubernetes.labels import Accelerators
from executors.kubernetes.nodes import Amount, NodeClass


@dataclass(frozen=True, slots=True)
class Share:
    """What a pod gets, and of what."""

    amount: Amount
    accelerators: Accelerators | None
    arch: str

    @property
    def name(self) -> str:
        """``A100x1-004cpu-16gb``: by name, what has no accelerators comes first, the smallest before all."""
        amount = self.amount
        parts = [f"{amount.cpus_milli // MILLI:03}cpu", f"{max(1, amount.memory_mib // MIB_PER_GIB)}gb"]
        if self.accelerators is not None:
            parts.insert(0, f"{self.accelerators.name}x{amount.accelerators}")
        return "-".join(parts)

    def offer(self, context: str) -> Offer:
        """Return it as an offer of that context; owned nodes cost nothing more."""
        name = self.accelerators.name if self.accelerators else ""
        known = lookup(name) if name else None
        count_milli = self.amount.accelerators * MILLI
        return Offer(
            key=OfferKey(CLOUD, context, "", self.name, name, count_milli, Market.OWNED),
            vcpus_milli=self.amount.cpus_milli,
            memory_mib=self.amount.memory_mib,
            accelerator_memory_mib=known.memory_mib if known else 0,
            arch=self.arch,
            price_micro_usd=0,
        )


def shares_of(node: NodeClass) -> Iterator[Share]:
    """Yield the shares of a node, smallest first: powers of two of its CPUs, or of its GPUs, and the whole.

    One with GPUs is shared both ways where it takes pods that ask for none.
    """
    cpus = node.whole.cpus_milli // MILLI
    kinds = [*([None] if node.takes_plain_pods else []), *([node.accelerators] if node.accelerators else [])]
    for kind in kinds:
        whole = node.whole.accelerators if kind else cpus
        for part in dict.fromkeys([*(1 << power for power in range(whole.bit_length())), whole]):
            amount = Amount(
                max(1, cpus * part // whole) * MILLI,
                node.whole.memory_mib * part // whole,
                part if kind else 0,
            )
            yield Share(amount, kind, node.arch)


def room_for(share: Share, node: NodeClass) -> int:
    """Return how many pods of that share the nodes have room for now."""
    return sum(share.amount.times_in(free) for free in node.free)
