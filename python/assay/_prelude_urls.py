"""`urllib.parse` of texts, compiled from Python as `_prelude.py` is."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any, NamedTuple

from ._prelude_ip import v6_number
from ._prelude_unicode import normalize

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
SCHEME = LETTERS | frozenset("0123456789+-.")
HEX = {c: n for n, c in enumerate("0123456789abcdef")} | {c: n + 10 for n, c in enumerate("ABCDEF")}
CONTROLS = "".join(chr(n) for n in range(33))
SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
PARAMS = frozenset(urllib.parse.uses_params)


def _raises(url: str) -> bool:
    try:
        urllib.parse.urlsplit(url)
    except ValueError:
        return True
    return False


STRIPS_CONTROLS = not urllib.parse.urlsplit(" http://a").path  # these differ from release to release
CHECKS_BRACKETS = _raises("http://[x]/")


class Split(NamedTuple):
    """A SplitResult."""

    scheme: str
    netloc: str
    path: str
    query: str
    fragment: str

    @property
    def username(self):
        return user_of(self.netloc)[0]

    @property
    def password(self):
        return user_of(self.netloc)[1]

    @property
    def hostname(self):
        return hostname_of(self.netloc)

    @property
    def port(self):
        return port_of(self.netloc)


class Parsed(NamedTuple):
    """A ParseResult."""

    scheme: str
    netloc: str
    path: str
    params: str
    query: str
    fragment: str

    @property
    def username(self):
        return user_of(self.netloc)[0]

    @property
    def password(self):
        return user_of(self.netloc)[1]

    @property
    def hostname(self):
        return hostname_of(self.netloc)

    @property
    def port(self):
        return port_of(self.netloc)


def user_of(netloc):
    before, sign, _ = netloc.rpartition("@")
    if not sign:
        return (None, None)
    name, colon, password = before.partition(":")
    return (name, password if colon else None)


def host_of(netloc):
    """The host and the text of the port."""
    rest = netloc.rpartition("@")[2]
    _, bracket, inside = rest.partition("[")
    if bracket:
        host, _, after = inside.partition("]")
        return (host, after.partition(":")[2])
    host, _, port = rest.partition(":")
    return (host, port)


def hostname_of(netloc):
    host, _ = host_of(netloc)
    if not host:
        return None
    name, sign, zone = host.partition("%")
    return name.lower() + sign + zone


def port_of(netloc):
    _, port = host_of(netloc)
    if not port:
        return None
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"Port could not be cast to integer value as {port!r}")
    number = int(port)
    if number > 65535:
        raise ValueError("Port out of range 0-65535")
    return number


def check_host(netloc):
    if ("[" in netloc) != ("]" in netloc):
        raise ValueError("Invalid IPv6 URL")
    if CHECKS_BRACKETS and "[" in netloc:
        inside = netloc.partition("[")[2].partition("]")[0]
        if inside.startswith("v"):
            version, dot, rest = inside[1:].partition(".")
            if not (version and all(c in HEX for c in version) and dot and is_future(rest)):
                raise ValueError("IPvFuture address is invalid")
        else:
            text, percent, scope = inside.partition("%")
            if v6_number(text) < 0 or (percent and (not scope or "%" in scope)):
                raise ValueError("An IPv4 address cannot be in brackets, or this is no address")
    if not netloc.isascii():
        plain = netloc.replace("@", "").replace(":", "").replace("#", "").replace("?", "")
        made = normalize("NFKC", plain)
        if made != plain and any(c in made for c in "/?#@:"):
            raise ValueError("netloc contains invalid characters under NFKC normalization")


def is_future(text):
    return len(text) > 0 and all(c in SAFE or c in "!$&'()*+,;=:" for c in text)


def split_url(url, scheme):
    if STRIPS_CONTROLS:
        url = url.lstrip(CONTROLS)
        scheme = scheme.strip(CONTROLS)
    for c in "\t\r\n":
        url = url.replace(c, "")
        scheme = scheme.replace(c, "")
    at = url.find(":")
    if at > 0 and url[0] in LETTERS and all(c in SCHEME for c in url[:at]):
        scheme = url[:at].lower()
        url = url[at + 1 :]
    netloc = ""
    if url.startswith("//"):
        ends = [n for n in (url.find("/", 2), url.find("?", 2), url.find("#", 2)) if n >= 0]
        end = min(ends, default=len(url))
        netloc = url[2:end]
        url = url[end:]
        check_host(netloc)
    url, _, fragment = url.partition("#")
    path, _, query = url.partition("?")
    return (scheme, netloc, path, query, fragment)


def urlsplit(url, scheme=""):
    scheme, netloc, path, query, fragment = split_url(url, scheme)
    return Split(scheme, netloc, path, query, fragment)


def urlparse(url, scheme=""):
    scheme, netloc, path, query, fragment = split_url(url, scheme)
    params = ""
    if scheme in PARAMS and ";" in path:
        slash = path.rfind("/")
        semicolon = path.find(";", slash if slash >= 0 else 0)
        if semicolon >= 0:
            path, params = path[:semicolon], path[semicolon + 1 :]
    return Parsed(scheme, netloc, path, params, query, fragment)


def unquote(string):
    if "%" not in string:
        return string
    parts = []
    held = []  # bytes that stand together
    at = 0
    while at < len(string):
        c = string[at]
        if c == "%" and at + 2 < len(string) and string[at + 1] in HEX and string[at + 2] in HEX:
            held.append(HEX[string[at + 1]] * 16 + HEX[string[at + 2]])
            at += 3
            continue
        if held and c.isascii():
            held.append(ord(c))
        elif held:
            parts.append(bytes(held).decode("utf-8", "replace"))
            held = []
            parts.append(c)
        else:
            parts.append(c)
        at += 1
    if held:
        parts.append(bytes(held).decode("utf-8", "replace"))
    return "".join(parts)


def unquote_plus(string):
    return unquote(string.replace("+", " "))


def quote(string, safe="/"):
    if not string:
        return string
    parts = []
    for n in string.encode():
        c = chr(n)
        parts.append(c if c in SAFE or (n < 128 and c in safe) else f"%{n:02X}")
    return "".join(parts)


def quote_plus(string, safe=""):
    if " " not in string:
        return quote(string, safe)
    return quote(string, safe + " ").replace(" ", "+")


def parse_qsl(qs, keep_blank_values=False, strict_parsing=False):
    pairs = []
    for part in qs.split("&") if qs else []:
        if not part and not strict_parsing:
            continue
        name, sign, value = part.partition("=")
        if not sign and strict_parsing:
            raise ValueError(f"bad query field: {part!r}")
        if value or (keep_blank_values and (sign or not strict_parsing)):
            pairs.append((unquote_plus(name), unquote_plus(value)))
    return pairs


def parse_qs(qs, keep_blank_values=False, strict_parsing=False):
    found: Any = {}
    for name, value in parse_qsl(qs, keep_blank_values, strict_parsing):
        found[name] = [*found.get(name, []), value]
    return found


def urlencode(query):
    pairs = list(query.items()) if isinstance(query, dict) else query
    return "&".join([quote_plus(str(name)) + "=" + quote_plus(str(value)) for name, value in pairs])


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    getattr(urllib.parse.urlsplit, "__wrapped__", urllib.parse.urlsplit): urlsplit,  # it is cached there
    urllib.parse.urlencode: urlencode,
    urllib.parse.urlparse: urlparse,
    urllib.parse.unquote: unquote,
    urllib.parse.unquote_plus: unquote_plus,
    urllib.parse.quote: quote,
    urllib.parse.quote_plus: quote_plus,
    urllib.parse.parse_qs: parse_qs,
    urllib.parse.parse_qsl: parse_qsl,
}
