"""The ratios that a change is held against: ``bench/baseline.json``, and another commit's run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.case import Outcome
from bench.sample import ROOT

FILE = ROOT / "bench" / "baseline.json"

SLOWER = 1.5
"""A ratio may grow by this factor before ``--check`` fails: medians on a busy machine differ by a third."""

FATTER = 1.2
"""Peak memory is steady, so it may grow by less."""


def load(file: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the kept figures by name, those of the cases by default; empty when none were kept."""
    file = file or FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(file: Path, kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Write figures for ``load``."""
    file.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", encoding="utf-8")


def save(outcomes: Mapping[str, Outcome]) -> None:
    """Keep these figures, and those of the cases that did not run."""
    write(FILE, load() | {name: outcome.to_dict() for name, outcome in outcomes.items()})


def regressions(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Say which cases are past their bound; a case without a kept figure has none."""
    kept = load()
    worse = []
    for name, outcome in outcomes.items():
        before = kept.get(name)
        if before is None:
            continue
        if outcome.ratio > before["ratio"] * SLOWER:
            worse.append(f"{name}: ratio {outcome.ratio:.2f}, {before['ratio']:.2f} in the baseline")
        if outcome.peak_mib > before["peak_mib"] * FATTER:
            worse.append(f"{name}: {outcome.peak_mib:.0f} MiB, {before['peak_mib']:.0f} in the baseline")
    return worse


def run_revision(revision: str, names: list[str]) -> dict[str, dict[str, float]]:
    """Run these cases on another commit, with that commit's own bench. Needs git."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="sky-bench-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
            tree.extractall(Path(folder))
        command = [sys.executable, "-m", "bench", "--json"]
        for name in names:
            command += ["--case", name]
        done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, dict[str, float]] = json.loads(done.stdout)
    return figures
