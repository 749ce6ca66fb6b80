"""Devices, user agents, IP addresses, sessions, URLs: what a backend engineer reads off a request."""

import base64
import functools
import hashlib
import ipaddress
import itertools
import re
from collections import Counter, OrderedDict, defaultdict, namedtuple
from datetime import datetime
from urllib.parse import parse_qs, urlparse

from assay import event, feature, rule, window

history = "empty"

BOTS = ["bot", "crawler", "spider", "headless", "curl", "python-requests", "okhttp", "wget"]
BROWSER_PATTERNS = [
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"(?:OPR|Opera)/(\d+)")),
    ("Firefox", re.compile(r"Firefox/(\d+)")),
    ("Chrome", re.compile(r"(?:Headless)?Chrome/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* .*Safari/")),
]
OS_PATTERNS = {
    "windows": r"Windows NT (\d+\.\d+)",
    "ios": r"(?:iPhone|iPad);.*? OS (\d+_\d+)",
    "android": r"Android (\d+(?:\.\d+)*)",
    "mac": r"Mac OS X (\d+[._]\d+)",
    "linux": r"(Linux)",
}
WINDOWS_NAMES = {"6.1": "7", "6.2": "8", "6.3": "8.1", "10.0": "10"}
PRIVATE_NETS = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
TOR_EXITS = {"203.0.113.77", "198.51.100.4"}
ASN_BY_PREFIX = {"8.8": "google", "10": "private", "203.0.113": "docs", "192.168": "private"}
UUID_RE = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
Screen = namedtuple("Screen", ["width", "height", "depth"], defaults=[24])
COMMON_SCREENS = {Screen(1920, 1080), Screen(1366, 768), Screen(390, 844, 32)}


@event(id="id", time="at")
class Request:
    id: str
    at: datetime
    user: str
    ip: str = ""
    ips: list[str]
    agent: str = ""
    accept_text: str = ""
    device: str | None = None
    devices: list[str]
    session: str = ""
    url: str = ""
    version: str = "0"
    screen_text: str = ""
    referrer_url: str | None = None
    count: int = 0


user_devices_7d = window.distinct("device", by="user", over="7d")
user_ips_1h = window.distinct("ip", by="user", over="1h")
ip_users_1d = window.distinct("user", by="ip", over="1d")
last_agent = window.last("agent", by="user", over="30d")


def browser(agent: str) -> tuple[str, int]:
    for name, pattern in BROWSER_PATTERNS:
        m = pattern.search(agent)
        if m:
            return name, int(m.group(1))
    return "unknown", 0


def ip_to_int(ip: str) -> int:
    """-1 for everything that is not a dotted quad."""
    parts = ip.split(".")
    if len(parts) != 4:
        return -1
    value = 0
    for part in parts:
        if not (part.isascii() and part.isdigit()) or int(part) > 255:
            return -1
        value = value << 8 | int(part)
    return value


def in_network(ip: str, cidr: str) -> bool:
    net, _, bits = cidr.partition("/")
    mask = 0xFFFFFFFF << (32 - int(bits)) & 0xFFFFFFFF
    number = ip_to_int(ip)
    return number >= 0 and number & mask == ip_to_int(net) & mask


def parse_version(text: str) -> tuple[int, ...]:
    head = re.split(r"[-+]", text.lstrip("v"))[0]
    return tuple(int(p) if p.isdigit() else 0 for p in head.split("."))


@functools.lru_cache(maxsize=None)
def agent_tokens(agent: str) -> tuple[str, ...]:
    return tuple(sorted(set(re.findall(r"[A-Za-z]+", agent.lower()))))


@feature
def is_bot(agent: str) -> bool:
    lowered = agent.lower()
    return any(bot in lowered for bot in BOTS) or len(agent) < 10


@feature
def browser_name(agent: str) -> str:
    return browser(agent)[0]


@feature
def browser_age(agent: str) -> int:
    name, major = browser(agent)
    newest = {"Chrome": 125, "Firefox": 126, "Safari": 17, "Edge": 125}.get(name)
    return max(0, newest - major) if newest else -1


@feature
def os_family(agent: str) -> str:
    for family, pattern in OS_PATTERNS.items():
        if re.search(r"Windows NT", agent) and family != "windows":
            continue
        if family == "windows" and "Windows" in agent:
            return family
        if family != "windows" and family in agent.lower():
            return family
    return "other"


@feature
def os_version(agent: str) -> str:
    if m := re.search(r"Windows NT (\d+\.\d+)", agent):
        return "Windows " + WINDOWS_NAMES.get(m[1], m[1])
    if m := re.search(r"CPU (?:iPhone )?OS ([\d_]+)", agent):
        return "iOS " + m[1].replace("_", ".")
    if m := re.search(r"Android ([\d.]+)", agent):
        return f"Android {m.group(1)}"
    return "?"


@feature
def is_mobile(agent: str) -> bool:
    return re.search(r"mobi|android|iphone|ipad", agent, flags=re.IGNORECASE) is not None


@feature
def agent_comment(agent: str) -> list[str]:
    m = re.search(r"\(([^)]*)\)", agent)
    return [part.strip() for part in m.group(1).split(";")] if m else []


@feature
def agent_products(agent: str) -> int:
    return len(re.findall(r"\S+/\d[\d.]*", agent))


@feature
def agent_changed(agent: str, last_agent: str | None) -> bool:
    if last_agent is None:
        return False
    return browser(agent)[0] != browser(last_agent)[0]


@feature
def agent_upgrade(agent: str, last_agent: str | None) -> int:
    """+1 newer, -1 older, 0 the same or not comparable. Real browsers do not go back."""
    (name, now), (old_name, before) = browser(agent), browser(last_agent or "")
    if name != old_name:
        return 0
    return (now > before) - (now < before)


@feature
def agent_jaccard(agent: str, last_agent: str | None) -> float:
    a, b = set(agent_tokens(agent)), set(agent_tokens(last_agent or ""))
    return len(a & b) / len(a | b) if a | b else 1.0


@feature
def ip_number(ip: str) -> int:
    return ip_to_int(ip)


@feature
def ip_is_private(ip: str) -> bool:
    return any(in_network(ip, net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


@feature
def ip_is_private_stdlib(ip: str) -> bool | None:
    try:
        return ipaddress.ip_address(ip).is_private
    except ValueError:
        return None


@feature
def ip_family(ip: str) -> int:
    try:
        return ipaddress.ip_address(ip.strip()).version
    except ValueError:
        return 0


@feature
def ip_in_known_net(ip: str) -> int:
    try:
        addr = ipaddress.ip_address(ip)
    except ValueError:
        return -1
    for i, net in enumerate(PRIVATE_NETS):
        if addr in net:
            return i
    return -1


@feature
def ip_subnet_24(ip: str) -> str:
    return ".".join(ip.split(".")[:3]) + ".0/24"


@feature
def ip_owner(ip: str) -> str:
    octets = ip.split(".")
    for n in range(len(octets), 0, -1):
        owner = ASN_BY_PREFIX.get(".".join(octets[:n]))
        if owner:
            return owner
    return "unknown"


@feature
def ip_is_tor(ip: str, ips: list[str]) -> bool:
    return ip in TOR_EXITS or not TOR_EXITS.isdisjoint(ips)


@feature
def ip_well_formed(ip: str) -> bool:
    return bool(re.fullmatch(r"((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}", ip))


@feature
def ips_same_subnet(ip: str, ips: list[str]) -> float:
    if not ips:
        return 1.0
    own = ip.rsplit(".", 1)[0]
    return sum(other.rsplit(".", 1)[0] == own for other in ips) / len(ips)


@feature
def ips_first_public(ips: list[str]) -> str | None:
    """The left-most address of X-Forwarded-For that is not ours."""
    for candidate in ips:
        if not re.match(r"(10|127)\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.", candidate):
            return candidate
    return None


@feature
def ips_by_octet(ips: list[str]) -> list[str]:
    groups = defaultdict(list)
    for each in ips:
        groups[each.partition(".")[0]].append(each)
    return [f"{octet}:{len(members)}" for octet, members in sorted(groups.items())]


@feature
def ips_groups(ips: list[str]) -> int:
    ordered = sorted(ips, key=ip_to_int)
    return sum(1 for _, _ in itertools.groupby(ordered, key=lambda x: ip_to_int(x) >> 16))


@feature
def device_kind(device: str | None) -> str:
    if device is None:
        return "none"
    if UUID_RE.fullmatch(device):
        return "uuid"
    if re.fullmatch("[0-9a-f]{32}", device):
        return "md5"
    if device.isdigit():
        return "imei" if len(device) == 15 else "number"
    return "other"


@feature
def device_hash_bucket(device: str | None) -> int:
    if not device:
        return -1
    return int.from_bytes(hashlib.sha1(device.encode()).digest()[:2], "big") % 100


@feature
def devices_new(device: str | None, devices: list[str]) -> bool:
    return device is not None and device not in devices


@feature
def devices_most_common(devices: list[str]) -> str:
    if not devices:
        return ""
    (name, n), *_ = Counter(devices).most_common()
    return f"{name} x{n}"


@feature
def devices_unique_in_order(devices: list[str]) -> list[str]:
    return list(OrderedDict.fromkeys(d.strip().lower() for d in devices))


@feature
def session_entropy_guess(session: str) -> int:
    return len(set(session)) * len(session) // 16


@feature
def session_hex(session: str) -> int:
    try:
        return int(session[:8], 16)
    except ValueError:
        return -1


@feature
def session_b64(session: str) -> str:
    return base64.b64encode(session.encode()).decode().rstrip("=")


@feature
def session_nibbles(session: str) -> float:
    ones = sum(bin(int(c, 16)).count("1") for c in session if c in "0123456789abcdef")
    return ones / (4 * len(session) or 1)


@feature
def url_host(url: str) -> str:
    return urlparse(url).netloc.lower()


@feature
def url_host_by_hand(url: str) -> str:
    rest = url.split("://", 1)[-1]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return host.rpartition("@")[2].partition(":")[0].lower()


@feature
def url_has_credentials(url: str) -> bool:
    return re.match(r"^[a-z]+://[^/@\s]+:[^/@\s]*@", url) is not None


@feature
def url_depth(url: str) -> int:
    path = url.split("?")[0].split("#")[0]
    return len([p for p in path.split("/")[3:] if p])


@feature
def url_params(url: str) -> int:
    return len(parse_qs(urlparse(url).query))


@feature
def url_params_by_hand(url: str) -> list[str]:
    if "?" not in url:
        return []
    query = url.partition("?")[2].partition("#")[0]
    return sorted({pair.split("=", 1)[0] for pair in query.split("&") if pair})


@feature
def url_campaign(url: str) -> str | None:
    params = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("#")[0].split("&") if "=" in pair)
    return params.get("utm_source") or params.get("ref")


@feature
def url_same_site(url: str, referrer_url: str | None) -> bool | None:
    if not referrer_url:
        return None

    def site(u):
        host = u.split("//")[-1].split("/")[0].split("@")[-1].split(":")[0]
        return ".".join(host.split(".")[-2:])

    return site(url) == site(referrer_url)


@feature
def version_tuple(version: str) -> list[int]:
    return list(parse_version(version))


@feature
def version_outdated(version: str) -> bool:
    return parse_version(version) < (1, 2, 3)


@feature
def version_major(version: str) -> int:
    major, *_ = parse_version(version)
    return major


@feature
def version_sort_key(version: str) -> str:
    return ".".join(f"{part:>05}" for part in version.split("."))


@feature
def screen_area(screen_text: str) -> int:
    try:
        width, height = map(int, screen_text.lower().split("x"))
    except ValueError:
        return 0
    return width * height


@feature
def screen_common(screen_text: str) -> bool:
    numbers = [int(n) for n in re.findall(r"\d+", screen_text)[:3]]
    if len(numbers) < 2:
        return False
    return Screen(*numbers) in COMMON_SCREENS


@feature
def language_preferred(accept_text: str) -> str:
    """en-US,en;q=0.9,de;q=0.8"""
    best, best_q = "", 0.0
    for part in accept_text.split(","):
        tag, _, q = part.strip().partition(";q=")
        try:
            weight = float(q) if q else 1.0
        except ValueError:
            weight = 0.0
        if weight > best_q:
            best, best_q = tag, weight
    return best


@feature
def sharing(user_devices_7d: int, user_ips_1h: int, ip_users_1d: int) -> float:
    return round((user_devices_7d + 1) * (user_ips_1h + 1) / (ip_users_1d + 1), 3)


@rule("review")
def scripted(agent: str, ip_users_1d: int) -> bool:
    """A script, or an address that many users share."""
    return ip_users_1d >= 3 or bool(re.search(r"(?i)curl|python|headless", agent))
