"""A command that is killed right after any call of its provider: ``sky gc`` and the same command mend it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.killed.conftest import CLOUDS, KUBERNETES, PROPERTY
from tests.integration.killed.site import AFTER, BEFORE, Site, status_of

FEW = {
    "aws": {"launch": 10, "stop": 2, "start": 3, "down": 2},
    "gcp": {"launch": 6, "stop": 2, "start": 2, "down": 4},
    "kubernetes": {"launch": 4, "down": 2},
}
"""One call of each verb that the short form is killed after: one with an effect."""


@pytest.mark.parametrize("site", [*CLOUDS, KUBERNETES], indirect=True)
def test_each_verb_killed_once(site: Site) -> None:
    for verb, nth in FEW[site.name].items():
        site.reach(BEFORE[verb])
        assert site.killed(verb, nth), f"{verb} has fewer calls than {nth}"
        site.recover(verb)
    site.reach("UP")
    site.reach(None)


@pytest.mark.needs("time")
@pytest.mark.parametrize("verb", ["launch", "stop", "start", "down"])
@pytest.mark.parametrize("site", CLOUDS, indirect=True)
def test_each_verb_killed_after_each_call(
    site: Site, verb: str, record_property: Callable[[str, object], None]
) -> None:
    kill_after_each_call(site, verb, record_property)


@pytest.mark.needs("time")
@pytest.mark.parametrize("verb", ["launch", "down"])
@pytest.mark.parametrize("site", [KUBERNETES], indirect=True)
def test_each_verb_of_a_place_without_stop(
    site: Site, verb: str, record_property: Callable[[str, object], None]
) -> None:
    kill_after_each_call(site, verb, record_property)


def kill_after_each_call(site: Site, verb: str, record_property: Callable[[str, object], None]) -> None:
    """Kill the verb after its first call, its second and so on, until it comes to its end."""
    number = 1
    site.reach(BEFORE[verb])
    while site.killed(verb, number):
        site.recover(verb)
        site.reach(BEFORE[verb])
        number += 1
    assert number > 1
    assert status_of() == AFTER[verb]
    site.assert_agreed()
    site.reach(None)
    record_property(PROPERTY, f"{site.name} {verb}: {number - 1} calls")
