"""Removing what was made for a cluster in a region: instances with their disks, then its security groups."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from catalog.errors import SkyError
from executors.aws import instances
from executors.aws.errors import translated
from executors.aws.instances import Instance
from executors.aws.network import delete_group, own_groups
from executors.errors import CleanupIncomplete, NotFound


def remove(region: str, cluster_id: str, cluster_name: str, found: Sequence[Instance]) -> None:
    """End ``found`` and remove the cluster's groups; gone already is success.

    Waits for the instances' end only where a group has to wait for it. Raises ``CleanupIncomplete`` with
    the commands that remove what is left.
    """
    live = [each.instance_id for each in found if each.live]
    try:
        _terminate(region, live)
    except SkyError as error:
        command = f"aws ec2 terminate-instances --region {region} --instance-ids {' '.join(live)}"
        raise CleanupIncomplete(
            f"cluster {cluster_name}: {len(live)} instances may still run, and bill: {error}. "
            f"Run sky down {cluster_name} again, or: {command}"
        ) from error
    left: list[str] = []
    try:
        with translated():
            left = list(own_groups(region, cluster_id))
            left = [group for group in left if not delete_group(region, group)]
    except SkyError as error:
        raise CleanupIncomplete(_groups_left(region, cluster_name, left) + f": {error}") from error
    if left:
        raise CleanupIncomplete(_groups_left(region, cluster_name, left))


def _terminate(region: str, ids: Sequence[str]) -> None:
    try:
        instances.terminate(region, ids)
    except NotFound:  # one that is unknown by now keeps EC2 from ending the others
        for each in ids:
            with suppress(NotFound):
                instances.terminate(region, [each])


def _groups_left(region: str, cluster_name: str, groups: Sequence[str]) -> str:
    commands = "; ".join(
        f"aws ec2 delete-security-group --region {region} --group-id {group}" for group in groups
    )
    return (
        f"cluster {cluster_name} has ended, and its security groups in aws/{region} are still there, for "
        f"nothing. Run sky down {cluster_name} again{', or: ' + commands if commands else ''}"
    )
