"""Windows over three event classes, rules, and a decision that fails."""

from datetime import date, datetime
from typing import Annotated

from assay import Field, Secret, decision, event, feature, rule, window

history = "empty"
outcomes = ("pass", "ask", "call", "block")


@event(id="id", time="at", on_error="call")
class Tx:
    id: str
    at: datetime
    card: Annotated[str, Secret]
    acct: int
    amount: float
    cents: int
    country: str | None = None
    ok: bool = True
    born: date | None = None
    sent: Annotated[datetime | None, Field(unit="us")] = None


@event(id="key", time="when", scored=False, timezone="UTC")
class Login:
    key: int
    when: Annotated[datetime, Field(unit="ms")]
    card_no: Annotated[str, Secret]
    country: str | None
    ok: bool
    took: float | None = None
    tries: int = 0


@event(id="id", time="at", scored=False)
class Chargeback:
    id: str
    at: datetime
    acct: int
    amount: float


@feature
def bucket(acct: int, country: str | None) -> str:
    return f"{acct % 2}:{country}"


@feature
def ratio_in(cents: int) -> float:
    return 100 / (cents % 5)


@feature
def is_big(amount: float) -> bool:
    return amount > 99.99


@feature
def opt_int(cents: int) -> int | None:
    return cents % 11 if cents > 3 else None


def bad(login: Login) -> bool:
    return not login.ok and login.tries > 1


def slow(login: Login) -> float | None:
    return login.took * 2 if login.took is not None else None


def crash(login: Login) -> bool:
    return 10 % login.tries > 3


c_card = window.count(by="card", over="10m")
c_card2 = window.count(by="card", over="600s")
c_cur = window.count(by="card", over="600000ms", include_current=True)
c_acct_country = window.count(by=("acct", "country"), over="1d")
c_bucket = window.count(by=bucket, over="5h")
c_delay = window.count(by="acct", over="1h", delay="59999999us")
c_where = window.count(by="acct", over="2d", where=is_big, include_current=True)
c_where2 = window.count(by="acct", over="2w", where="ok")
c_day = window.count(by="born", over="400d")
c_sent = window.count(by="sent", over="10h")
c_float = window.count(by="amount", over="10h")
c_login = window.count(by={"card": "card_no"}, over="1d", on=Login)
c_bad = window.count(by={"card": "card_no"}, over="1d", on=Login, where=bad)
c_crash = window.count(by="country", over="1d", on=Login, where=crash)
s_slow = window.sum(slow, by={"card": "card_no"}, over="7d", on=Login)
s_tries = window.sum("tries", by="country", over="7d", on=Login, delay="1h")
m_took = window.mean("took", over="7d", on=Login)
s_cb = window.sum("amount", by="acct", over="30d", on=Chargeback)
known_amt = window.seen("amount", by="acct", over="30d", on=Chargeback)
s_amt = window.sum("amount", by="card", over="1d")
s_cents = window.sum("cents", by="card", over="1d", include_current=True)
s_ratio = window.sum(ratio_in, over="3h")
s_opt = window.sum("opt_int", by="acct", over="1d")
s_bool = window.sum("ok", by="acct", over="1d", where="is_big")
m_amt = window.mean("amount", by="acct", over="1d")
m_cents = window.mean("cents", by="acct", over="1d", delay="1h")
m_ok = window.mean("ok", over="1d")
k_cents = window.seen("cents", by="acct", over="1d")
k_amt = window.seen("amount", over="1d")
k_country = window.seen("country", by="card", over="1d", where="is_big")
k_cur = window.seen("country", by="card", over="1d", include_current=True)
k_card = window.seen("card", by="country", over="1d")
k_born = window.seen("born", by="acct", over="10d", delay="1m")


@feature
def rel(amount: float, m_amt: float | None, s_cents: int) -> float:
    return amount / m_amt if m_amt else float(s_cents)


@feature
def share(c_where: int, c_card: int) -> float:
    return c_where / c_card


@feature
def huge(s_cents: int) -> int:
    return s_cents * 4


@rule("ask")
def burst(c_cur: int, s_amt: float) -> bool:
    """Too many
    payments.

    Second paragraph."""
    return c_cur > 2 and s_amt > 100


@rule("block", on_missing="fire")
def ratio_rule(share: float) -> bool:
    return share > 0.9


@rule("call")
def unseen(k_country: bool, k_amt: bool = False) -> bool:
    """Not known."""
    return not k_country and k_amt


@decision
def decide(fired: list[str], rel: float | None, share: float | None, cents: int) -> str:
    if cents == 7:
        raise_it = [1][cents]
        return str(raise_it)
    if cents == 12:
        return "decline"
    if "burst" in fired or len(fired) >= 2:
        return "block"
    if fired and fired[0] == "ratio_rule":
        return "ask"
    if rel is None:
        return "call"
    return outcomes[min(int(rel) % 4, 3)] if share is not None else "pass"
