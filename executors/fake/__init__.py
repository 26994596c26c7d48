"""A scriptable executor: real clusters on this machine under any name, with failures on order."""

from __future__ import annotations

from executors.fake.provisioner import Call, FakeProvisioner, Script, executor

__all__ = ["Call", "FakeProvisioner", "Script", "executor"]
