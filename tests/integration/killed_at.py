"""Run one verb and kill this very process at a given call of a given function.

Usage: killed_at.py VERB CLUSTER TARGET before|after NTH

The verb ``race`` launches in several places at once, which ``racing_clouds`` makes known here and in a test.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from functools import partial
from itertools import count
from typing import Any

WORKDIR_ENV = "KILLED_AT_WORKDIR"
INFRA_ENV = "KILLED_AT_INFRA"
"""Where to launch; unset where there is only this machine."""
RACERS = 3
RACING_CLOUDS = ("aws", "gcp")


def arm(target: str, moment: str, nth: int) -> None:
    module_name, _, path = target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    calls = count(1)  # drawing from it is atomic: racers are threads

    def deadly(*args: Any, **kwargs: Any) -> Any:
        number = next(calls)
        if number == nth and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if number == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def racing_clouds() -> None:
    """Make two clouds known whose clusters are folders below ``SKY_HOME``."""
    from catalog.home import sky_home
    from executors import fake, registry

    for name in RACING_CLOUDS:
        registry.register(name, partial(fake.executor, name, sky_home() / name, fake.Script()))


def racing_task() -> Any:
    import sky

    return sky.Task(name="t", run="echo ran").set_resources(sky.Resources(cpus="2+"))


def main() -> None:
    verb, cluster, target, moment, nth = sys.argv[1:]
    import sky
    from sky import core

    arm(target, moment, int(nth))
    if verb == "race":
        racing_clouds()
        core.launch(racing_task(), cluster, race=RACERS)
    elif verb == "launch":
        task = sky.Task(name="t", setup="echo setup", run="echo ran", workdir=os.environ[WORKDIR_ENV])
        task.set_resources(sky.Resources(infra=os.environ.get(INFRA_ENV)))
        core.launch(task, cluster, idle_minutes_to_autostop=60)
    else:
        getattr(core, verb)(cluster)


if __name__ == "__main__":
    main()
