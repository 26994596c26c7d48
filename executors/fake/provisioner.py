"""A provisioner that fails on command and remembers its calls, around one that works."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from executors.api import Access, Capability, ClusterView, Executor, Handle, NodeRequest, NodeState
from executors.local.bundle import bundle
from executors.local.provisioner import LocalProvisioner


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the provisioner: the method, the cluster, and the offer where one was asked for."""

    method: str
    cluster_id: str = ""
    request: NodeRequest | None = None


@dataclass(slots=True)
class Script:
    """What will go wrong, and what was called. ``calls`` grows; ``fail`` and ``crash`` add to what is due.

    ``access`` set before the executor is made gives it credentials: what ``check`` answers, with
    ``configured`` and ``fingerprint`` beside it. ``exposed`` does so with addresses of ports.
    """

    calls: list[Call] = field(default_factory=list)
    access: Access | None = None
    configured: bool = True
    fingerprint: str = ""
    exposed: Mapping[int, str] | None = None
    _told: dict[str, ClusterView] = field(default_factory=dict)
    _held: dict[str, Event] = field(default_factory=dict)
    _before: dict[str, deque[BaseException]] = field(default_factory=dict)
    _after: dict[str, deque[BaseException]] = field(default_factory=dict)

    def fail(self, method: str, *errors: BaseException) -> None:
        """Raise these errors, one a call, from the next calls of ``method``, before it has any effect."""
        self._before.setdefault(method, deque()).extend(errors)

    def crash(self, method: str, *errors: BaseException) -> None:
        """Raise these errors, one a call, after ``method`` has done its work: the answer is lost."""
        self._after.setdefault(method, deque()).extend(errors)

    def tell(self, cluster_id: str, state: NodeState, reason: str = "", *, nodeless: bool = False) -> None:
        """Let ``describe`` and ``list`` say this of a cluster from now on, whatever there is."""
        self._told[cluster_id] = ClusterView(cluster_id, state, reason=reason, nodeless=nodeless)

    def seen(self, view: ClusterView) -> ClusterView:
        """Return what was told of the cluster, or ``view``."""
        return self._told.get(view.cluster_id, view)

    def hold(self, method: str) -> Event:
        """Let calls of ``method`` wait until the returned event is set."""
        return self._held.setdefault(method, Event())

    @contextmanager
    def around(self, call: Call) -> Iterator[None]:
        """Note the call and raise what is due before and after the block."""
        self.calls.append(call)
        if call.method in self._held:
            self._held[call.method].wait()
        _raise_next(self._before.get(call.method))
        yield
        _raise_next(self._after.get(call.method))


def _raise_next(errors: deque[BaseException] | None) -> None:
    if errors:
        raise errors.popleft()


class FakeProvisioner:
    """``LocalProvisioner`` under the direction of a ``Script``."""

    def __init__(self, name: str, inner: LocalProvisioner, script: Script) -> None:
        self._name, self._inner, self._script = name, inner, script

    def create(self, request: NodeRequest) -> Handle:
        """Make a cluster on this machine whatever the offer says."""
        with self._script.around(Call("create", request.cluster_id, request)):
            return self._mine(self._inner.create(request))

    def describe(self, handle: Handle) -> ClusterView:
        """Say what is there."""
        with self._script.around(Call("describe", handle.cluster_id)):
            return self._script.seen(self._inner.describe(handle))

    def delete(self, handle: Handle) -> None:
        """Remove it."""
        with self._script.around(Call("delete", handle.cluster_id)):
            self._inner.delete(handle)

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster of this executor."""
        with self._script.around(Call("list")):
            views = [self._script.seen(view) for view in self._inner.list()]
            return [view for view in views if view.state is not NodeState.GONE]

    def stop(self, handle: Handle) -> None:
        """Stop it."""
        with self._script.around(Call("stop", handle.cluster_id)):
            self._inner.stop(handle)

    def start(self, handle: Handle) -> Handle:
        """Start it."""
        with self._script.around(Call("start", handle.cluster_id)):
            return self._mine(self._inner.start(handle))

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return how the node stops and removes itself."""
        return self._inner.self_commands(handle)

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings."""
        with self._script.around(Call("agent_config", handle.cluster_id)):
            return self._inner.agent_config(handle)

    def _mine(self, handle: Handle) -> Handle:
        return Handle(self._name, handle.cluster_id, handle.cluster_name, handle.data)


class GuardedProvisioner(FakeProvisioner):
    """One that needs credentials: ``Checkable`` and ``Fingerprinted``."""

    def configured(self) -> bool:
        """Return what the script says."""
        return self._script.configured

    def fingerprint(self) -> str:
        """Return what the script says."""
        return self._script.fingerprint

    def check(self) -> Access:
        """Answer as the script says."""
        with self._script.around(Call("check")):
            assert self._script.access is not None
            return self._script.access


class ExposingProvisioner(FakeProvisioner):
    """One whose ports have addresses of their own."""

    def endpoints(self, handle: Handle, ports: Sequence[int]) -> Mapping[int, str]:
        """Return those that the script names."""
        with self._script.around(Call("endpoints", handle.cluster_id)):
            exposed = self._script.exposed or {}
            return {port: exposed[port] for port in ports if port in exposed}


def executor(
    name: str, root: Path, script: Script, capabilities: frozenset[Capability] | None = None
) -> Executor:
    """Return an executor called ``name`` (a cloud's, say) whose clusters are folders below ``root``.

    Make it known with ``executors.registry.register(name, lambda: executor(...))``.
    """
    real = bundle(root)
    assert isinstance(real.provisioner, LocalProvisioner)
    made: type[FakeProvisioner] = FakeProvisioner
    if script.access is not None:
        made = GuardedProvisioner
    elif script.exposed is not None:
        made = ExposingProvisioner
    return Executor(
        name=name,
        provisioner=made(name, real.provisioner, script),
        connect=real.connect,
        queue=real.queue,
        capabilities=real.capabilities if capabilities is None else capabilities,
    )
