"""Nested objects, aliases, Literal and Enums."""

from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Literal

from assay import Field, event, feature, window

history = "empty"


class Level(IntEnum):
    LOW = 1
    HIGH = 9


class Kind(StrEnum):
    A = "a"
    B = "b"


class Plain(Enum):
    X = "x"
    Y = "y"


class Geo:
    lat: float
    lon: float = 0.0


class Merchant:
    name: str
    mcc: int | None = None
    geo: Geo | None = None
    level: Level = Level.LOW


@event(id="id", time="at", extra="forbid")
class P:
    id: str
    at: datetime
    merchant: Merchant
    shop: Merchant | None = None
    kind: Kind = Kind.A
    plain: Plain | None = None
    code: Literal[1, 2, 3] = 1
    word: Literal["on", "off"] | None = None
    city: Annotated[str | None, Field(alias="addr.city")] = None
    zip_code: Annotated[str, Field(alias="addr.zip")] = "00000"
    deep: Annotated[int, Field(alias="x.y.z")] = 5
    renamed: Annotated[str, Field(alias="re-named")] = "?"


by_name = window.count(by="merchant.name", over="3h")
by_geo = window.count(by=("merchant.mcc", "kind"), over="1d")
sum_lat = window.sum("merchant.geo.lat", by="merchant.name", over="2d")
seen_kind = window.seen("kind", by="merchant.name", over="1d")
seen_plain = window.seen("plain", by="code", over="1d", include_current=True)
by_level = window.count(by="merchant.level", over="1d")


@feature
def name(merchant: Merchant) -> str:
    return merchant.name + str(merchant.mcc)


@feature
def lat(merchant: Merchant) -> float | None:
    return merchant.geo.lat if merchant.geo else None


@feature
def lat_bad(merchant: Merchant) -> float:
    return merchant.geo.lat


@feature
def shop_name(shop: Merchant | None) -> str:
    return shop.name if shop is not None else "no shop"


@feature
def shop_req(shop: Merchant) -> str:
    return shop.name


@feature
def whole(p: P) -> str:
    if p.shop and p.shop.geo:
        return f"{p.shop.geo.lat},{p.shop.geo.lon}"
    return p.merchant.name


@feature
def level_num(merchant: Merchant) -> int:
    return merchant.level + 1


@feature
def level_cmp(merchant: Merchant) -> bool:
    return merchant.level >= Level.HIGH or merchant.level == 1


@feature
def kind_text(kind: Kind) -> str:
    return f"{kind}" + kind.upper() + kind.value


@feature
def kind_ret(kind: Kind) -> str:
    return kind


@feature
def plain_is(plain: Plain | None) -> bool:
    return plain is Plain.X or plain == Plain.Y


@feature
def plain_in(plain: Plain) -> bool:
    return plain in (Plain.X, Plain.Y)


@feature
def code2(code: int, word: str | None) -> int:
    return code * 2 + (word == "on")


@feature
def where_(city: str | None, zip_code: str, deep: int, renamed: str) -> str:
    return f"{city}/{zip_code}/{deep}/{renamed}"


WEIGHT = {Kind.A: 0.5, Kind.B: 2.0}


@feature
def weight(kind: Kind) -> float:
    return WEIGHT[kind] + WEIGHT.get(kind, 0)


RANK = {Level.LOW: "low", Level.HIGH: "high"}


@feature
def rank(merchant: Merchant) -> str:
    return RANK[merchant.level]
