"""Time one optimizer on a list of requests: ``driver.py REQUESTS.json RESULTS.json``.

Runs under the interpreter of whichever optimizer is measured, ours or a peer's: each is a package called
``sky`` with ``Task``, ``Resources``, ``Dag`` and ``Optimizer.optimize``. Needs nothing but that package, the
standard library and a HOME with its catalog; the network is cut. Each request runs in a forked process of
its own, which has imported the package and read no catalog yet, and which is killed at the limit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import resource
import signal
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

CLOUDS = ("AWS", "Azure", "GCP", "Lambda", "Nebius")


def main() -> int:
    """Measure every request and write what came out; 0 even when an optimizer found no answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("requests", type=Path, help="JSON list of requests, '-' for standard input")
    parser.add_argument("results", type=Path, help="where the JSON list of results goes")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of a request after the first")
    parser.add_argument("--time-limit", type=float, default=120, help="seconds for all runs of a request")
    options = parser.parse_args()
    text = sys.stdin.read() if str(options.requests) == "-" else options.requests.read_text(encoding="utf-8")
    forget_this_folder()
    cut_network()
    with _stdout_to(os.devnull):
        importlib.import_module("sky")
    results = []
    for request in json.loads(text):
        results.append(measure(request, options.runs, options.time_limit))
        print(f"{request['name']}: {summary(results[-1])}", file=sys.stderr, flush=True)
    options.results.write_text(json.dumps(results), encoding="utf-8")
    return 0


def forget_this_folder() -> None:
    """Take this script's folder off the path: ``requests`` there is not the library that a peer imports."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]


def cut_network() -> None:
    """Make every connection and look-up of this process and its forks fail."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError("the network is cut for this measurement")

    for owner, name in ((socket, "getaddrinfo"), (socket.socket, "connect"), (socket.socket, "connect_ex")):
        setattr(owner, name, refuse)


def measure(request: dict[str, Any], runs: int, time_limit_s: float) -> dict[str, Any]:
    """Run one request in a fork and return its result; what was measured before the limit counts."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(request, runs, time_limit_s, there))
    worker.start()
    there.close()
    result: dict[str, Any] = {"name": request["name"], "status": "timeout", "seconds": None}
    deadline = time.monotonic() + time_limit_s
    try:
        while here.poll(max(0, deadline - time.monotonic())):
            result.update(here.recv())
    except EOFError:
        worker.join()
        if result["status"] == "timeout":
            result.update(status="error", error=f"the process ended with {worker.exitcode}")
    else:
        _kill_group(worker)
    return result


def summary(result: dict[str, Any]) -> str:
    """Say in a few words what a request came to."""
    if result["seconds"] is None:
        return f"{result['status']} {result.get('error', '')}".strip().splitlines()[0][:120]
    return f"{result['status']}, {result['seconds'] * 1000:.1f} ms"


def build_dag(request: dict[str, Any]) -> Any:
    """Return the request as a DAG of the ``sky`` package at hand."""
    import sky

    with sky.Dag() as dag:
        tasks = [_task(stated) for stated in request["tasks"]]
        for source, target in request["edges"]:
            dag.add_edge(tasks[source], tasks[target])
    return dag


def blocked_of(request: dict[str, Any]) -> list[Any] | None:
    """Return the blocked resources of a request, ``None`` where it has none."""
    return [_resources(stated) for stated in request["blocked"]] or None


def _task(stated: dict[str, Any]) -> Any:
    import sky

    task = sky.Task(name=stated["name"], run="true", num_nodes=stated["num_nodes"])
    options = [_resources(option) for option in stated["options"]]
    task.set_resources(options if stated["ordered"] else set(options))
    if stated["hours"]:
        task.set_time_estimator(_estimator(stated["hours"]))
    if stated["inputs_gb"]:
        task.set_inputs(stated["inputs"], stated["inputs_gb"])
    if stated["outputs_gb"]:
        task.set_outputs("s3://bench/data", stated["outputs_gb"])
    return task


def _resources(stated: dict[str, Any]) -> Any:
    import sky

    stated = dict(stated)
    if "cloud" in stated:
        stated["cloud"] = getattr(sky, stated["cloud"])()
    return sky.Resources(**stated)


def _estimator(hours: dict[str, float]) -> Callable[[Any], int]:
    def estimate(resources: Any) -> int:
        return round(hours[next(iter(resources.accelerators))] * 3600)

    return estimate


def _work(request: dict[str, Any], runs: int, time_limit_s: float, there: Connection) -> None:
    os.setsid()
    try:
        with _stdout_to(os.devnull):
            _measure_into(request, runs, time_limit_s, there)
    except BaseException as error:
        name = type(error).__name__
        nothing = name == "ResourcesUnavailableError"
        there.send({"status": "infeasible" if nothing else "error", "error": f"{name}: {error}"})
    there.send({"peak_mib": _peak_mib()})
    there.close()


def _measure_into(request: dict[str, Any], runs: int, time_limit_s: float, there: Connection) -> None:
    """Send the first answer, then the median of the other runs that surely fit into the limit."""
    start = time.perf_counter()
    claims = _prepare()
    first = _optimize(request, claims)
    first_s = time.perf_counter() - start
    there.send({**first, "first_seconds": first_s, "runs": 0, "peak_mib": _peak_mib()})
    seconds: list[float] = []
    for _ in range(runs):
        spent = time.perf_counter() - start
        if spent + 1.2 * max(seconds, default=first_s) > time_limit_s:
            break
        again = _optimize(request, claims)
        seconds.append(again["seconds"])
        there.send({"seconds": statistics.median(seconds), "runs": len(seconds)})


def _optimize(request: dict[str, Any], claims: list[float]) -> dict[str, Any]:
    """Optimise a fresh copy of the request; only the call itself is timed."""
    import sky
    from sky.optimizer import Optimizer

    dag, blocked = build_dag(request), blocked_of(request)
    target = getattr(sky.OptimizeTarget, request["objective"].upper())
    start = time.perf_counter()
    plan = Optimizer.optimize(dag, minimize=target, blocked_resources=blocked, quiet=True)
    seconds = time.perf_counter() - start
    proven = hasattr(plan, "total_cost_usd")
    return {
        "status": plan.status.value.lower() if proven else "feasible",
        "seconds": seconds,
        "claimed": _claim_of(plan) if proven else (claims[-1] if claims else None),
        "claimed_cost_usd": plan.total_cost_usd if proven else None,
        "choices": [_choice(task.best_resources) for task in dag.tasks],
    }


def _claim_of(plan: Any) -> float:
    return float(plan.total_cost_usd if plan.objective == "cost" else plan.total_time_s)


def _choice(best: Any) -> dict[str, Any]:
    accelerators = best.accelerators or {}
    name, count = next(iter(accelerators.items()), (None, 0))
    cost = getattr(best, "get_cost", None)
    return {
        "cloud": str(best.cloud).lower(),
        "region": best.region,
        "zone": best.zone,
        "instance_type": best.instance_type,
        "accelerator": name,
        "count": count,
        "use_spot": bool(best.use_spot),
        "price_usd_per_hour": float(cost(3600)) if cost else None,
    }


def _prepare() -> list[float]:
    """Make a peer work without accounts; return the list that its objective values will be put into."""
    import sky

    claims: list[float] = []
    catalog = _peer_catalog()
    if catalog is None:
        return claims
    check: Any = importlib.import_module("sky.check")
    enabled = [getattr(sky, name)() for name in CLOUDS if hasattr(sky, name)]
    check.get_cached_enabled_clouds_or_refresh = lambda *_args, **_kwargs: list(enabled)
    check.check = lambda *_args, **_kwargs: None
    catalog._user_df = catalog._default_df._load_df()  # noqa: SLF001 - else it asks AWS for zone names
    _record_claims(sky.optimizer.Optimizer, claims)
    return claims


def _peer_catalog() -> Any:
    """Return the peer's module of AWS offers, wherever its release keeps it; ``None`` for ours."""
    for name in ("sky.clouds.service_catalog.aws_catalog", "sky.catalog.aws_catalog"):
        with suppress(ModuleNotFoundError):
            return importlib.import_module(name)
    return None


def _record_claims(optimizer: Any, claims: list[float]) -> None:
    for name in ("_optimize_by_dp", "_optimize_by_ilp"):
        solve = getattr(optimizer, name)

        def recording(*args: Any, _solve: Callable[..., Any] = solve, **kwargs: Any) -> Any:
            plan, objective = _solve(*args, **kwargs)
            claims.append(float(objective))
            return plan, objective

        setattr(optimizer, name, staticmethod(recording))


def _peak_mib() -> float:
    """Return the largest memory of this process or of a solver that it started."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(each).ru_maxrss for each in who) / 1024


def _kill_group(worker: multiprocessing.process.BaseProcess) -> None:
    """Kill a worker and the solvers that it started."""
    if worker.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        worker.kill()
    worker.join()


@contextmanager
def _stdout_to(path: str) -> Iterator[None]:
    """Send what the process prints, and what its solvers print, elsewhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    target = os.open(path, os.O_WRONLY)
    os.dup2(target, 1)
    os.close(target)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
