"""Where a task may run: on this machine, and on which enabled infra.

``local`` is this machine, free and always enabled. A task runs there when it says so, and when no cloud is
enabled and the task fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog.offer import Offer
from catalog.units import MIB_PER_GIB, MILLI, format_mib, format_milli, mib, milli
from executors import owned
from executors.aws import settings as aws
from executors.kubernetes import settings as kubernetes
from executors.slurm import clusters

if TYPE_CHECKING:
    from executors.aws.settings import Settings as AwsSettings
    from executors.kubernetes.settings import Settings
    from executors.slurm.clusters import SlurmCluster
    from sky.resources import Resources
    from sky.task import Task

LOCAL = "local"


def _slurm_clusters() -> dict[str, SlurmCluster]:
    from sky.control.slurm_file import read

    return read()


def _kubernetes_settings() -> Settings:
    from sky.control.kubernetes_config import read

    return read()


def _aws_settings() -> AwsSettings:
    from sky.control.aws_config import read

    return read()


aws.read_with(_aws_settings)
clusters.read_with(_slurm_clusters)
kubernetes.read_with(_kubernetes_settings)


def clouds_for(task: Task) -> tuple[str, ...]:
    """Return the enabled infra, besides this machine, that ``task`` may run on.

    Those with credentials that were not asked lately are asked first, over the network.
    """
    from executors import registry
    from sky.control import access

    wanted = {_cloud(resources) for resources in task.alternatives}
    names = [name for name in registry.names() if name in wanted or None in wanted]
    answers = access.ask_again_where_old(name for name in names if name not in owned.CLOUDS)
    refused = {name for name, answer in answers.items() if not answer.enabled}
    return tuple(name for name in names if name not in refused and is_enabled(name))


def a_cloud_is_enabled() -> bool:
    """Return whether some infra is enabled whose offers are the catalog's; nobody is asked.

    Of this project's own those count that have let us in: to load the others costs as much as a plan.
    """
    from executors import registry
    from sky.control import access

    others = [name for name in registry.names() if name not in registry.BUILT_IN]
    return any(answer.access.enabled for answer in access.remembered().values()) or any(
        map(access.enabled, others)
    )


def is_enabled(name: str) -> bool:
    """Return whether tasks can run on that infra from here, besides this machine, as far as is known."""
    from sky.control import access

    if name == LOCAL:
        return False
    return owned.has_offers(name) if name in owned.CLOUDS else access.enabled(name)


def wants_local(task: Task) -> bool:
    """Return whether any of the task's resources names this machine."""
    return any(_cloud(resources) == LOCAL for resources in task.resources)


def keeps_to_owned(task: Task) -> bool:
    """Return whether all of the task's resources name this machine, a pool, or other owned infra."""
    return all(_cloud(resources) in owned.CLOUDS for resources in task.alternatives)


def local_fit(task: Task) -> tuple[Resources | None, str]:
    """Return the first of the task's resources that this machine has, or ``None`` and why there is none."""
    if task.num_nodes > 1:
        return None, f"it asks for {task.num_nodes} nodes and this machine is one"
    reasons = []
    for resources in task.alternatives:
        fits, reason = fits_here(resources)
        if fits:
            return resources, ""
        reasons.append(reason)
    return None, "; ".join(dict.fromkeys(reasons))


def fits_here(resources: Resources, offer: Offer | None = None) -> tuple[bool, str]:
    """Return whether this machine satisfies ``resources``, and if not, what it lacks.

    A plain count is a lower bound here: a job takes its share of the machine. ``offer`` is this machine
    unless a test says otherwise.
    """
    if offer is None:
        from executors import local

        offer = local.offer()
    for check in (_place, _size, _accelerators):
        if reason := check(resources, offer):
            return False, reason
    return True, ""


def _cloud(resources: Resources) -> str | None:
    return resources.cloud.canonical_name() if resources.cloud else None


def _place(resources: Resources, offer: Offer) -> str:
    if _cloud(resources) not in {None, offer.key.cloud}:
        return f"it asks for {resources.cloud}"
    wanted = (
        ("region", offer.key.region),
        ("zone", offer.key.zone),
        ("instance_type", offer.key.instance_type),
    )
    for field, here in wanted:
        asked = getattr(resources, field)
        if asked not in {None, here}:
            return f"it asks for {field} {asked}"
    if resources.use_spot:
        return "it asks for a spot instance"
    if resources.image_id is not None:
        return "it asks for an image"
    if resources.arch not in {None, "any", offer.arch}:
        return f"it asks for {resources.arch} and this machine is {offer.arch}"
    return ""


def _size(resources: Resources, offer: Offer) -> str:
    if resources.cpus is not None and milli(resources.cpus.rstrip("+")) > offer.vcpus_milli:
        return f"it asks for {resources.cpus} vCPUs and this machine has {format_milli(offer.vcpus_milli)}"
    memory = memory_mib(resources.memory, offer.vcpus_milli)
    if memory > offer.memory_mib:
        have = f"{offer.memory_mib / MIB_PER_GIB:.1f}"
        return f"it asks for {format_mib(memory)} GiB of memory and this machine has {have}"
    return ""


def _accelerators(resources: Resources, offer: Offer) -> str:
    options: Sequence[tuple[str, int | float]] = resources.accelerator_options
    if not options:
        return ""
    name, count_milli = offer.key.accelerator, offer.key.accelerator_count_milli
    if any(option == name and milli(count) <= count_milli for option, count in options):
        return ""
    asked = " or ".join(f"{option}:{count:g}" for option, count in options[:3])
    have = f"{name}:{format_milli(count_milli)}" if name else "no accelerator"
    return f"it asks for {asked} and this machine has {have}"


def memory_mib(memory: str | None, vcpus_milli: int) -> int:
    """Return a requested memory (``"16"``, ``"16+"``, ``"4x"`` for each vCPU) in MiB; 0 for none."""
    if memory is None:
        return 0
    if memory.endswith("x"):
        return mib(memory[:-1], "memory") * vcpus_milli // MILLI
    return mib(memory.rstrip("+"), "memory")
