"""ipaddress in functions, against CPython: addresses and networks of every kind, and what is none."""

from __future__ import annotations

import ipaddress
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from assay import _prelude_ip
from made_functions import event
from test_functions import HEAD, Running, compare

pytestmark = pytest.mark.engine
OCTETS = [0, 1, 9, 10, 15, 100, 127, 128, 168, 169, 172, 192, 198, 203, 224, 239, 240, 254, 255]
GROUPS = [0x64, 0x100, 0x2001, 0x2002, 0xFC00, 0xFD12, 0xFE80, 0xFEC0, 0xFF02, 0x3FFF]
PREFIXES = ["0", "1", "8", "12", "24", "31", "32", "33", "64", "127", "128", "129", "255.255.0.0", "0.0.0.255"]
PREFIXES += ["255.0.255.0", "", "x", "-1", "+8", "08"]

FUNCTIONS = """
import ipaddress

OFFICE = ipaddress.ip_network("10.1.0.0/16")
NETS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.IPv4Network("192.168.0.0/16"), ipaddress.ip_network("fc00::/7")]
NAMED = {"vpn": ipaddress.ip_network("172.16.0.0/12"), "lab": ipaddress.ip_network("2001:db8::/32")}
HOME, HOMES = ipaddress.ip_address("1.1.1.1"), {ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("::1")}
FLAGS = "is_private is_global is_multicast is_reserved is_loopback is_link_local is_unspecified".split()


@feature
def private(s: str) -> bool:
    return ipaddress.ip_address(s).is_private


@feature
def known(s: str) -> str:
    try:
        address = ipaddress.ip_address(s.strip())
    except ValueError as e:
        return type(e).__name__
    if any(address in net for net in NETS) or address in OFFICE:
        return "ours"
    if address == HOME or address in HOMES:
        return "home"
    return next((name for name, net in NAMED.items() if address in net), "none")


@feature
def flags(s: str) -> int:
    a = ipaddress.ip_address(s)
    found = [a.is_private, a.is_global, a.is_multicast, a.is_reserved, a.is_loopback, a.is_link_local, a.is_unspecified]
    return sum(2**place for place, flag in enumerate(found) if flag)


@feature
def written(s: str) -> str:
    a = ipaddress.ip_address(s)
    return f"{a}|{str(a)}|{a.compressed}|{a.version}|{a.max_prefixlen}|{a.packed.hex()}"


@feature
def exploded(s: str) -> str:
    return ipaddress.ip_address(s).exploded


@feature
def number(s: str) -> str:
    return str(int(ipaddress.ip_address(s)))


@feature
def four(s: str) -> str:
    return str(ipaddress.IPv4Address(s) + 1)


@feature
def six(s: str) -> str:
    a = ipaddress.IPv6Address(s)
    return f"{a.is_site_local} {a.ipv4_mapped} {a.scope_id}"


@feature
def version_class(s: str) -> bool:
    a = ipaddress.ip_address(s)
    return isinstance(a, ipaddress.IPv6Address) and not isinstance(a, ipaddress.IPv4Address)


@feature
def near(s: str) -> str:
    net = ipaddress.ip_network(f"{s}/20", strict=False)
    return f"{net} {net.network_address} {net.broadcast_address} {net.netmask} {net.num_addresses} {net.is_private}"


@feature
def network(t: str) -> str:
    net = ipaddress.ip_network(t)
    return f"{net} {net.prefixlen} {net.version} {net.overlaps(OFFICE)}"


@feature
def network_of_four(t: str) -> str:
    return str(ipaddress.IPv4Network(t, strict=False))


@feature
def of_number(x: int) -> str:
    return str(ipaddress.ip_address(x))


@feature
def ordered(s: str, t: str) -> list[str]:
    return [str(a) for a in sorted([ipaddress.IPv4Address(s), ipaddress.IPv4Address("100.64.0.0")])]
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        yield Running(Path(folder), HEAD + FUNCTIONS)


def address(source: random.Random) -> str:
    if source.random() < 0.45:
        return ".".join(str(source.choice(OCTETS)) for _ in range(4))
    if source.random() < 0.5:
        high = source.choice(GROUPS) << 112 | source.getrandbits(source.randrange(1, 100))
        return str(
            ipaddress.IPv6Address(source.choice([high, 0xFFFF << 32 | source.getrandbits(32), source.getrandbits(9)]))
        )
    parts = ["", "", "0", "1", "ffff", "ABCD", "12345", "g", "10.0.0.1", "1.2.3"]
    return source.choice([":", ":", "."]).join(source.choice(parts) for _ in range(source.randrange(1, 10)))


def odd(source: random.Random) -> str:
    text = address(source)
    return text + source.choice(["%eth0", "%", "%a%b", "/8", " ", ".1", ":"]) if source.random() < 0.1 else text


def test_addresses_compute_what_cpython_computes(running: Running) -> None:
    source = random.Random(20)
    for _ in range(1500):
        given = event(source)
        given["s"] = odd(source)
        given["t"] = f"{address(source)}/{source.choice(PREFIXES)}" if source.random() < 0.9 else odd(source)
        given["x"] = source.choice([0, -1, 2**32 - 1, 2**32, 2**63 - 1, source.randrange(2**34)])
        compare(running, given)


def test_every_flag_of_every_border() -> None:
    """What the tables say, beside the ipaddress that they were read from."""
    borders = {0, 1, 2**32 - 1, 2**128 - 1}
    for ranges in (*_prelude_ip.PRIVATE.values(), *_prelude_ip.RESERVED.values(), *_prelude_ip.MULTICAST.values()):
        borders |= {n + step for pair in ranges for n in pair for step in (-1, 0, 1)}
    flags = [name for name in dir(ipaddress.IPv6Address) if name.startswith("is_")]
    for number in borders:
        for cls, ours in (
            (ipaddress.IPv4Address, _prelude_ip.ipv4_address),
            (ipaddress.IPv6Address, _prelude_ip.ipv6_address),
        ):
            if 0 <= number < 2 ** (32 if cls is ipaddress.IPv4Address else 128):
                there, here = cls(number), ours(number)
                assert {f: seen(there, f) for f in flags} == {f: seen(here, f) for f in flags}, str(there)


def seen(of: Any, name: str) -> Any:
    return getattr(of, name, "none")
