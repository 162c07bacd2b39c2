"""Objects on disk: every acknowledged write is there, whole, after ``kill -9``.

Each bucket is a folder. An object is an index file, named by the hash of its key so that any key works, and one data
file for each version. Data is written first, then the index is renamed into place, then files that no index names are
deleted: a killed process leaves the old state or the new one, never a mixture. (There is no fsync: a power cut may lose
writes.)
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec import json as msgjson


class Version(Struct):
    """One version of an object; ``marker`` for a delete marker, which has no content. ``modified`` is in ISO form."""

    id: str
    modified: str
    etag: str = ""
    marker: bool = False
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"
    public: bool = False
    #: How many appends made the object; None for one that was not made by appending.
    appends: int | None = None
    data: str = ""
    encrypted: bool = False


class Index(Struct):
    """All versions of one key, oldest first."""

    key: str
    versions: list[Version] = []


class BucketFile(Struct):
    """What is kept of a bucket besides its objects."""

    name: str
    region: str
    created: str
    versioning: str | None = None
    notification: str = ""
    cors: str = ""
    #: Whether it is a parallel file system; what it is replicated by and locked by, in the vendor's XML.
    parallel: bool = False
    replication: str = ""
    object_lock: str = ""
    encrypted: bool = False
    policy: str = ""


class Folder:
    """The folder of a local OBS."""

    def __init__(self, path: Path) -> None:
        """Use this folder, made when missing."""
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def buckets(self) -> Iterator[BucketFile]:
        """Yield the buckets."""
        for file in sorted(self._path.glob("*/bucket.json")):
            yield msgjson.decode(file.read_bytes(), type=BucketFile)

    def save_bucket(self, bucket: BucketFile) -> None:
        """Write a bucket's own file."""
        folder = self._path / bucket.name
        folder.mkdir(exist_ok=True)
        _replace(folder / "bucket.json", msgjson.encode(bucket))

    def remove_bucket(self, name: str) -> None:
        """Remove an empty bucket."""
        folder = self._path / name
        for file in folder.glob("*"):
            file.unlink()
        folder.rmdir()

    def objects(self, bucket: str) -> Iterator[tuple[Index, dict[str, bytes]]]:
        """Yield each key with the content of its versions, by version id; delete files that no index names."""
        folder = self._path / bucket
        named = {"bucket.json"}
        for file in sorted(folder.glob("*.index")):
            index = msgjson.decode(file.read_bytes(), type=Index)
            named |= {file.name, *(version.data for version in index.versions)}
            yield index, {v.id: (folder / v.data).read_bytes() for v in index.versions if v.data}
        for orphan in folder.iterdir():
            if orphan.name not in named:
                orphan.unlink()

    def save(self, bucket: str, index: Index, contents: Mapping[str, Iterable[bytes]]) -> None:
        """Write one key: ``contents`` are the versions whose content is new, by version id."""
        folder = self._path / bucket
        stem = hashlib.sha256(index.key.encode("utf-8", "surrogateescape")).hexdigest()
        file = folder / f"{stem}.index"
        before = msgjson.decode(file.read_bytes(), type=Index).versions if file.exists() else []
        kept = {version.id: version.data for version in before}
        for version in index.versions:
            if version.id in contents:
                version.data = f"{stem}.{secrets.token_hex(4)}"
                with (folder / version.data).open("wb") as output:
                    output.writelines(contents[version.id])
            elif not version.marker:
                version.data = kept[version.id]
        if index.versions:
            _replace(file, msgjson.encode(index))
        elif file.exists():
            file.unlink()
        current = {version.data for version in index.versions}
        for data in kept.values():
            if data and data not in current:
                (folder / data).unlink()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
