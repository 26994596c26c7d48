from __future__ import annotations

from sky.control.patience import FIRST_S, LONGEST_S, SPREAD, Patience
from tests.sky.control.store_suite import Clock


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def test_pauses_double_up_to_the_longest() -> None:
    patience = Patience(None, Clock(), middle)
    pauses = [patience.pause_s() for _ in range(2_000)]
    assert pauses[:6] == [30, 60, 120, 240, 480, 600]
    assert set(pauses[6:]) == {LONGEST_S}


def test_each_is_drawn_from_around_its_length() -> None:
    first = {Patience(None).pause_s() for _ in range(200)}
    assert len(first) > 100
    assert all(pause is not None and abs(pause - FIRST_S) <= SPREAD * FIRST_S for pause in first)


def test_the_last_pause_ends_with_the_limit() -> None:
    clock = Clock()
    patience = Patience(100, clock, middle)
    waited = []
    while (pause := patience.pause_s()) is not None:
        waited.append(pause)
        clock.now += pause
    assert waited == [30, 60, 10]


def test_what_the_options_mean() -> None:
    def limit(**options: object) -> float | None:
        return Patience.of(**{"retry_until_up": False, "retry_for_s": None, **options}).limit_s  # type: ignore[arg-type]

    assert limit() == 0
    assert limit(retry_until_up=True) is None
    assert limit(retry_for_s=60) == limit(retry_for_s=60, retry_until_up=True) == 60
    assert Patience.of(retry_until_up=False, retry_for_s=None).pause_s() is None
