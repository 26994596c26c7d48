"""Addresses as values: JSON both ways, and no word that a shell or ssh would read otherwise."""

from __future__ import annotations

import pytest

from catalog.errors import UserError
from executors.transports.address import Address, read_nodes, write_nodes


def test_json_both_ways_with_defaults_left_out() -> None:
    plain = Address("10.0.0.1")
    full = Address("h", 2222, "me", "~/.ssh/id", "jump@j:33,k", "192.168.0.1")
    assert plain.to_dict() == {"host": "10.0.0.1"}
    assert read_nodes({"nodes": write_nodes([full, plain])}) == (full, plain)
    assert read_nodes({}) == ()
    assert Address.from_dict({"host": "h", "port": "2222", "of a later release": 1}) == Address("h", 2222)


def test_text_says_what_was_given() -> None:
    texts = [
        Address("h"),
        Address("h", 2222),
        Address("h", user="me"),
        Address("::1", 22),
        Address("::1", 2222, "me"),
    ]
    assert [str(address) for address in texts] == ["h", "h:2222", "me@h", "::1", "me@[::1]:2222"]


@pytest.mark.parametrize("word", ["-oProxyCommand=x", "a b", "a;b", "$(x)", "a\nb", "a`b", "%h", "a'b"])
@pytest.mark.parametrize("field", ["host", "user", "proxy_jump", "internal_ip"])
def test_words_that_are_no_names_are_refused(field: str, word: str) -> None:
    with pytest.raises(UserError, match=field):
        Address(**{"host": "h", field: word})  # type: ignore[arg-type]


def test_an_empty_host_and_a_wrong_port_are_refused() -> None:
    with pytest.raises(UserError):
        Address("")
    with pytest.raises(UserError, match="70000"):
        Address("h", 70_000)
