"""``python -m bench``: run the cases and print what came out."""

from __future__ import annotations

import argparse
import json
import sys

from bench import baseline, kept
from bench.case import Case, NotHere, Outcome, registry, run

RESULTS = kept.FOLDER / "commands.json"


def main() -> int:
    """Run the cases asked for and keep their figures; 1 when ``--check`` finds one past its bound."""
    options = _arguments()
    cases = {name: case for name, case in registry().items() if not options.case or name in options.case}
    before = baseline.run_revision(options.against, list(cases)) if options.against else baseline.load()
    if not options.json:
        print(f"{'case':20} {'ratio':>8} {'before':>8} {'ours':>10} {'noise':>6} {'peak':>8}  target")
    outcomes = {}
    for name, case in cases.items():
        try:
            outcomes[name] = run(case)
        except NotHere as lack:
            print(f"{name:20} not measured on this machine: {lack}", file=sys.stderr)
            continue
        if not options.json:
            print(_line(name, case, outcomes[name], before.get(name, {}).get("ratio")), flush=True)
    if options.json:
        print(json.dumps({name: outcome.to_dict() for name, outcome in outcomes.items()}, indent=2))
    if options.save:
        baseline.save(outcomes)
    rows = [{"case": name} | outcome.to_dict() for name, outcome in outcomes.items()]
    kept.keep(RESULTS, rows, ("case",))
    worse = baseline.regressions(outcomes) if options.check else []
    for line in worse:
        print(f"past its bound: {line}", file=sys.stderr)
    return 1 if worse else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product as ratios.")
    parser.add_argument(
        "--case", action="append", choices=list(registry()), help="run this case (repeatable)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--check", action="store_true", help="fail when a case is past its bound")
    parser.add_argument("--save", action="store_true", help="write the figures to bench/baseline.json")
    parser.add_argument("--against", metavar="REV", help="compare with this commit instead of the baseline")
    return parser.parse_args()


def _line(name: str, case: Case, outcome: Outcome, before: float | None) -> str:
    targets = []
    if case.target_ratio is not None:
        targets.append(f"ratio {case.target_ratio:g} {_met(outcome.ratio, case.target_ratio)}")
    if case.target_s is not None:
        targets.append(f"{case.target_s * 1000:.0f} ms {_met(outcome.seconds, case.target_s)}")
    if case.target_mib is not None:
        targets.append(f"{case.target_mib:.0f} MiB {_met(outcome.peak_mib, case.target_mib)}")
    return (
        f"{name:20} {outcome.ratio:8.2f} {'-' if before is None else f'{before:.2f}':>8} "
        f"{outcome.seconds * 1000:7.1f} ms {outcome.noise:6.0%} "
        f"{f'{outcome.peak_mib:.0f} MiB' if outcome.peak_mib else '-':>8}  {', '.join(targets)}"
    )


def _met(value: float, target: float) -> str:
    return "met" if value <= target else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
