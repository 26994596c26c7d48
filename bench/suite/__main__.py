"""``python -m bench.suite``: run competitors on instances and print what came out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from bench import baseline, competitor, family, kept
from bench.instance import Instance
from bench.suite import check, known
from bench.suite.row import KEY, OURS, REFERENCE, RESULTS, Row
from bench.suite.series import Plan, measure, say
from bench.suite.table import HEAD, line_of
from bench.venvs import CACHE, VenvError

OBJECTIVES = ("cost", "time")

EPILOG = """
"seconds" is for building the model and proving the objective, "total" also for what follows, such as
the tie-break, or planning the request from the catalog on. "gap" is how much worse the plan is than
the best known one. "ratio" is our seconds over those of HiGHS; "<" where HiGHS was stopped first.

examples:
  python -m bench.suite --quick
  python -m bench.suite --family sparse --size 1000 --competitor ours --competitor highs
  python -m bench.suite --family chain --best-known

Exit codes: 0 measured; 1 an answer was wrong, or --check found a row past its bound; 2 a competitor
could not be set up.
"""


def main() -> int:
    """Run what was asked for, write ``bench/results/suite.json``, print the rows."""
    options = _arguments()
    names = options.competitor or sorted(competitor.registry(), key=_place)
    if options.check and not options.competitor:
        names = [OURS, REFERENCE]
    plan = Plan(names, options.time_limit, options.runs)
    if not options.json:
        print(HEAD)
    rows: list[Row] = []
    best: dict[tuple[str, str], known.Known] = {}
    try:
        for instance in _instances(options):
            rows += _run(instance, options, plan, best)
    except VenvError as error:
        say(f"error: {error}")
        return 2
    if options.json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
    worse = [f"{check.name_of(row)}: {row.competitor}: {row.note}" for row in rows if row.status == "error"]
    if options.check:
        worse = check.regressions(rows, baseline.load(check.FILE), best)
    if options.save:
        check.save(rows)
    for line in worse:
        say(f"past its bound: {line}")
    return 1 if worse else 0


def _place(name: str) -> tuple[bool, bool, str]:
    """Return what to sort by: ours first, then HiGHS, then the others."""
    return name != OURS, name != REFERENCE, name


def _instances(options: argparse.Namespace) -> Iterator[Instance]:
    for name, kind in family.registry().items():
        if options.family and name not in options.family:
            continue
        for size in kind.sizes:
            wanted = not options.size or size in options.size
            if wanted and (not options.quick or size in kind.quick):
                yield family.instance_of(name, size)


def _run(
    instance: Instance,
    options: argparse.Namespace,
    plan: Plan,
    best: dict[tuple[str, str], known.Known],
) -> list[Row]:
    file = CACHE / "instances" / f"{instance.name}.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    instance.save(file)
    values = known.load(instance)
    rows: list[Row] = []
    for objective in options.objective or OBJECTIVES:
        if objective in values:
            best[instance.name, objective] = values[objective]
        found = measure(instance, file, objective, plan, values.get(objective))
        rows += found
        told = known.found_in(found)
        if options.best_known and told:
            values[objective] = known.better(values.get(objective), told)
            known.save(instance, values)
        if not options.json:
            print("\n".join(line_of(row) for row in found), flush=True)
    _keep(rows)
    return rows


def _keep(rows: list[Row]) -> None:
    """Write the rows, with those that were not measured this time as they were."""
    theirs = {row.competitor: row.version for row in rows if row.version}
    kept.keep(RESULTS, [row.to_dict() for row in rows], KEY, theirs)


def _arguments() -> argparse.Namespace:
    families = family.registry()
    sizes = dict.fromkeys(size for kind in families.values() for size in kind.sizes)
    parser = argparse.ArgumentParser(
        prog="python -m bench.suite",
        description="Measure the optimizer against others, to the same proof.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option, choices in (
        ("family", list(families)),
        ("size", list(sizes)),
        ("competitor", list(competitor.registry())),
        ("objective", list(OBJECTIVES)),
    ):
        told = f"only this (repeatable): {', '.join(choices)}"
        parser.add_argument(f"--{option}", action="append", metavar="NAME", choices=choices, help=told)
    parser.add_argument("--runs", type=int, default=0, help="runs each (default 3; 1 from 1000 tasks on)")
    parser.add_argument("--time-limit", type=float, default=120.0, metavar="S", help="each run (default 120)")
    parser.add_argument("--quick", action="store_true", help="only the sizes of the short run")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--check", action="store_true", help="fail when a row of ours is past its bound")
    parser.add_argument("--save", action="store_true", help="keep the figures in bench/suite_baseline.json")
    parser.add_argument(
        "--best-known", action="store_true", help="improve the best-known values in bench/instances"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
