"""Fetching: files that arrive whole, pages that are kept, patience, and silence about keys."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import SourceError
from catalog.sources.http import Http
from catalog.sources.work import TRY_LASTS_S, Progress, Work
from tests.catalog.provider import Answer, Asked, Provider, serving

CONTENT = bytes(range(256)) * 4096
CHUNK = 1 << 16


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as running:
        running.files["/list"] = CONTENT
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return _work(tmp_path)


def _work(folder: Path, **options: Any) -> Work:
    made = Work("acme", folder, **options)
    made._http = Http("acme", made.stop, backoff_s=0.001)
    return made


def test_a_download_is_the_file_and_is_asked_for_once_a_try(provider: Provider, work: Work) -> None:
    for _ in range(2):
        path = work.download(f"{provider.url}/list", "list.json")
        assert path.read_bytes() == CONTENT
    assert provider.paths() == ["/list"]
    assert sorted(each.name for each in work.folder.iterdir()) == [
        ".list.json.json",
        "list.json",
        "try.json",
    ]


def test_an_unchanged_file_is_not_fetched_again_in_the_next_try(provider: Provider, work: Work) -> None:
    work.download(f"{provider.url}/list", "list")
    work.finish()
    assert work.download(f"{provider.url}/list", "list").read_bytes() == CONTENT
    assert "If-None-Match" in provider.asked[1].headers
    provider.files["/list"] = b"new"
    work.finish()
    assert work.download(f"{provider.url}/list", "list").read_bytes() == b"new"


def test_a_cut_download_goes_on_where_it_stopped(provider: Provider, work: Work) -> None:
    provider.next = [Answer(cut_after=CHUNK), Answer(cut_after=2 * CHUNK)]
    assert work.download(f"{provider.url}/list", "list").read_bytes() == CONTENT
    assert [each.headers.get("Range") for each in provider.asked] == [
        None,
        f"bytes={CHUNK}-",
        f"bytes={3 * CHUNK}-",
    ]


def test_another_process_goes_on_where_the_last_one_stopped(provider: Provider, tmp_path: Path) -> None:
    provider.next = [Answer(cut_after=CHUNK)] + [Answer(cut_after=0)] * 5
    with pytest.raises(SourceError, match=r"acme: http://127.*/list "):
        _work(tmp_path).download(f"{provider.url}/list", "list")
    assert not (tmp_path / "list").exists()
    assert _work(tmp_path).download(f"{provider.url}/list", "list").read_bytes() == CONTENT
    assert provider.asked[-1].headers["Range"] == f"bytes={CHUNK}-"


def test_a_file_that_changed_meanwhile_is_never_put_together_from_both(
    provider: Provider, work: Work
) -> None:
    provider.next = [Answer(cut_after=CHUNK)] + [Answer(cut_after=0)] * 5
    with pytest.raises(SourceError):
        work.download(f"{provider.url}/list", "list")
    provider.files["/list"] = CONTENT[::-1]
    assert work.download(f"{provider.url}/list", "list").read_bytes() == CONTENT[::-1]


def test_an_answer_that_goes_on_elsewhere_is_not_appended(provider: Provider, work: Work) -> None:
    provider.next = [Answer(cut_after=CHUNK), Answer(206, b"elsewhere", {"Content-Range": "bytes 5-13/99"})]
    assert work.download(f"{provider.url}/list", "list").read_bytes() == CONTENT
    provider.files["/list"] = CONTENT[:CHUNK]
    provider.next = [Answer(416, b"no")]
    work.finish()
    assert work.download(f"{provider.url}/list", "list").read_bytes() == CONTENT[:CHUNK]


def test_the_part_of_one_address_is_not_used_for_another(provider: Provider, work: Work) -> None:
    provider.files["/other"] = CONTENT
    provider.next = [Answer(cut_after=CHUNK)] + [Answer(cut_after=0)] * 5
    with pytest.raises(SourceError):
        work.download(f"{provider.url}/list", "list")
    work.download(f"{provider.url}/other", "list")
    assert "Range" not in provider.asked[-1].headers


def test_a_hash_that_does_not_agree_is_an_error_and_leaves_nothing(provider: Provider, work: Work) -> None:
    right = hashlib.sha256(CONTENT).hexdigest()
    assert work.download(f"{provider.url}/list", "list", sha256=right).read_bytes() == CONTENT
    with pytest.raises(SourceError, match="has the hash"):
        work.download(f"{provider.url}/list", "other", sha256="0" * 64)
    assert not (work.folder / "other").exists()


def test_failures_that_pass_are_tried_again(provider: Provider, work: Work) -> None:
    busy = Answer(503, b"busy", {"Retry-After": "0"})
    provider.files["/page"] = b'{"a": 1}'
    provider.next = [busy, busy]
    assert work.get_json(f"{provider.url}/page") == {"a": 1}
    assert len(provider.asked) == 3


def test_failures_that_stay_name_the_address_and_what_mends_it_but_no_key(
    provider: Provider, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for status, fix in ((403, "sky check"), (404, "SKY_CATALOG_"), (503, "later"), (400, "newer release")):
        provider.answer = lambda _asked, status=status: Answer(status, b"no", {"Retry-After": "0"})
        with pytest.raises(SourceError, match=fix) as failed:
            work.get_json(f"{provider.url}/page", {"key": "s3cret"})
        assert "s3cret" not in str(failed.value)
        assert f"{provider.url}/page" in str(failed.value)
    with pytest.raises(SourceError, match="cannot be reached") as failed:
        work.get_json("http://127.0.0.1:9/page", {"key": "s3cret"})
    assert "s3cret" not in str(failed.value)
    assert "s3cret" not in caplog.text
    assert "urllib3" not in caplog.text


def test_a_pause_that_a_person_would_notice_is_told(
    provider: Provider, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    provider.files["/page"] = b"1"
    provider.next = [Answer(503, b"busy", {"Retry-After": "2"})]
    with caplog.at_level(logging.INFO, logger="sky.catalog"):
        assert work.get_json(f"{provider.url}/page") == 1
    assert caplog.messages == ["acme: answered HTTP 503; asked again in 2 s"]


def test_what_is_not_json_is_an_error(provider: Provider, work: Work) -> None:
    with pytest.raises(SourceError, match="not JSON"):
        work.get_json(f"{provider.url}/list")


def test_a_posted_question_is_sent_as_json(provider: Provider, work: Work) -> None:
    provider.answer = lambda asked: {"echo": asked.body.decode(), "method": asked.method}
    assert work.get_json(f"{provider.url}/q", data={"a": 1})["method"] == "POST"


def _numbered(provider: Provider, pages: int) -> None:
    def answer(asked: Asked) -> Any:
        at = int(asked.path.rpartition("page=")[2]) if "page=" in asked.path else 0
        following = f"{provider.url}/pages?page={at + 1}" if at + 1 < pages else None
        return {"items": [at], "next": following}

    provider.answer = answer


def _read(work: Work, provider: Provider) -> Iterator[int]:
    for page in work.pages(f"{provider.url}/pages", name="prices", following=lambda page: page["next"]):
        yield from page["items"]


def test_pages_are_kept_and_go_on_after_a_crash(provider: Provider, tmp_path: Path) -> None:
    _numbered(provider, 5)
    started = _read(_work(tmp_path), provider)
    assert [next(started), next(started)] == [0, 1]
    started.close()
    assert list(_read(_work(tmp_path), provider)) == [0, 1, 2, 3, 4]
    assert len(provider.asked) == 5
    _work(tmp_path).finish()
    assert list(_read(_work(tmp_path), provider)) == [0, 1, 2, 3, 4]
    assert len(provider.asked) == 10


def test_pages_by_a_parameter(provider: Provider, work: Work) -> None:
    provider.answer = lambda asked: {"next": "two" if "token" not in asked.path else ""}
    found = work.pages(
        f"{provider.url}/p",
        {"size": "9"},
        name="p",
        following=lambda page: {"token": page["next"]} if page["next"] else None,
    )
    assert len(list(found)) == 2
    assert provider.paths() == ["/p?size=9", "/p?size=9&token=two"]


def test_pages_in_a_circle_end(provider: Provider, work: Work) -> None:
    provider.answer = lambda _asked: {"next": f"{provider.url}/pages"}
    with pytest.raises(SourceError, match="circle"):
        list(work.pages(f"{provider.url}/pages", name="p", following=lambda page: page["next"]))


def test_a_try_that_is_too_old_is_begun_anew(provider: Provider, tmp_path: Path) -> None:
    now = [1_000_000.0]
    works = [_work(tmp_path, clock=lambda: now[0]) for _ in range(3)]
    first = works[0].try_id()
    now[0] += TRY_LASTS_S - 1
    assert works[1].try_id() == first
    now[0] += 1
    assert works[1].try_id() == first
    assert works[2].try_id() != first


def test_once_stopped_nothing_is_asked(provider: Provider, tmp_path: Path) -> None:
    stop = threading.Event()
    work = _work(tmp_path, stop=stop)
    stop.set()
    with pytest.raises(SourceError, match="run it again"):
        work.get_json(f"{provider.url}/page")
    assert provider.asked == []


def test_progress_of_a_download_ends_at_its_length(provider: Provider, tmp_path: Path) -> None:
    heard: list[Progress] = []
    _work(tmp_path, report=heard.append).download(f"{provider.url}/list", "list")
    assert heard[-1] == Progress("acme", len(CONTENT), len(CONTENT), "bytes")
