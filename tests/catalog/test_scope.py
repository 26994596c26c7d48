"""Scope: partial offer keys."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import UserError
from catalog.offer import Market, OfferKey
from catalog.scope import Scope

KEYS = st.builds(
    OfferKey,
    cloud=st.sampled_from(["aws", "gcp"]),
    region=st.sampled_from(["r1", "r2"]),
    zone=st.sampled_from(["", "z1"]),
    instance_type=st.sampled_from(["a", "b"]),
    accelerator=st.sampled_from(["", "T4"]),
    accelerator_count_milli=st.sampled_from([0, 1000]),
    market=st.sampled_from([Market.ON_DEMAND, Market.SPOT]),
)
NAMES = [field.name for field in fields(Scope)]


def scope_of(key: OfferKey, names: set[str]) -> Scope:
    return Scope(**{name: getattr(key, name) for name in names})


SCOPES = st.builds(scope_of, KEYS, st.sets(st.sampled_from(NAMES), min_size=1))


def test_a_scope_without_any_field_is_refused() -> None:
    with pytest.raises(UserError, match="name at least a cloud"):
        Scope()


@given(KEYS, st.sets(st.sampled_from(NAMES), min_size=1))
def test_a_scope_cut_from_a_key_matches_it(key: OfferKey, names: set[str]) -> None:
    assert scope_of(key, names).matches(key)


@given(KEYS, KEYS, st.sets(st.sampled_from(NAMES), min_size=1))
def test_matching_is_equality_on_the_fields_that_are_set(
    key: OfferKey, other: OfferKey, names: set[str]
) -> None:
    expected = all(getattr(key, name) == getattr(other, name) for name in names)
    assert scope_of(key, names).matches(other) is expected


@given(SCOPES, SCOPES, KEYS)
def test_what_a_covered_scope_matches_the_covering_one_matches(
    broad: Scope, narrow: Scope, key: OfferKey
) -> None:
    if broad.covers(narrow) and narrow.matches(key):
        assert broad.matches(key)


@given(SCOPES)
def test_a_scope_covers_itself_and_its_refinements(scope: Scope) -> None:
    assert scope.covers(scope)
    unset = [name for name in NAMES if getattr(scope, name) is None and name != "market"]
    for name in unset:
        refined = replace(scope, **{name: 1000 if name.endswith("milli") else "x"})
        assert scope.covers(refined)
        assert not refined.covers(scope)


def test_an_empty_zone_is_a_value_and_not_a_wildcard() -> None:
    key = OfferKey("gcp", "r", "z", "a", "", 0, Market.SPOT)
    assert not Scope(cloud="gcp", zone="").matches(key)
    assert Scope(cloud="gcp").matches(key)


def test_market_none_matches_both_markets() -> None:
    key = OfferKey("gcp", "r", "z", "a", "", 0, Market.SPOT)
    assert Scope(cloud="gcp").matches(key)
    assert Scope(cloud="gcp").matches(replace(key, market=Market.ON_DEMAND))
    assert not Scope(cloud="gcp", market=Market.ON_DEMAND).matches(key)


def test_text_names_the_fields_in_order() -> None:
    assert str(Scope(cloud="aws", zone="us-east-1a", market=Market.SPOT)) == "aws/us-east-1a/spot"
