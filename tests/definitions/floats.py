"""Float arithmetic, rounding, text and math."""

# ruff: noqa: SIM300 - what people write is what is tested
import math
from datetime import datetime

from assay import event, feature

history = "empty"


@event(id="id", time="at")
class P:
    id: str
    at: datetime
    x: float
    y: float


@feature
def div(x: float, y: float) -> float:
    return x / y


@feature
def fdiv(x: float, y: float) -> float:
    return x // y


@feature
def mod(x: float, y: float) -> float:
    return x % y


@feature
def dmod(x: float, y: float) -> list[float]:
    return divmod(x, y)


@feature
def powf(x: float, y: float) -> float:
    return x**y


@feature
def powi(x: float) -> float:
    return x**2 + x**3


@feature
def powhalf(x: float) -> float:
    return abs(x) ** 0.5


@feature
def r0(x: float) -> int:
    return round(x)


@feature
def r1(x: float) -> float:
    return round(x, 1)


@feature
def r2(x: float) -> float:
    return round(x, 2)


@feature
def rneg(x: float) -> float:
    return round(x, -2)


@feature
def r20(x: float) -> float:
    return round(x, 20)


@feature
def rnone(x: float) -> float:
    return round(x, None)


@feature
def i(x: float) -> int:
    return int(x)


@feature
def fc(x: float) -> list[int]:
    return [math.floor(x), math.ceil(x), math.trunc(x)]


@feature
def text(x: float, y: float) -> str:
    return f"{x}|{y!r}|" + str(x + y) + repr(x * y)


@feature
def logs(x: float, y: float) -> float:
    return math.log(x) + math.log(y, 10) + math.log2(x) + math.log10(y)


@feature
def trig(x: float, y: float) -> float:
    return math.sin(x) + math.cos(y) * math.tan(x) + math.atan2(x, y)


@feature
def exps(x: float) -> float:
    return math.exp(x) - math.expm1(x)


@feature
def hyp(x: float, y: float) -> float:
    return math.hypot(x, y) + math.dist((x, y), (1.0, 2.0))


@feature
def misc(x: float, y: float) -> float:
    return math.copysign(x, y) + math.fmod(x, y) + math.fabs(y)


@feature
def checks(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=0.1) or math.isnan(x * 0) or math.isinf(x * y) or not math.isfinite(x - y)


@feature
def nanny(x: float) -> float:
    return max(x, float("nan")) + min(float("nan"), x)


@feature
def nanmax(x: float) -> float:
    return max(float("nan"), x)


@feature
def nan_eq(x: float) -> bool:
    nan = x * math.inf
    return nan == nan or nan in [nan] or nan != nan


@feature
def isint(x: float) -> bool:
    return x.is_integer() or x == int(x)


@feature
def fsum(x: float, y: float) -> float:
    return math.fsum([x, y, -x, 0.1]) + sum([x, y, 0.1, 0.2])


@feature
def chain(x: float, y: float) -> bool:
    return 0 <= x < y <= 1000 or x != y != 0


@feature
def truth(x: float) -> str:
    return "yes" if x else "no"


@feature
def neg(x: float) -> float:
    return -x + +x if x > 0 else -x


@feature
def intcmp(x: float) -> bool:
    return x == 9007199254740993 or x > 2**70 or 2**53 + 1 == x


@feature
def sq(x: float) -> float:
    return math.sqrt(x)


@feature
def parse(x: float) -> float:
    return float(str(x)) - x + float("  -1_0.5e1 ") + float("inf") * 0.0


@feature
def deg(x: float) -> float:
    return math.degrees(x) + math.radians(x) + math.tau + math.e + math.pi


@feature
def inf_int(x: float, y: float) -> int:
    return int(x * y * 1e300)
