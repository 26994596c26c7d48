"""An order: what a cluster wants of Slurm, as it is kept in the cluster's folder to be placed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from catalog.offer import Offer
from catalog.scope import Scope
from catalog.units import MILLI
from executors.api import NodeRequest, Transport
from executors.errors import OutOfCapacity
from executors.slurm import duration
from executors.slurm.clusters import SlurmCluster
from executors.slurm.offers import node_classes, why_not
from executors.slurm.share import CLOUD, Share, shares_of

REFUSAL_TTL_S = 60


@dataclass(frozen=True, slots=True)
class Order:
    """The options of sbatch for the holder, and what the cluster then has on each node."""

    cluster_name: str
    region: str
    partition: str
    instance_type: str
    options: list[str]
    capacity: Mapping[str, int | str]
    wait_s: int

    @classmethod
    def of(cls, cluster: SlurmCluster, request: NodeRequest, transport: Transport) -> Order:
        """Return what ``request`` wants of ``cluster``. Raises ``OutOfCapacity`` when it cannot have that."""
        key = request.offer.key
        share = _share(cluster, request.offer, transport, request.num_nodes)
        capacity: dict[str, int | str] = {
            "cpus_milli": share.cpus * MILLI,
            "memory_mib": share.memory_mib,
            "accelerator": key.accelerator,
            "accelerators": share.gpus.count if share.gpus else 0,
        }
        return cls(
            request.cluster_name,
            key.region,
            key.zone,
            key.instance_type,
            _options(cluster, request, share),
            capacity,
            cluster.wait_s,
        )

    @property
    def place(self) -> str:
        """Where it goes, for messages."""
        return f"{CLOUD}/{self.region}/{self.partition}"

    @property
    def scope(self) -> Scope:
        """What a refusal of it speaks of."""
        return Scope(CLOUD, self.region, self.partition, self.instance_type)

    def to_json(self) -> str:
        """Return it on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))


def _share(cluster: SlurmCluster, offer: Offer, transport: Transport, num_nodes: int) -> Share:
    """Return the share that the offer names, as Slurm has it now."""
    key = offer.key
    reason = "the partition has no such nodes any more"
    for node in node_classes(transport):
        found = [share for share in shares_of(node) if share.name == key.instance_type]
        if node.partition != key.zone or not found:
            continue
        if not (reason := why_not(cluster, node)):
            return found[0]
    scope = Scope(CLOUD, key.region, key.zone, key.instance_type)
    place = f"{CLOUD}/{key.region}/{key.zone}"
    raise OutOfCapacity(f"{place}: {num_nodes}x {key.instance_type}: {reason}", scope, REFUSAL_TTL_S)


def _options(cluster: SlurmCluster, request: NodeRequest, share: Share) -> list[str]:
    options = [
        f"--partition={request.offer.key.zone}",
        f"--nodes={request.num_nodes}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={share.cpus}",
        f"--comment=sky cluster {request.cluster_name}",
    ]
    if share.memory_mib:
        options.append(f"--mem={share.memory_mib}M")
    if share.gpus is not None:
        options.append(f"--gres={share.gpus.option(share.gpus.count)}")
    if cluster.account:
        options.append(f"--account={cluster.account}")
    if cluster.qos:
        options.append(f"--qos={cluster.qos}")
    if cluster.time_minutes:
        options.append(f"--time={duration.text(cluster.time_minutes)}")
    return options
