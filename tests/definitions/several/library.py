import deep as deep

WORDS = {"gift", "card", "a"}
FACTOR = 1.5


class Weights:
    main = 0.25


def clean(s: str) -> str:
    return s.strip().lower()


def scale(x: float, *, factor: float = 1.0, offset=0) -> float:
    return deep.clamp(x * factor + offset, 0, 1_000)
