"""From a payment to its decision."""

import time
from pathlib import Path
from typing import Any

import lightgbm as lgb
import pandas as pd
from features import add_features
from rules import decide
from schemas import Decision, FeatureError, Payment
from windows import WindowStore

# A frame of one row cannot tell a number that is missing from a text that is missing.
DTYPES = {
    "latitude": "float64",
    "longitude": "float64",
    "card_payments_10m": "float64",
    "card_payments_24h": "float64",
    "card_payments_7d": "float64",
    "card_tiny_1h": "float64",
    "card_spend_24h": "float64",
    "card_usual": "float64",
    "card_largest_90d": "float64",
    "card_at_merchant_90d": "float64",
    "card_countries_7d": "float64",
    "card_devices_30d": "float64",
    "card_idle": "float64",
    "known_device": "float64",
    "known_country": "float64",
    "device_payments_1h": "float64",
    "device_cards_24h": "float64",
    "device_spend_24h": "float64",
    "ip_payments_1h": "float64",
    "network_payments_10m": "float64",
    "network_cards_24h": "float64",
    "merchant_usual": "float64",
    "merchant_payments_1h": "float64",
    "merchant_cards_1h": "float64",
    "merchant_tiny_1h": "float64",
    "card_last_country": "str",
    "device": "str",
    "ip": "str",
    "network": "str",
    "email": "str",
    "home": "str",
    "billing_postal": "str",
    "shipping_postal": "str",
}


class Detector:
    def __init__(self, model: Path) -> None:
        self.booster = lgb.Booster(model_file=str(model))
        self.inputs = self.booster.feature_name()
        self.windows = WindowStore()

    def score(self, payment: Payment) -> Decision:
        decision, _ = self.score_with_values(payment)
        return decision

    def score_with_values(self, payment: Payment) -> tuple[Decision, dict[str, Any]]:
        """The decision, and every field, window value and feature by name (None for a missing one)."""
        started = time.perf_counter()
        windows = self.windows.read_and_add(payment)
        frame = self.frame_of(payment, windows)
        frame, errors = add_features(frame)
        score = self.predict(self.model_inputs(frame))
        row = self.row_of(frame)
        outcome, reasons = decide(row, score)
        decision = Decision(
            id=payment.id,
            decision=outcome,
            score=score,
            reasons=reasons,
            errors=[FeatureError(function=name, error=type(error).__name__) for name, error in errors],
            took_us=round((time.perf_counter() - started) * 1_000_000),
        )
        return decision, row

    def frame_of(self, payment: Payment, windows: dict[str, Any]) -> pd.DataFrame:
        values = payment.model_dump()
        values.update(tiny=payment.tiny, network=payment.network, home=payment.home)
        values.update(windows)
        return pd.DataFrame([values]).astype(DTYPES)

    def model_inputs(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[self.inputs].astype("float64")

    def predict(self, inputs: pd.DataFrame) -> float:
        return float(self.booster.predict(inputs)[0])

    def row_of(self, frame: pd.DataFrame) -> dict[str, Any]:
        return {name: None if pd.isna(value) else value for name, value in frame.iloc[0].items()}
