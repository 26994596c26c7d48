"""Kubeconfigs: which contexts there are, and how one proves who one is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import UserError
from executors.errors import AuthError
from executors.kubernetes import contexts, credentials, has_offers
from executors.kubernetes.settings import Settings, read_with


def kubeconfig(path: Path, current: str = "", **users: Any) -> Path:
    """A file with one context for each user, all of one cluster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "current-context": current,
                "clusters": [{"name": path.name, "cluster": {"server": f"http://{path.name}/"}}],
                "users": [{"name": name, "user": user} for name, user in users.items()],
                "contexts": [
                    {"name": name, "context": {"cluster": path.name, "user": name, "namespace": "team"}}
                    for name in users
                ],
            }
        )
    )
    return path


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    read_with(Settings)
    yield
    read_with(Settings)


def test_without_a_kubeconfig_there_is_nothing(home: Path) -> None:
    assert not has_offers()
    assert contexts.known() == contexts.allowed() == {}


def test_the_current_context_alone_is_used_unless_others_are_allowed(home: Path) -> None:
    kubeconfig(home / ".kube" / "config", "b", a={}, b={}, c={})
    assert has_offers()
    assert list(contexts.known()) == ["a", "b", "c"]
    assert list(contexts.allowed()) == ["b"]
    read_with(lambda: Settings(allowed_contexts=("c", "a", "gone")))
    assert list(contexts.allowed()) == ["c", "a"]
    read_with(lambda: Settings(allowed_contexts=("all",)))
    assert list(contexts.allowed()) == ["a", "b", "c"]
    with pytest.raises(UserError, match=r"no context 'x'.*a, b, c"):
        contexts.get("x")


def test_several_files_are_one_and_the_first_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = kubeconfig(home / "one", "", a={"token": "1"}), kubeconfig(home / "two", "b", a={}, b={})
    monkeypatch.setenv("KUBECONFIG", f"{one}:{home}/none:{two}")
    found = contexts.known()
    assert {name: context.server for name, context in found.items()} == {"a": "http://one", "b": "http://two"}
    assert list(contexts.allowed()) == ["b"]
    assert credentials.of(found["a"]).headers == {"Authorization": "Bearer 1"}


def test_a_broken_file_is_named_and_nothing_of_it_is_shown(home: Path) -> None:
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text("users: [{name: a, user: {token: geheim\n")
    with pytest.raises(UserError, match="config is not a kubeconfig") as caught:
        contexts.known()
    assert "geheim" not in str(caught.value)


def test_a_plugin_gives_the_token(home: Path) -> None:
    plugin = home / ".kube" / "plugin"
    user = {"exec": {"command": "./plugin", "args": ["x"], "env": [{"name": "TOKEN", "value": "geheim"}]}}
    kubeconfig(home / ".kube" / "config", "a", a=user)
    plugin.write_text(
        "#!/bin/sh\ncase $KUBERNETES_EXEC_INFO in *ExecCredential*) ;; *) exit 1 ;; esac\n"
        'echo "{\\"status\\": {\\"token\\": \\"$TOKEN-$1\\"}}"\n'
    )
    plugin.chmod(0o755)
    context = contexts.get("a")
    assert credentials.of(context).headers == {"Authorization": "Bearer geheim-x"}
    assert "geheim" not in repr(context) + repr(credentials.of(context))
    plugin.write_text("#!/bin/sh\necho log in first >&2; exit 1\n")
    with pytest.raises(AuthError, match=r"kubernetes/a.*log in first"):
        credentials.of(context)
    plugin.unlink()
    with pytest.raises(AuthError, match="install"):
        credentials.of(context)
