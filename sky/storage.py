"""Storage: a bucket to mount on, or copy to, the nodes. A checked value; nothing here connects to a cloud."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from sky.exceptions import StorageModeError, StorageNameError, StorageSourceError, StorageSpecError
from sky.fields.mounts import is_uri
from sky.fields.schema import Kind, Table, checked
from sky.fields.suggest import did_you_mean

FIELDS: Table = {
    "name": (Kind.TEXT,),
    "source": (Kind.TEXT, Kind.LIST),
    "store": (Kind.TEXT,),
    "mode": (Kind.TEXT,),
    "persistent": (Kind.FLAG,),
    "type": (Kind.TEXT,),
    "config": (Kind.MAPPING,),
    "_is_sky_managed": (Kind.FLAG,),
    "_bucket_sub_path": (Kind.TEXT,),
}

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


class StorageMode(Enum):
    """How the nodes see the bucket."""

    MOUNT = "MOUNT"
    """Reads and writes go to the bucket."""
    COPY = "COPY"
    """Files are copied to the node's disk before setup."""
    MOUNT_CACHED = "MOUNT_CACHED"
    """Writes go to the disk, and to the bucket later."""


class StoreType(Enum):
    """Kind of bucket; the value is how a task file names it, in any case."""

    S3 = "S3"
    GCS = "GCS"
    AZURE = "AZURE"
    R2 = "R2"
    IBM = "IBM"
    OCI = "OCI"
    NEBIUS = "NEBIUS"
    COREWEAVE = "COREWEAVE"

    @classmethod
    def from_str(cls, name: str) -> StoreType:
        """Return the store of that name, case ignored. Raises ``StorageSpecError``."""
        names = [store.value for store in cls]
        if name.upper() not in names:
            hint = did_you_mean(name, names) or f" Known stores: {', '.join(names).lower()}."
            raise StorageSpecError(f"{name!r} is not a store.{hint}", "store")
        return cls(name.upper())


_STORE_OF_SCHEME = {
    "s3": StoreType.S3,
    "gs": StoreType.GCS,
    "https": StoreType.AZURE,
    "r2": StoreType.R2,
    "cos": StoreType.IBM,
    "oci": StoreType.OCI,
    "nebius": StoreType.NEBIUS,
    "cw": StoreType.COREWEAVE,
}


class Storage:
    """A bucket by name, by URI, or to be filled from local paths. Equal by value.

    Raises ``StorageSpecError``, or one of its children, for what contradicts itself.
    """

    def __init__(
        self,
        name: str | None = None,
        source: str | list[str] | None = None,
        stores: Iterable[StoreType | str] | None = None,
        persistent: bool | None = True,
        mode: StorageMode | str = StorageMode.MOUNT,
        sync_on_reconstruction: bool = True,
        _is_sky_managed: bool | None = None,
        _bucket_sub_path: str | None = None,
    ) -> None:
        self.mode = _mode(mode)
        self.name = name
        self.source = list(source) if isinstance(source, (list, tuple)) else source
        self.persistent = True if persistent is None else persistent
        self.sync_on_reconstruction = sync_on_reconstruction
        self.stores: tuple[StoreType, ...] = ()
        self._is_sky_managed = _is_sky_managed
        self._bucket_sub_path = _bucket_sub_path
        _check(self.name, self.source, self.mode)
        for store in stores or ():
            self.add_store(store)
        if isinstance(self.source, str) and is_uri(self.source):
            self.add_store(_store_of(self.source))

    def add_store(self, store: StoreType | str) -> None:
        """State that the bucket is (also) of that kind; again is nothing. Raises ``StorageSpecError``."""
        kind = StoreType.from_str(store) if isinstance(store, str) else store
        if kind not in self.stores:
            self.stores = (*self.stores, kind)

    @classmethod
    def from_yaml_config(cls, config: Mapping[str, Any]) -> Storage:
        """Return the storage of a mapping in ``file_mounts``. Raises ``SpecError``, ``StorageSpecError``."""
        fields = checked(config, FIELDS, "a storage")
        store = fields.get("store")
        storage = cls(
            name=fields.get("name"),
            source=fields.get("source"),
            stores=None if store is None else [store],
            persistent=fields.get("persistent", True),
            mode=fields.get("mode", StorageMode.MOUNT),
            _is_sky_managed=fields.get("_is_sky_managed"),
            _bucket_sub_path=fields.get("_bucket_sub_path"),
        )
        storage.config = fields.get("config")
        return storage

    config: Mapping[str, Any] | None = None
    """Tuning of the mount, as written."""

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the mapping that reads back as this."""
        uri = isinstance(self.source, str) and is_uri(self.source)
        config = {
            "name": self.name,
            "source": self.source,
            "store": self.stores[0].value.lower() if self.stores and not uri else None,
            "persistent": self.persistent,
            "mode": self.mode.value,
            "config": self.config,
            "_is_sky_managed": self._is_sky_managed,
            "_bucket_sub_path": self._bucket_sub_path,
        }
        return {key: value for key, value in config.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and self.to_yaml_config() == other.to_yaml_config()

    def __hash__(self) -> int:
        return hash((self.name, str(self.source), self.mode))

    def __repr__(self) -> str:
        return f"Storage({', '.join(f'{key}={value!r}' for key, value in self.to_yaml_config().items())})"


def _mode(mode: StorageMode | str) -> StorageMode:
    if isinstance(mode, StorageMode):
        return mode
    names = [each.value for each in StorageMode]
    if str(mode).upper() not in names:
        hint = did_you_mean(str(mode), names) or f" Known modes: {', '.join(names)}."
        raise StorageModeError(f"{mode!r} is not a mode.{hint}", "mode")
    return StorageMode(str(mode).upper())


def _check(name: str | None, source: str | list[str] | None, mode: StorageMode) -> None:
    if name is not None and not isinstance(name, str):
        raise StorageNameError(f"must be text, not {name!r}", "name")
    if name is not None and is_uri(name):
        raise StorageNameError(f"{name!r} is a URI; give it as source", "name")
    if source is None:
        _check_no_source(name, mode)
    elif isinstance(source, list):
        _check_local_list(source)
        _require_name(name)
    elif is_uri(source):
        _check_uri(source, name, mode)
    else:
        _check_local(source)
        _require_name(name)
    if name is not None and _NAME.fullmatch(name) is None:
        raise StorageNameError(
            f"{name!r} is not the name of a bucket: 3-63 lower-case letters, digits, '.', '_' or '-', "
            "beginning and ending with a letter or digit",
            "name",
        )


def _check_no_source(name: str | None, mode: StorageMode) -> None:
    if name is None:
        raise StorageSpecError("needs a name, a source, or both")
    if mode is StorageMode.COPY:
        raise StorageSourceError("mode COPY needs a source to copy from", "source")


def _check_uri(source: str, name: str | None, mode: StorageMode) -> None:
    _store_of(source)
    if name is not None:
        raise StorageSpecError(
            "a bucket given by its URI has its name in it; drop one of name and source", "name"
        )
    parts = source.split("://", 1)[1].strip("/").split("/")
    # An Azure URI is https://ACCOUNT.blob.core.windows.net/CONTAINER and a COS one cos://REGION/BUCKET.
    bucket_parts = 2 if source.startswith(("https://", "cos://")) else 1
    if len(parts) > bucket_parts and mode is StorageMode.MOUNT:
        raise StorageModeError(
            f"mode MOUNT mounts whole buckets, not {source!r}; use COPY or MOUNT_CACHED", "mode"
        )


def _store_of(source: str) -> StoreType:
    scheme = source.split("://", 1)[0]
    if scheme not in _STORE_OF_SCHEME:
        known = ", ".join(f"{each}://" for each in _STORE_OF_SCHEME)
        raise StorageSourceError(
            f"{source!r} is in no store that is known; write {known} or a local path", "source"
        )
    return _STORE_OF_SCHEME[scheme]


def _check_local(source: str) -> None:
    if source.endswith("/"):
        raise StorageSourceError(f"{source!r} must not end with a slash", "source")
    path = Path(source).expanduser()
    if not path.exists():
        raise StorageSourceError(f"{source!r} does not exist", "source")
    if path.is_file():
        raise StorageSourceError(
            f"{source!r} is a file; write a list, [{source}], to upload single files", "source"
        )


def _check_local_list(source: list[Any]) -> None:
    names = [Path(str(each)).name for each in source]
    for position, each in enumerate(source):
        text = str(each)
        if is_uri(text) or text.endswith("/") or not Path(text).expanduser().exists():
            raise StorageSourceError(f"{each!r} is not a local path that exists", "source", position)
        if names.count(names[position]) > 1:
            raise StorageSourceError(
                f"two sources are called {names[position]!r}; rename one", "source", position
            )


def _require_name(name: str | None) -> None:
    if name is None:
        raise StorageNameError("a local source needs the name of a bucket to go to", "name")
