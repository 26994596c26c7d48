"""Storage: every rule, without a cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sky
from sky.exceptions import StorageModeError, StorageNameError, StorageSourceError, StorageSpecError
from sky.storage import Storage, StorageMode, StoreType


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, StorageSpecError, "needs a name, a source, or both"),
        ({"name": "bucket", "mode": "COPY"}, StorageSourceError, "needs a source to copy from"),
        ({"source": "/tmp"}, StorageNameError, "needs the name of a bucket"),
        ({"name": "bucket", "source": "s3://other"}, StorageSpecError, "drop one"),
        ({"name": 3}, StorageNameError, "must be text"),
        ({"name": "s3://bucket"}, StorageNameError, "is a URI"),
        ({"name": "Bad_Name"}, StorageNameError, "not the name of a bucket"),
        ({"name": "ab"}, StorageNameError, "3-63"),
        ({"name": "bucket", "source": "/no/such"}, StorageSourceError, "does not exist"),
        ({"name": "bucket", "source": "/tmp/"}, StorageSourceError, "must not end with a slash"),
        ({"name": "bucket", "source": __file__}, StorageSourceError, "is a file; write a list"),
        ({"name": "bucket", "source": ["/no/such"]}, StorageSourceError, "not a local path that exists"),
        ({"name": "bucket", "source": [3]}, StorageSourceError, "not a local path that exists"),
        ({"source": "s3://bucket/sub"}, StorageModeError, "mounts whole buckets"),
        ({"source": "ftp://bucket"}, StorageSourceError, "no store that is known"),
        ({"name": "bucket", "mode": "MUNT"}, StorageModeError, "Did you mean 'MOUNT'"),
        ({"name": "bucket", "stores": ["s33"]}, StorageSpecError, "Did you mean 'S3'"),
    ],
)
def test_refused(arguments: dict[str, Any], error: type[StorageSpecError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        Storage(**arguments)
    assert isinstance(caught.value, ValueError)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    sources = [tmp_path / "a" / "x", tmp_path / "b" / "x"]
    for source in sources:
        source.mkdir(parents=True)
    with pytest.raises(StorageSourceError, match="two sources are called 'x'"):
        Storage("bucket", [str(source) for source in sources])
    assert Storage("bucket", [str(sources[0])]).source == [str(sources[0])]


@pytest.mark.parametrize(
    ("source", "store"),
    [
        ("s3://b", StoreType.S3),
        ("gs://b", StoreType.GCS),
        ("https://account.blob.core.windows.net/b", StoreType.AZURE),
        ("r2://b", StoreType.R2),
        ("cos://us-east/b", StoreType.IBM),
        ("oci://b", StoreType.OCI),
    ],
)
def test_a_uri_says_its_store(source: str, store: StoreType) -> None:
    assert Storage(source=source).stores == (store,)


@pytest.mark.parametrize(
    "config",
    [
        {"name": "bucket"},
        {"name": "bucket", "store": "GCS", "mode": "mount_cached", "persistent": False},
        {"source": "s3://bucket/sub", "mode": "COPY"},
        {"name": "bucket", "source": ["/tmp"], "store": "s3", "config": {"mount": {"read_only": True}}},
    ],
)
def test_round_trip(config: dict[str, Any]) -> None:
    before = dict(config)
    storage = Storage.from_yaml_config(config)
    assert config == before
    assert Storage.from_yaml_config(storage.to_yaml_config()) == storage
    assert hash(Storage.from_yaml_config(config)) == hash(storage)


def test_defaults_and_added_stores() -> None:
    storage = sky.Storage("bucket")
    assert (storage.mode, storage.persistent, storage.stores) == (StorageMode.MOUNT, True, ())
    storage.add_store("s3")
    storage.add_store(StoreType.S3)
    assert storage.stores == (StoreType.S3,)
    assert storage != Storage("bucket")
    assert repr(Storage("bucket")) == "Storage(name='bucket', persistent=True, mode='MOUNT')"
