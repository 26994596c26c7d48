"""What is asked of every optimizer: requests as people write them, each a value that becomes JSON.

Where the optimizers would assume different things, the request states them: CPUs and memory, since a peer
picks the machine under an attached GPU by a rule of its own, and hours where accelerators compete, since ours
expects a faster one to take less time. One difference stays: without an accelerator a peer looks at a few
machine families of each cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Option = Mapping[str, Any]
"""Arguments of ``sky.Resources``; a cloud is named as the package names its class."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One task: any one of ``options``, or the first that can be had if ``ordered``.

    ``hours`` is the runtime by accelerator, one hour without; ``inputs`` is a bucket that ``inputs_gb`` come
    from, and ``outputs_gb`` go to each task that follows.
    """

    name: str
    options: tuple[Option, ...]
    ordered: bool = False
    num_nodes: int = 1
    hours: Mapping[str, float] | None = None
    inputs: str = ""
    inputs_gb: float = 0
    outputs_gb: float = 0


@dataclass(frozen=True, slots=True)
class Request:
    """Tasks, edges between their positions, offers that must not be used, and what is minimised."""

    name: str
    tasks: tuple[Ask, ...]
    edges: tuple[tuple[int, int], ...] = ()
    blocked: tuple[Option, ...] = ()
    objective: str = "cost"

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain values."""
        return asdict(self)


def requests() -> dict[str, Request]:
    """Return every request by name, in the order to run them."""
    asked = (*_accelerators(), *_sizes(), *_spot(), *_choices(), *_places(), *_limits(), *_graphs())
    named = {request.name: request for request in asked}
    assert len(named) == len(asked)
    return named


def _one(
    name: str, *options: Option, objective: str = "cost", blocked: tuple[Option, ...] = (), **ask: Any
) -> Request:
    return Request(name, (Ask("train", options, **ask),), blocked=blocked, objective=objective)


def _gpu(accelerator: str, cpus: str | None = None, memory: str | None = None, **more: Any) -> Option:
    sizes = {"cpus": cpus, "memory": memory}
    return {"accelerators": accelerator, **{key: value for key, value in sizes.items() if value}, **more}


def _accelerators() -> tuple[Request, ...]:
    return (
        _one("a100x1", _gpu("A100:1")),
        _one("a100x8", _gpu("A100:8")),
        _one("a100-80gbx8", _gpu("A100-80GB:8")),
        _one("h100x1", _gpu("H100:1")),
        _one("h100x8", _gpu("H100:8")),
        _one("h200x8", _gpu("H200:8")),
        _one("b200x8", _gpu("B200:8")),
        _one("mi300xx8", _gpu("MI300X:8")),
        _one("t4x1", _gpu("T4:1", "8+", "32+")),
        _one("t4x4", _gpu("T4:4", "32+", "128+")),
        _one("l4x1", _gpu("L4:1", "8+", "32+")),
        _one("l4x8", _gpu("L4:8")),
        _one("v100x1", _gpu("V100:1", "8+", "32+")),
        _one("v100x4", _gpu("V100:4", "32+", "128+")),
        _one("a10gx1", _gpu("A10G:1", "8+", "32+")),
        _one("a10gx4", _gpu("A10G:4")),
        _one("l40sx1", _gpu("L40S:1", "8+", "32+")),
        _one("a10x1", _gpu("A10:1")),
        _one("trainium16", _gpu("Trainium:16")),
        _one("tpu-v5e-8", _gpu("tpu-v5litepod-8")),
    )


def _sizes() -> tuple[Request, ...]:
    return (
        _one("cpus-4", {"cpus": "4", "memory": "16"}),
        _one("cpus-8+", {"cpus": "8+", "memory": "32+"}),
        _one("cpus-32+", {"cpus": "32+", "memory": "128+"}),
        _one("cpus-96+", {"cpus": "96+", "memory": "384+"}),
        _one("memory-512+", {"cpus": "16+", "memory": "512+"}),
    )


def _spot() -> tuple[Request, ...]:
    return (
        _one("spot-a100x8", _gpu("A100:8", use_spot=True)),
        _one("spot-h100x8", _gpu("H100:8", use_spot=True)),
        _one("spot-t4x1", _gpu("T4:1", "8+", "32+", use_spot=True)),
        _one("spot-cpus-16+", {"cpus": "16+", "memory": "64+", "use_spot": True}),
    )


def _choices() -> tuple[Request, ...]:
    small = {"T4": 3.0, "L4": 2.0, "A10G": 1.5}
    large = {"A100": 10.0, "A100-80GB": 9.0, "H100": 4.5}
    west = _gpu("H100:8", cloud="GCP", region="us-west2")
    return (
        _one("any-of-large", *(_gpu(f"{name}:8") for name in large), hours=large),
        _one("any-of-small", *(_gpu(f"{name}:1", "8+", "32+") for name in small), hours=small),
        _one("ordered", _gpu("H100:8", cloud="GCP"), _gpu("A100:8"), ordered=True, hours=large),
        _one("ordered-second", west, _gpu("A100:8"), ordered=True, hours=large),
    )


def _places() -> tuple[Request, ...]:
    return (
        _one("aws-a100x8", _gpu("A100:8", cloud="AWS")),
        _one("gcp-l4x1", _gpu("L4:1", "8+", "32+", cloud="GCP", region="us-central1")),
        _one("azure-a100-80gbx1", _gpu("A100-80GB:1", cloud="Azure", region="eastus")),
        _one("aws-eu-west-1-cpus-8+", {"cpus": "8+", "memory": "32+", "cloud": "AWS", "region": "eu-west-1"}),
        _one("p4d", {"cloud": "AWS", "instance_type": "p4d.24xlarge"}),
        _one("n2-standard-8", {"cloud": "GCP", "instance_type": "n2-standard-8"}),
        _one("nodes-4", _gpu("H100:8"), num_nodes=4),
        _one("inputs-500-gb", _gpu("A100:8"), inputs="s3://bench/data", inputs_gb=500),
    )


def _limits() -> tuple[Request, ...]:
    """Return what takes more than the cheapest machine of each cloud, and what is asked to be quick."""
    cheapest = {"cloud": "Lambda", "instance_type": "gpu_1x_a100"}
    return (
        _one("blocked-cheapest", _gpu("A100:1"), blocked=(cheapest,)),
        _one("blocked-cheapest-lambda", _gpu("A100:1", cloud="Lambda"), blocked=(cheapest,)),
        _one("time", _gpu("A100:8"), _gpu("H100:8"), hours={"A100": 10.0, "H100": 4.5}, objective="time"),
        _one("time-equal", _gpu("T4:1", "8+", "32+"), hours={"T4": 2.0}, objective="time"),
    )


def _graphs() -> tuple[Request, ...]:
    stages = (
        Ask("prepare", ({"cpus": "16+", "memory": "64+"},), outputs_gb=200),
        Ask("train", (_gpu("A100:8"),), outputs_gb=50),
        Ask("evaluate", (_gpu("T4:1", "8+", "32+"),)),
    )
    long = tuple(Ask(f"step-{at}", (_stage(at),), outputs_gb=100) for at in range(10))
    square = ((0, 2), (0, 3), (1, 2), (1, 3))
    gpus = (_gpu("T4:1", "8+", "32+"), _gpu("L4:1", "8+", "32+"), _gpu("A100:8"), _gpu("V100:1", "8+", "32+"))
    cpus = tuple(Ask(name, ({"cpus": "4+", "memory": "16+"},), outputs_gb=100) for name in "abcd")
    return (
        Request("chain-3", stages, _chain(3)),
        Request("chain-10", long, _chain(10)),
        Request(
            "dag-2x2",
            tuple(Ask(name, (gpu,), outputs_gb=100) for name, gpu in zip("abcd", gpus, strict=True)),
            square,
        ),
        Request("dag-2x2-cpus", cpus, square),
    )


def _stage(at: int) -> Option:
    return ({"cpus": "8+", "memory": "32+"}, _gpu("L4:1", "8+", "32+"), _gpu("A100:1"))[at % 3]


def _chain(length: int) -> tuple[tuple[int, int], ...]:
    return tuple((at, at + 1) for at in range(length - 1))
