"""Shares: the parts of a node that a cluster asks Slurm for, each a shape with a name and a price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.accelerators import lookup
from catalog.offer import Market, Offer, OfferKey
from catalog.units import MIB_PER_GIB, MILLI
from executors.slurm.clusters import SlurmCluster
from executors.slurm.gres import Gpus
from executors.slurm.node_classes import NodeClass

CLOUD = "slurm"


@dataclass(frozen=True, slots=True)
class Share:
    """What every node gives: CPUs, memory (0 where Slurm does not count it), GPUs; and of what."""

    of: NodeClass
    cpus: int
    memory_mib: int
    gpus: Gpus | None

    @property
    def name(self) -> str:
        """``004cpu-16gb-A100x1``: CPUs in three digits, so that among equals the smallest comes first."""
        parts = [f"{self.cpus:03}cpu"]
        if self.memory_mib:
            parts.append(f"{max(1, round(self.memory_mib / MIB_PER_GIB))}gb")
        if self.gpus is not None:
            parts.append(f"{self.gpus.accelerator}x{self.gpus.count}")
        return "-".join(parts)

    def offer(self, cluster: SlurmCluster) -> Offer:
        """Return it as an offer of that cluster, at its part of a node's price."""
        accelerator = self.gpus.accelerator if self.gpus else ""
        known = lookup(accelerator) if accelerator else None
        key = OfferKey(
            CLOUD,
            cluster.name,
            self.of.partition,
            self.name,
            accelerator,
            (self.gpus.count if self.gpus else 0) * MILLI,
            Market.OWNED,
        )
        return Offer(
            key=key,
            vcpus_milli=self.cpus * MILLI,
            memory_mib=self.memory_mib,
            accelerator_memory_mib=known.memory_mib if known else 0,
            arch="x86_64",
            price_micro_usd=-(-cluster.price_micro_usd * self.cpus // self.of.cpus),
        )


def shares_of(node: NodeClass) -> Iterator[Share]:
    """Yield the shares of a node, smallest first: powers of two of its GPUs or else CPUs, and the whole."""
    whole = node.gpus.count if node.gpus else node.cpus
    parts = [whole] if node.whole else [1 << power for power in range(whole.bit_length())]
    for part in dict.fromkeys([*parts, whole]):
        cpus = max(1, node.cpus * part // whole)
        memory_mib = node.memory_mib * part // whole
        gpus = Gpus(node.gpus.type, part) if node.gpus else None
        yield Share(node, cpus, memory_mib, gpus)
