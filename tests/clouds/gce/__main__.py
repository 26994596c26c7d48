"""Serve a project until stdin ends; prints the URL. Arguments: project, key file to make, folder of hosts."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.clouds.gce import metadata
from tests.clouds.gce.instances import Machines
from tests.clouds.gce.paper import PaperMachines
from tests.clouds.gce.project import Project
from tests.clouds.gce.server import Server
from tests.clouds.machines import Machines as HostMachines
from tests.hosts.hosts import Hosts
from tests.hosts.machine import Machine

_NOTICE_S = 1.0


def main(project: str, key_file: str, folder: str = "") -> None:
    hosts = Hosts(Path(folder)) if folder else None
    address = hosts.bridge.gateway if hosts and hosts.bridge else "127.0.0.1"

    def machines() -> Machines:
        return HostMachines(hosts, serve_metadata) if hosts else PaperMachines()

    def serve_metadata(number: str, machine: Machine) -> None:
        metadata.serve(machine, lambda: server.project.name_of(number), server.tokens.give)

    def new_project(base: str) -> Project:
        made = Project(project, base, machines())
        made.instances.notice_s = _NOTICE_S if hosts else 0.0
        return made

    server = Server((address, 0), new_project)
    server.tokens.write_key_file(Path(key_file), project, f"{server.url}/token")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
