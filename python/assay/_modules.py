"""The standard library's modules in the engine's table of built-ins: keywords, defaults, results. `_library.py` says
what each table means; these are its longer part."""

from __future__ import annotations

from typing import Any

from ._types import BOOL, BYTES, FLOAT, INT, NONE, STR, Type, of

HASH = of("hash")
_DIGESTS = "md5 sha1 sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 blake2b blake2s"
DIGESTS = _DIGESTS.split()
_BASE64 = "b64encode b64decode standard_b64encode standard_b64decode urlsafe_b64encode urlsafe_b64decode b32encode"
BASE64 = [*_BASE64.split(), "b32decode", "b16encode", "b16decode"]
_ATTRIBUTES = ".digest_size .block_size"
ATTRIBUTES = frozenset(_ATTRIBUTES.split())

KEYWORDS: dict[str, tuple[str | None, ...]] = {
    ".encode": (None, "encoding", "errors"),
    ".decode": (None, "encoding", "errors"),
    ".hex": (None, "sep", "bytes_per_sep"),
    ".to_bytes": (None, "length", "byteorder", "signed"),
    "int.from_bytes": ("bytes", "byteorder", "signed"),
    "bytes": ("source", "encoding", "errors"),
    **dict.fromkeys(["hashlib.blake2b", "hashlib.blake2s"], (None, "digest_size", "key")),
    "hashlib.new": ("name", "data"),
    "hmac.new": ("key", "msg", "digestmod"),
    "hmac.digest": ("key", "msg", "digest"),
    "zlib.crc32": (None, "value"),
    "zlib.adler32": (None, "value"),
    "binascii.hexlify": ("data", "sep", "bytes_per_sep"),
    "assay.fn.haversine_km": ("lat1", "lon1", "lat2", "lon2"),
    "assay.fn.geohash": ("lat", "lon", "precision"),
    **dict.fromkeys(["assay.fn.jaro_winkler", "assay.fn.levenshtein"], ("a", "b")),
    **dict.fromkeys(["assay.fn.soundex", "assay.fn.luhn_valid", "assay.fn.entropy"], ("s",)),
    "base64.b64encode": ("s", "altchars"),
    "base64.b64decode": ("s", "altchars", "validate"),
    "base64.b32decode": ("s", "casefold"),
    "base64.b16decode": ("s", "casefold"),
}
KEYWORD_ONLY = {".to_bytes": 3, "int.from_bytes": 2, "hashlib.blake2b": 1, "hashlib.blake2s": 1}
DEFAULTS: dict[tuple[str, int], Any] = {
    **dict.fromkeys([(".encode", 1), (".decode", 1), ("bytes", 1)], "utf-8"),
    (".to_bytes", 1): 1,
    (".to_bytes", 2): "big",
    ("int.from_bytes", 1): "big",
    ("hashlib.blake2b", 0): b"",
    ("hashlib.blake2b", 1): 64,
    ("hashlib.blake2s", 0): b"",
    ("hashlib.blake2s", 1): 32,
    ("hmac.new", 1): None,
    ("base64.b64decode", 1): None,
}
RESULTS: dict[str, Type] = {
    **dict.fromkeys([".encode", ".to_bytes", "bytes", "bytes.fromhex", ".digest", "hmac.digest"], BYTES),
    **dict.fromkeys(["binascii.hexlify", "binascii.unhexlify", *(f"base64.{name}" for name in BASE64)], BYTES),
    **dict.fromkeys(["int.from_bytes", "zlib.crc32", "zlib.adler32", "binascii.crc32"], INT),
    **dict.fromkeys([".digest_size", ".block_size"], INT),
    **dict.fromkeys([".decode", ".hex", ".hexdigest"], STR),
    **dict.fromkeys(["hashlib.new", "hmac.new", "hash.copy", *(f"hashlib.{name}" for name in DIGESTS)], HASH),
    "hmac.compare_digest": BOOL,
    **dict.fromkeys(["assay.fn.haversine_km", "assay.fn.jaro_winkler", "assay.fn.entropy"], FLOAT),
    **dict.fromkeys(["assay.fn.soundex", "assay.fn.geohash"], STR),
    "assay.fn.levenshtein": INT,
    "assay.fn.luhn_valid": BOOL,
    "hash.update": NONE,
}
