"""Run one verb and kill this very process at a given call of a given function.

Usage: killed_at.py VERB CLUSTER TARGET before|after NTH
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

WORKDIR_ENV = "KILLED_AT_WORKDIR"
INFRA_ENV = "KILLED_AT_INFRA"
"""Where to launch; unset where there is only this machine."""


def arm(target: str, moment: str, nth: int) -> None:
    module_name, _, path = target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


def main() -> None:
    verb, cluster, target, moment, nth = sys.argv[1:]
    import sky
    from sky import core

    arm(target, moment, int(nth))
    if verb == "launch":
        task = sky.Task(name="t", setup="echo setup", run="echo ran", workdir=os.environ[WORKDIR_ENV])
        task.set_resources(sky.Resources(infra=os.environ.get(INFRA_ENV)))
        core.launch(task, cluster, idle_minutes_to_autostop=60)
    else:
        getattr(core, verb)(cluster)


if __name__ == "__main__":
    main()
