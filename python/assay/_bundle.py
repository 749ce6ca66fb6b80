"""The bundle file: named parts in one SQLite database, and the hash of its content (docs/bundle.md).

Equal parts give an equal hash; with one version of SQLite, equal files. The file appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

APPLICATION_ID = 0x41535359  # "ASSY"
FORMAT = "1"


def content_hash(parts: Mapping[str, bytes]) -> str:
    """SHA-256 over the parts in the byte order of their names."""
    digest = hashlib.sha256()
    for name, data in sorted((name.encode(), data) for name, data in parts.items()):
        digest.update(len(name).to_bytes(4, "little") + name + len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def write_bundle(parts: Mapping[str, bytes], path: Path) -> str:
    """Writes the file, replacing what is there, and returns the content's hash."""
    name = content_hash(parts)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as database:
            database.execute("PRAGMA page_size = 4096")
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute("BEGIN")
            database.execute("CREATE TABLE part (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID")
            database.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
            database.executemany("INSERT INTO part VALUES (?, ?)", sorted(parts.items()))
            database.executemany("INSERT INTO meta VALUES (?, ?)", [("format", FORMAT), ("hash", name)])
            database.execute("COMMIT")
        temporary_path = Path(temporary)
        with temporary_path.open("rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary_path.chmod(0o666 & ~umask)
        temporary_path.replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return name


def read_parts(path: Path) -> dict[str, bytes]:
    """All parts of a bundle. ValueError if its content is not what its hash says."""
    with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        parts = {str(name): bytes(data) for name, data in database.execute("SELECT name, bytes FROM part")}
        (name,) = database.execute("SELECT value FROM meta WHERE key = 'hash'").fetchone()
    if content_hash(parts) != name:
        raise ValueError(f"{path} is damaged: its content does not have its hash")
    return parts
