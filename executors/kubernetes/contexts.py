"""The contexts of the user's kubeconfig: which cluster, which namespace, and who one is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.errors import UserError
from executors.kubernetes.settings import ALL, current

CLOUD = "kubernetes"


@dataclass(frozen=True, slots=True)
class Context:
    """One context. ``cluster`` and ``user`` are its parts as the kubeconfig has them; they hold secrets.

    Paths in them are relative to ``cluster_folder`` and ``user_folder``.
    """

    name: str
    server: str
    namespace: str
    cluster: Mapping[str, Any] = field(repr=False)
    user: Mapping[str, Any] = field(repr=False)
    cluster_folder: Path = Path()
    user_folder: Path = Path()

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{CLOUD}/{self.name}"


def files() -> tuple[Path, ...]:
    """Return where kubeconfigs are, or would be: ``$KUBECONFIG``, else ``~/.kube/config``."""
    named = os.environ.get("KUBECONFIG", "")
    paths = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    return tuple(paths) or (Path.home() / ".kube" / "config",)


def known() -> Mapping[str, Context]:
    """Return every context by name, in the order of the files. Raises ``UserError`` where one is wrong."""
    return _Merged.read().contexts()


def allowed() -> Mapping[str, Context]:
    """Return the contexts that plans may use: those that the configuration allows, else the current one."""
    merged, names = _Merged.read(), current().allowed_contexts
    found = merged.contexts()
    if names == (ALL,):
        return found
    return {name: found[name] for name in names or (merged.current,) if name in found}


def get(name: str) -> Context:
    """Return the context of that name. Raises ``UserError`` that says which there are."""
    found = known()
    if name not in found:
        there = f"There are: {', '.join(found)}" if found else "It names none"
        shown = os.pathsep.join(map(str, files()))
        raise UserError(f"{shown} names no context {name!r}. {there}")
    return found[name]


class _Merged:
    """Several kubeconfigs as one: of entries of the same name, the first counts."""

    def __init__(self) -> None:
        self.current = ""
        self._parts: dict[str, dict[str, tuple[Mapping[str, Any], Path]]] = {}

    @classmethod
    def read(cls) -> _Merged:
        merged = cls()
        for path in files():
            if path.is_file():
                merged._take(path)
        return merged

    def _take(self, path: Path) -> None:
        import yaml

        try:
            config = yaml.safe_load(path.read_text("utf-8")) or {}
            for kind in ("contexts", "clusters", "users"):
                entries = self._parts.setdefault(kind, {})
                for entry in config.get(kind) or ():
                    named = entry.get(kind.removesuffix("s")) or {}
                    entries.setdefault(str(entry["name"]), (named, path.parent))
            self.current = self.current or str(config.get("current-context") or "")
        except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            reason = type(error).__name__ if isinstance(error, yaml.YAMLError) else error
            raise UserError(f"{path} is not a kubeconfig: {reason}") from None

    def contexts(self) -> dict[str, Context]:
        found = {}
        for name, (context, _) in self._parts.get("contexts", {}).items():
            nothing: tuple[Mapping[str, Any], Path] = ({}, Path())
            cluster, cluster_folder = self._parts["clusters"].get(context.get("cluster", ""), nothing)
            user, user_folder = self._parts["users"].get(context.get("user", ""), nothing)
            if cluster.get("server"):
                namespace = str(context.get("namespace") or "default")
                server = str(cluster["server"]).rstrip("/")
                found[name] = Context(name, server, namespace, cluster, user, cluster_folder, user_folder)
        return found
