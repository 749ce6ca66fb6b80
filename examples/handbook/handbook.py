"""The features of the Fraud Detection Handbook, named as its authors named them: 12 windows and 2 flags.

A transaction's label is known 7 days after it, and comes as an event of its own. So nothing here reads what a server
would not have at that moment, and the same file serves, backfills and replays.
"""

from datetime import datetime

from assay import event, feature, rule, window

history = "empty"  # nothing was before the first transaction of the data set


@event(id="TRANSACTION_ID", time="TX_DATETIME", timezone="UTC")
class Transaction:
    TRANSACTION_ID: int
    TX_DATETIME: datetime
    CUSTOMER_ID: int
    TERMINAL_ID: int
    TX_AMOUNT: float


@event(id="TRANSACTION_ID", time="KNOWN_AT", timezone="UTC", scored=False)
class Label:
    """What a transaction turned out to be. KNOWN_AT is 7 days after it."""

    TRANSACTION_ID: int
    KNOWN_AT: datetime
    TERMINAL_ID: int
    TX_FRAUD: int


# The customer's transactions in the N days that end with this one, itself included.
CUSTOMER_ID_NB_TX_1DAY_WINDOW = window.count(by="CUSTOMER_ID", over="1d", include_current=True)
CUSTOMER_ID_NB_TX_7DAY_WINDOW = window.count(by="CUSTOMER_ID", over="7d", include_current=True)
CUSTOMER_ID_NB_TX_30DAY_WINDOW = window.count(by="CUSTOMER_ID", over="30d", include_current=True)
CUSTOMER_ID_AVG_AMOUNT_1DAY_WINDOW = window.mean("TX_AMOUNT", by="CUSTOMER_ID", over="1d", include_current=True)
CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW = window.mean("TX_AMOUNT", by="CUSTOMER_ID", over="7d", include_current=True)
CUSTOMER_ID_AVG_AMOUNT_30DAY_WINDOW = window.mean("TX_AMOUNT", by="CUSTOMER_ID", over="30d", include_current=True)

# The terminal's transactions in the N days that ended 7 days ago: those whose labels came in the last N days.
TERMINAL_ID_NB_TX_1DAY_WINDOW = window.count(by="TERMINAL_ID", over="1d", delay="7d")
TERMINAL_ID_NB_TX_7DAY_WINDOW = window.count(by="TERMINAL_ID", over="7d", delay="7d")
TERMINAL_ID_NB_TX_30DAY_WINDOW = window.count(by="TERMINAL_ID", over="30d", delay="7d")
known_fraud_share_1d = window.mean("TX_FRAUD", by="TERMINAL_ID", over="1d", on=Label)
known_fraud_share_7d = window.mean("TX_FRAUD", by="TERMINAL_ID", over="7d", on=Label)
known_fraud_share_30d = window.mean("TX_FRAUD", by="TERMINAL_ID", over="30d", on=Label)


@feature
def TERMINAL_ID_RISK_1DAY_WINDOW(known_fraud_share_1d: float | None) -> float:
    return known_fraud_share_1d or 0.0


@feature
def TERMINAL_ID_RISK_7DAY_WINDOW(known_fraud_share_7d: float | None) -> float:
    return known_fraud_share_7d or 0.0


@feature
def TERMINAL_ID_RISK_30DAY_WINDOW(known_fraud_share_30d: float | None) -> float:
    return known_fraud_share_30d or 0.0


@feature
def TX_DURING_WEEKEND(TX_DATETIME: datetime) -> int:
    return int(TX_DATETIME.weekday() >= 5)


@feature
def TX_DURING_NIGHT(TX_DATETIME: datetime) -> int:
    return int(TX_DATETIME.hour <= 6)


@rule("review")
def large_amount(TX_AMOUNT: float) -> bool:
    """An amount above 220."""
    return TX_AMOUNT > 220


@rule("review")
def terminal_with_frauds(TERMINAL_ID_RISK_7DAY_WINDOW: float, TERMINAL_ID_NB_TX_7DAY_WINDOW: int) -> bool:
    """At least half of what this terminal took in the week before last was fraud."""
    return TERMINAL_ID_NB_TX_7DAY_WINDOW >= 3 and TERMINAL_ID_RISK_7DAY_WINDOW >= 0.5
