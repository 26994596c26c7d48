"""Who we are, in which project, and what is missing, told before anything is launched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from executors.errors import AuthError
from executors.gcp import check, credentials
from executors.gcp.provisioner import GcpProvisioner
from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.clouds.gce.identity import EMAIL, PERSON, Tokens


def test_an_account_that_may_do_everything_is_enabled(gce: Gce) -> None:
    found = GcpProvisioner().check()
    assert (found.enabled, found.identity, found.detail) == (True, f"{EMAIL} in example", "")


def test_a_person_is_known_by_the_address_that_google_has(gce: Gce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "account", lambda: "authorized_user")
    monkeypatch.setattr(check, "_USER_INFO", f"{gce.url}/v1/userinfo")
    assert check.check().identity == f"{PERSON} in example"


def test_missing_permissions_are_named_with_the_role_that_mends_it(gce: Gce) -> None:
    gce.set(denied=["compute.firewalls.create"])
    found = check.check()
    assert not found.enabled
    assert "compute.firewalls.create" in found.detail
    assert found.fix == (
        f"gcloud projects add-iam-policy-binding example --member=serviceAccount:{EMAIL} "
        "--role=roles/compute.admin"
    )


def test_an_account_that_may_not_even_look_is_told_the_role(gce: Gce) -> None:
    gce.fail(faults.forbidden("projects.get", "compute.projects.get"))
    found = check.check()
    assert not found.enabled
    assert "compute.projects.get" in found.detail
    assert found.fix.startswith("gcloud projects add-iam-policy-binding example ")


def test_an_interface_that_is_off_is_told_with_the_command_that_turns_it_on(gce: Gce) -> None:
    gce.fail(faults.not_enabled("projects.get"))
    found = check.check()
    assert not found.enabled
    assert found.fix == "gcloud services enable compute.googleapis.com --project example"


def test_a_key_that_is_not_the_accounts_is_an_answer(
    gce: Gce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Tokens().write_key_file(tmp_path / "other.json", "example", f"{gce.url}/token")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "other.json"))
    found = check.check()
    assert not found.enabled
    assert found.fix == credentials.LOGIN_FIX


def test_without_credentials_it_says_how_to_get_some(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check.check()
    assert (found.enabled, found.detail) == (False, "gcp: no credentials were found")
    assert found.fix == "gcloud auth application-default login"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "gone.json")
    assert check.check().detail == "gcp: gone.json is no file"


def test_a_persons_login_is_read_without_asking_anybody(home: Path) -> None:
    folder = home / ".config" / "gcloud"
    folder.mkdir(parents=True)
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (folder / "application_default_credentials.json").write_text(json.dumps(login))
    with pytest.raises(AuthError, match="gcloud config set project"):
        credentials.login()
    (folder / "application_default_credentials.json").write_text(
        json.dumps({**login, "quota_project_id": "p"})
    )
    session, project = credentials.login()
    assert (session.credentials.refresh_token, project) == ("r", "p")
    (folder / "application_default_credentials.json").write_text(json.dumps({"type": "authorized_user"}))
    with pytest.raises(AuthError, match="gcloud auth application-default login"):
        credentials.login()


def test_without_credentials_nothing_is_configured_and_no_library_is_loaded(home: Path) -> None:
    script = (
        "import sys; from executors.gcp.provisioner import GcpProvisioner as P; print(P().configured());"
        "print(sorted({'google.auth', 'requests', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n[]\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"GOOGLE_CLOUD_PROJECT": "by-env", "CLOUDSDK_CORE_PROJECT": "other"}, "by-env"),
        ({"CLOUDSDK_ACTIVE_CONFIG_NAME": "work"}, "of-work"),
        ({}, "of-default"),
    ],
)
def test_the_project_is_the_one_that_gcloud_works_in(
    home: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    folder = home / ".config" / "gcloud"
    (folder / "configurations").mkdir(parents=True)
    for name in ("default", "work"):
        (folder / "configurations" / f"config_{name}").write_text(f"[core]\nproject = of-{name}\n")
    content = {"type": "authorized_user", "quota_project_id": "of-login"}
    (folder / "application_default_credentials.json").write_text(json.dumps(content))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert credentials.find_project() == expected
    assert GcpProvisioner().configured()
    before = GcpProvisioner().fingerprint()
    for name in ("default", "work"):
        (folder / "configurations" / f"config_{name}").unlink()
    assert credentials.find_project() == environment.get("GOOGLE_CLOUD_PROJECT", "of-login")
    assert (GcpProvisioner().fingerprint() == before) == (expected == "by-env")
