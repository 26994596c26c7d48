"""Serve a project until stdin ends; prints the URL. Arguments: project, key file to make, folder of hosts."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.clouds.gce.paper import PaperMachines
from tests.clouds.gce.project import Project
from tests.clouds.gce.server import Server


def main(project: str, key_file: str) -> None:
    server = Server(("127.0.0.1", 0), lambda base: Project(project, base, PaperMachines()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.tokens.write_key_file(Path(key_file), project, f"{server.url}/token")
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
