"""Functions that get the whole event; methods and properties of classes."""

from datetime import datetime

from assay import Field, event, feature

history = "empty"


class Addr:
    city: str
    country: str = "??"

    def label(self) -> str:
        return f"{self.city}, {self.country}"

    @property
    def foreign(self) -> bool:
        return self.country != HOME


HOME = "DE"


@event(id="id", time="at")
class Tx:
    id: str
    at: datetime
    amount: float
    ship: Addr | None = None
    bill: Addr | None = None
    tags: list[str] = Field(default_factory=list)

    @property
    def large(self) -> bool:
        return self.amount > 100

    def bin(self, n: int = 3) -> str:
        return self.id[:n]


@feature
def same_city(tx: Tx) -> bool:
    return tx.ship is not None and tx.bill is not None and tx.ship.city == tx.bill.city


@feature
def label(ship: Addr) -> str:
    return ship.label()


@feature
def foreign(tx: Tx) -> bool | None:
    return tx.ship.foreign if tx.ship else None


@feature
def big(tx: Tx) -> bool:
    return tx.large


@feature
def bin2(tx: Tx) -> str:
    return tx.bin() + tx.bin(n=1)


@feature
def ntags(tx: Tx) -> int:
    return len([t for t in tx.tags if t not in ("", "a")])


def helper(tx: Tx, k: int) -> float:
    if tx.ship is None:
        return tx.amount * k
    return float(len(tx.ship.city))


@feature
def helped(tx: Tx) -> float:
    return helper(tx, 2) + helper(k=3, tx=tx)


@feature
def nested_err(bill: Addr | None) -> str:
    return bill.city
