"""`ipaddress`, compiled from Python as `_prelude.py` is: addresses and networks as the objects below.

They are what the functions here give, and what a module's own addresses and networks become (`_plain.py`). Which
networks are private, global or reserved, and whether an IPv4 address inside an IPv6 one counts as itself, is what the
ipaddress of the Python that builds says.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BITS = {4: 32, 6: 128}
ALL = {4: 2**32 - 1, 6: 2**128 - 1}
HEX = frozenset("0123456789abcdefABCDEF")
MAPPED = 0xFFFF  # what stands before an IPv4 address inside an IPv6 one


def _ranges(networks: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(n.network_address), int(n.broadcast_address)) for n in networks)


_V4, _V6 = ipaddress.IPv4Address._constants, ipaddress.IPv6Address._constants  # type: ignore[attr-defined]
PRIVATE = {4: _ranges(_V4._private_networks), 6: _ranges(_V6._private_networks)}
PRIVATE_NOT = {
    4: _ranges(getattr(_V4, "_private_networks_exceptions", [])),
    6: _ranges(getattr(_V6, "_private_networks_exceptions", [])),
}
SHARED = _ranges([_V4._public_network])
RESERVED = {4: _ranges([_V4._reserved_network]), 6: _ranges(_V6._reserved_networks)}
MULTICAST = {4: _ranges([_V4._multicast_network]), 6: _ranges([_V6._multicast_network])}
LINK_LOCAL = {4: _ranges([_V4._linklocal_network]), 6: _ranges([_V6._linklocal_network])}
LOOPBACK = {4: _ranges([_V4._loopback_network]), 6: ((1, 1),)}
SITE_LOCAL = _ranges([_V6._sitelocal_network])
# Whether this Python asks the IPv4 address inside.
_INSIDE = {"is_private": "::ffff:8.8.8.8", "is_global": "::ffff:8.8.8.8", "is_multicast": "::ffff:224.0.0.1",
           "is_reserved": "::ffff:8.8.8.8", "is_loopback": "::ffff:127.0.0.1", "is_link_local": "::ffff:169.254.0.1",
           "is_unspecified": "::ffff:0.0.0.0"}  # fmt: skip
ASKS_INSIDE = {
    name: getattr(ipaddress.ip_address(address), name) == getattr(ipaddress.ip_address(address[7:]), name)
    for name, address in _INSIDE.items()
}


def _explodes_scopes() -> bool:
    """Whether this Python's `exploded` takes an address with a scope."""
    try:
        return bool(ipaddress.IPv6Address("fe80::1%a").exploded)
    except ipaddress.AddressValueError:
        return False


EXPLODES_SCOPES = _explodes_scopes()


def key_of(address: Any) -> tuple[int, int, str | None]:
    return address.version, address._ip, getattr(address, "scope_id", None)


def within(number, ranges):
    return any(first <= number <= last for first, last in ranges)


@dataclass(frozen=True, order=True)
class Address:
    """An IPv4Address or IPv6Address, by what both have."""

    version: int
    _ip: int
    scope_id: str | None = None

    # Equal to, and found in a set beside, those of ipaddress, which the twin's functions make.

    def __eq__(self, other):
        if not isinstance(other, Address | ipaddress.IPv4Address | ipaddress.IPv6Address):
            return NotImplemented
        return key_of(self) == key_of(other)

    def __hash__(self):
        return hash(hex(self._ip)) if self.version == 4 else hash((self._ip, self.scope_id))

    @property
    def _version(self):
        return self.version

    @property
    def _scope_id(self):
        return self.scope_id

    def __str__(self):
        if self.version == 4:
            return dotted(self._ip)
        text = groups(self._ip)
        return text if self.scope_id is None else text + "%" + self.scope_id

    def __int__(self):
        return self._ip

    def __add__(self, other):
        return address_of(self._ip + other, self.version)

    def __sub__(self, other):
        return address_of(self._ip - other, self.version)

    def asked(self, name):
        """The IPv4 address inside, if this Python asks it; else itself."""
        if self.version == 6 and ASKS_INSIDE[name] and self._ip >> 32 == MAPPED:
            return Address(4, self._ip & ALL[4])
        return self

    @property
    def max_prefixlen(self):
        return BITS[self.version]

    @property
    def packed(self):
        return self._ip.to_bytes(BITS[self.version] // 8, "big")

    @property
    def compressed(self):
        return str(self)

    @property
    def exploded(self):
        if self.version == 4:
            return str(self)
        digits = f"{self._ip:032x}"
        if self.scope_id is not None and not EXPLODES_SCOPES:
            raise ipaddress.AddressValueError("Only decimal digits permitted in a scope")
        text = ":".join([digits[at : at + 4] for at in range(0, 32, 4)])
        return text if self.scope_id is None else text + "%" + self.scope_id

    @property
    def is_private(self):
        at = self.asked("is_private")
        return within(at._ip, PRIVATE[at.version]) and not within(at._ip, PRIVATE_NOT[at.version])

    @property
    def is_global(self):
        at = self.asked("is_global")
        return not (at.version == 4 and within(at._ip, SHARED)) and not at.is_private

    @property
    def is_multicast(self):
        at = self.asked("is_multicast")
        return within(at._ip, MULTICAST[at.version])

    @property
    def is_reserved(self):
        at = self.asked("is_reserved")
        return within(at._ip, RESERVED[at.version])

    @property
    def is_loopback(self):
        at = self.asked("is_loopback")
        return within(at._ip, LOOPBACK[at.version])

    @property
    def is_link_local(self):
        at = self.asked("is_link_local")
        return within(at._ip, LINK_LOCAL[at.version])

    @property
    def is_unspecified(self):
        return self.asked("is_unspecified")._ip == 0

    @property
    def is_site_local(self):
        if self.version == 4:
            raise AttributeError("'IPv4Address' object has no attribute 'is_site_local'")
        return within(self._ip, SITE_LOCAL)

    @property
    def ipv4_mapped(self):
        if self.version == 4:
            raise AttributeError("'IPv4Address' object has no attribute 'ipv4_mapped'")
        return Address(4, self._ip & ALL[4]) if self._ip >> 32 == MAPPED else None


@dataclass(frozen=True, order=True)
class Network:
    """An IPv4Network or IPv6Network."""

    version: int
    first: int
    prefixlen: int

    def __eq__(self, other):
        if not isinstance(other, Network | ipaddress.IPv4Network | ipaddress.IPv6Network):
            return NotImplemented
        return str(self) == str(other)

    def __hash__(self):
        return hash(self.first ^ (ALL[self.version] ^ ALL[self.version] >> self.prefixlen))

    @property
    def _version(self):
        return self.version

    def __str__(self):
        return str(Address(self.version, self.first)) + "/" + str(self.prefixlen)

    def __contains__(self, other):
        if other.version != self.version or not isinstance(other._ip, int):
            return False
        return other._ip >> BITS[self.version] - self.prefixlen == self.first >> BITS[self.version] - self.prefixlen

    @property
    def last(self):
        return self.first | ALL[self.version] >> self.prefixlen

    @property
    def network_address(self):
        return Address(self.version, self.first)

    @property
    def broadcast_address(self):
        return Address(self.version, self.last)

    @property
    def netmask(self):
        return Address(self.version, ALL[self.version] ^ ALL[self.version] >> self.prefixlen)

    @property
    def hostmask(self):
        return Address(self.version, ALL[self.version] >> self.prefixlen)

    @property
    def num_addresses(self):
        return self.last - self.first + 1

    @property
    def max_prefixlen(self):
        return BITS[self.version]

    @property
    def with_prefixlen(self):
        return str(self)

    @property
    def is_private(self):
        both = [(first, last) for first, last in PRIVATE[self.version] if first <= self.first and self.last <= last]
        return len(both) > 0 and not within(self.first, PRIVATE_NOT[self.version])

    def overlaps(self, other):
        return self.version == other.version and self.first <= other.last and other.first <= self.last

    def subnet_of(self, other):
        if self.version != other.version:
            raise TypeError("they are not of the same version")
        return other.first <= self.first and self.last <= other.last

    def supernet_of(self, other):
        if self.version != other.version:
            raise TypeError("they are not of the same version")
        return self.first <= other.first and other.last <= self.last


# --- texts ---


def dotted(number):
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def groups(number):
    """Groups of four hex digits, the longest run of zeros left out."""
    parts = [f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)]
    best, most = -1, 1
    start, length = -1, 0
    for at in range(8):
        if parts[at] == "0":
            if length == 0:
                start = at
            length += 1
            if length > most:
                best, most = start, length
        else:
            length = 0
    if best < 0:
        return ":".join(parts)
    return ":".join(parts[:best]) + "::" + ":".join(parts[best + most :])


def v4_number(text):
    """An IPv4 address as a number, or -1."""
    parts = text.split(".")
    if len(parts) != 4:
        return -1
    number = 0
    for part in parts:
        if not (part.isascii() and part.isdigit()) or len(part) > 3 or (part[0] == "0" and len(part) > 1):
            return -1
        octet = int(part)
        if octet > 255:
            return -1
        number = number << 8 | octet
    return number


def v6_number(text):
    """An IPv6 address without its scope as a number, or -1."""
    parts = text.split(":")
    if len(parts) < 3:
        return -1
    if "." in parts[-1]:
        inside = v4_number(parts.pop())
        if inside < 0:
            return -1
        parts.append(f"{inside >> 16:x}")
        parts.append(f"{inside & 0xFFFF:x}")
    if len(parts) > 9:
        return -1
    gaps = [at for at in range(1, len(parts) - 1) if not parts[at]]
    if len(gaps) > 1:
        return -1
    if gaps:
        high, low = gaps[0], len(parts) - gaps[0] - 1
        if not parts[0]:
            high -= 1
            if high:
                return -1
        if not parts[-1]:
            low -= 1
            if low:
                return -1
        if high + low > 7:
            return -1
    else:
        high, low = 8, 0
        if len(parts) != 8:
            return -1
    number = 0
    for at in range(high):
        if not is_group(parts[at]):
            return -1
        number = number << 16 | int(parts[at], 16)
    number <<= 16 * (8 - high - low)
    for at in range(len(parts) - low, len(parts)):
        if not is_group(parts[at]):
            return -1
        number = number << 16 | int(parts[at], 16)
    return number


def is_group(part):
    return 0 < len(part) <= 4 and all(c in HEX for c in part)


# --- what is called ---


def address_of(number, version):
    if not 0 <= number <= ALL[version]:
        raise ipaddress.AddressValueError(f"{number} is not permitted as an IPv{version} address")
    return Address(version, number)


def ipv4_address(address):
    if isinstance(address, int):
        return address_of(address + 0, 4)
    number = v4_number(address) if isinstance(address, str) else -1
    if number < 0:
        raise ipaddress.AddressValueError(f"Expected 4 octets in {address!r}")
    return Address(4, number)


def ipv6_address(address):
    if isinstance(address, int):
        return address_of(address + 0, 6)
    number, scope = scoped_number(address) if isinstance(address, str) else (-1, None)
    if number < 0:
        raise ipaddress.AddressValueError(f"At least 3 parts expected in {address!r}")
    return Address(6, number, scope)


def scoped_number(address):
    """An IPv6 address as a number, or -1, and its scope, or None."""
    text, sign, scope = address.partition("%")
    if not sign:
        return v6_number(text), None
    return (-1 if not scope or "%" in scope else v6_number(text)), scope


def ip_address(address):
    if isinstance(address, int):
        if 0 <= address <= ALL[4]:
            return Address(4, address + 0)
    elif isinstance(address, str):
        number = v4_number(address)
        if number >= 0:
            return Address(4, number)
    try:
        return ipv6_address(address)
    except ipaddress.AddressValueError:
        raise ValueError(f"{address!r} does not appear to be an IPv4 or IPv6 address") from None


def prefix_of(text, version):
    """The length of a prefix, written as a number or, for IPv4, as a mask; -1 if it is neither."""
    if text.isascii() and text.isdigit():
        length = int(text)
        return length if length <= BITS[version] else -1
    mask = v4_number(text) if version == 4 else -1
    if mask < 0:
        return -1
    for length in range(33):
        if mask == ALL[4] ^ ALL[4] >> length:
            return length
    for length in range(33):
        if mask == ALL[4] >> length:
            return length
    return -1


def network_of(address, version, strict):
    """A network, or None for what is no address or prefix. ValueError for bits of a host."""
    text, sign, mask = address.partition("/")
    number = v4_number(text) if version == 4 else scoped_number(text)[0]
    length = prefix_of(mask, version) if sign else BITS[version]
    if number < 0 or length < 0:
        return None
    first = number & ~(ALL[version] >> length)
    if first != number and strict:
        raise ValueError(f"{address} has host bits set")
    return Network(version, first, length)


def ip_network(address, strict=True):
    if isinstance(address, str):
        for version in (4, 6):
            found = network_of(address, version, strict)
            if found is not None:
                return found
    raise ValueError(f"{address!r} does not appear to be an IPv4 or IPv6 network")


def network_or_why(address, version, strict):
    found = network_of(address, version, strict) if isinstance(address, str) else None
    if found is not None:
        return found
    text = address.partition("/")[0] if isinstance(address, str) else ""
    if (v4_number(text) if version == 4 else scoped_number(text)[0]) >= 0:
        raise ipaddress.NetmaskValueError(f"{address!r} has no valid netmask")
    raise ipaddress.AddressValueError(f"{address!r} is no address of version {version}")


def ipv4_network(address, strict=True):
    return network_or_why(address, 4, strict)


def ipv6_network(address, strict=True):
    return network_or_why(address, 6, strict)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    ipaddress.ip_address: ip_address,
    ipaddress.ip_network: ip_network,
    ipaddress.IPv4Address: ipv4_address,
    ipaddress.IPv6Address: ipv6_address,
    ipaddress.IPv4Network: ipv4_network,
    ipaddress.IPv6Network: ipv6_network,
}


CLASSES: dict[Any, tuple[Any, int]] = {
    ipaddress.IPv4Address: (Address, 4),
    ipaddress.IPv6Address: (Address, 6),
    ipaddress.IPv4Network: (Network, 4),
    ipaddress.IPv6Network: (Network, 6),
}


def plain(value: Any) -> Any:
    """A module's address or network as one of these."""
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return Network(value.version, int(value.network_address), value.prefixlen)
    if type(value) in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        return Address(value.version, int(value), getattr(value, "scope_id", None))
    return value
