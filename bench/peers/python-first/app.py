"""The service: POST /v1/score, GET /healthz. MODEL names the model's file."""

import os
from pathlib import Path

from detector import Detector
from fastapi import FastAPI
from schemas import Decision, Payment

app = FastAPI(title="Card payments")
detector = Detector(Path(os.environ["MODEL"]))


@app.post("/v1/score")
def score(payment: Payment) -> Decision:
    return detector.score(payment)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
