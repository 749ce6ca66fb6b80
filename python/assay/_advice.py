"""What to tell people about Python that the engine does not run: what it is called, why it matters, the way to write
it instead. One table, so that every message of a kind reads alike; `check --json`, SARIF and the editors use it too.

A refusal comes as a syntax node with the compiler's words. `origin` finds what the node names ("numpy.log",
".iterrows", whatever it was imported as), `problem` joins the words with the table's knowledge. Advice never makes
anything legal or illegal: the compiler alone decides that.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ._definition import MISSING, Place, Problem
from ._syntax import construct as expression_name


@dataclass(frozen=True)
class Rule:
    """A kind of problem: what `check --json` calls `code` and SARIF a rule."""

    title: str
    text: str


RULES: dict[str, Rule] = {
    "definition": Rule("The definition is not right", "A name, type or argument of the definition is not as expected."),
    "syntax": Rule("Not valid Python", "The file cannot be parsed."),
    "module-raised": Rule("The module raised while it ran", "A definition's module runs once, at build time."),
    "name": Rule("An unknown name", "The name stands for nothing here."),
    "type": Rule("Types that do not fit", "An annotation and what is read or returned cannot agree."),
    "clock": Rule("Reads the clock", "A replay would read another time and decide otherwise. `arrival` is a value."),
    "random": Rule(
        "Not deterministic", "The same payment must always give the same value, or nothing can be replayed."
    ),
    "io": Rule("Leaves the process", "Files, networks and databases make a payment wait, and a replay differ."),
    "output": Rule("Writes output", "A function gives its result and nothing else; it runs again in every replay."),
    "state": Rule(
        "Keeps state", "State in Python is lost at a restart, differs between processes, cannot be replayed."
    ),
    "identity": Rule("Depends on the process", "hash() of a string and id() differ from one process to the next."),
    "order": Rule("Depends on a set's order", "Python randomizes the order of strings in a set, per process."),
    "not-native": Rule("Out of the engine's reach", "Pure Python that the engine does not run."),
    "may-be-none": Rule("May be None", "The operation raises if the value is None; the feature is missing then."),
    "may-raise": Rule("May raise", "An exception here leaves the feature missing; it never fails a payment."),
    "not-evaluated": Rule("A rule lacked an input", "On the sample, a rule was not evaluated."),
    "raised": Rule("Raised on the sample", "A function raised while the sample was scored."),
    "masked-key": Rule("A key is masked", "Card numbers in a window's key are masked, so keys can collide."),
    "parity": Rule("Engine and Python differ", "A value of the engine is not the bits that Python computes."),
    "budget": Rule("Over the budget", "A payment takes longer than --budget."),
}


@dataclass(frozen=True)
class Advice:
    names: str  # dotted names and methods (".iterrows"), separated by spaces; "random.*": all of a module
    code: str
    why: str = ""
    help: str = ""
    wins: bool = False  # over the compiler's own help


CLOCK = "the parameter `arrival: datetime` is when the event came"
REPLAY = "the same payment must always give the same value, or a replay decides otherwise"
OUTSIDE = "read it at module level into a dict or set, or send it with the payment as a field"
WAITS = "a payment would wait for another machine, and a replay would get another answer"
WINDOWS = 'windows remember: window.count(by="card", over="24h")'
FORGETS = "what Python keeps between payments is lost at a restart, differs between processes and cannot be replayed"
RECORD = "one payment is no frame: at module level make a dict, `RATES = frame.set_index(key)[column].to_dict()`"
MODEL = 'declare it at module level, `risk = model("risk.txt")`, and take its output as a parameter'
NAMES_ALIKE = "assay.fn.jaro_winkler(a, b)"

TABLE: tuple[Advice, ...] = (
    Advice(
        "datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today",
        "clock",
        REPLAY,
        CLOCK,
    ),
    Advice(
        "time.time time.time_ns time.monotonic time.perf_counter time.localtime time.gmtime time.ctime",
        "clock",
        REPLAY,
        CLOCK,
    ),
    Advice("time.sleep", "clock", "a payment would wait", "leave it out"),
    Advice("time.*", "clock", REPLAY, CLOCK),
    Advice(
        "random.* secrets.* uuid.* numpy.random.* os.urandom",
        "random",
        "",
        "a share of payments, always the same: int(hashlib.sha256(card.encode()).hexdigest(), 16) % 100",
    ),
    Advice(
        "requests.* httpx.* aiohttp.* urllib.request.* http.client.* socket.* ssl.* redis.* boto3.* grpc.* "
        "ftplib.* smtplib.*",
        "io",
        WAITS,
        OUTSIDE,
    ),
    Advice(
        "sqlite3.* psycopg.* psycopg2.* sqlalchemy.* pymongo.* pymysql.* duckdb.* .execute .executemany .cursor "
        ".fetchone .fetchall .commit",
        "io",
        WAITS,
        OUTSIDE,
    ),
    Advice(
        "open io.* pathlib.* os.* shutil.* tempfile.* glob.* subprocess.* input",
        "io",
        "files change, and are not there where the engine serves",
        "read the file at module level; what it gives can be used here",
    ),
    Advice(
        "print logging.* warnings.* sys.stdout.* sys.stderr.* pprint.* structlog.* loguru.*",
        "output",
        "the journal has every input and result already: `assay explain ID` shows them",
        "leave it out; a test of the function may print",
    ),
    Advice(
        "threading.* multiprocessing.* asyncio.* concurrent.* signal.*",
        "state",
        "a function runs by itself, for one payment",
        "write it as plain, sequential code",
    ),
    Advice("hash id", "identity", "", "compare the values themselves"),
    Advice("globals locals vars setattr delattr sys.*", "state", FORGETS, "a local name, or a parameter"),
    Advice(
        "eval exec compile __import__ importlib.*",
        "not-native",
        "the code is compiled before it runs",
        "write the expression itself",
    ),
    Advice(
        "torch.* tensorflow.* keras.* sklearn.* lightgbm.* xgboost.* catboost.* onnxruntime.* joblib.* pickle.*",
        "not-native",
        "models run in the engine, not in functions",
        MODEL,
    ),
    Advice(
        "pandas.cut pandas.qcut", "not-native", "", 'LABELS[bisect.bisect_left(EDGES, x)], LABELS = ["low", "high"]'
    ),
    Advice(
        "pandas.* polars.* .iterrows .itertuples .iloc .loc .iat .groupby .merge .to_dict .set_index .query .apply "
        ".fillna .rolling .values.tolist",
        "not-native",
        "",
        RECORD,
    ),
    Advice("difflib.* jellyfish.* rapidfuzz.* thefuzz.* fuzzywuzzy.*", "not-native", "", NAMES_ALIKE),
    Advice("Levenshtein.* textdistance.* editdistance.*", "not-native", "", "assay.fn.levenshtein(a, b)"),
    Advice("geopy.* haversine.* geographiclib.*", "not-native", "", "assay.fn.haversine_km(lat1, lon1, lat2, lon2)"),
    Advice("pygeohash.* geohash.* geohash2.*", "not-native", "", "assay.fn.geohash(lat, lon)"),
    Advice(
        "decimal.* fractions.*",
        "not-native",
        "amounts are floats, or integers of the smallest unit",
        "integer minor units (cents), or round(x, 2)",
    ),
    Advice(
        "json.* simplejson.* orjson.* ujson.*",
        "not-native",
        "the event's JSON is parsed already",
        "declare what is inside: a nested class, or a list field",
    ),
    Advice(
        "unicodedata.name unicodedata.lookup",
        "not-native",
        "",
        "the range of the character: '\\u0400' <= c <= '\\u04ff'",
    ),
    Advice("textwrap.*", "not-native", "", "a loop over text.split() that begins a new line where a word does not fit"),
    Advice("collections.ChainMap", "not-native", "", "{**defaults, **own}: what comes later wins"),
    Advice("copy.*", "not-native", "", "the value itself: nothing here changes it"),
    Advice("statistics.mean statistics.fmean", "not-native", "", "sum(xs) / len(xs)"),
    Advice("statistics.*", "not-native", "", "write the formula: sum, sorted, len and math are there"),
    Advice("itertools.*", "not-native", "", "a comprehension with several `for`"),
    Advice("functools.lru_cache functools.cache functools.cached_property", "state", FORGETS, "leave it out"),
    Advice("functools.reduce", "not-native", "", "a loop: `for x in xs: total = ...`"),
    Advice("regex.*", "not-native", "", "the module re: search, match, fullmatch, findall, finditer, split, sub"),
    Advice(
        "phonenumbers.* email_validator.* validators.* tldextract.*",
        "not-native",
        "",
        'str methods: email.partition("@"), startswith, isdigit; or a dict at module level',
    ),
    Advice("pytz.* dateutil.* pendulum.* arrow.*", "not-native", "", "datetime and timedelta; times here are UTC"),
    Advice("typing.cast", "not-native", "", "write the value itself"),
    Advice(
        "type isinstance issubclass callable hasattr getattr",
        "not-native",
        "",
        "the annotation says what a parameter is; `is None` tells whether it is there",
    ),
)


def words(text: str) -> list[str]:
    return text.split()


# numpy's functions of one number, and what says the same of Python's.
NUMPY = {
    **{
        name: f"math.{name}(x)"
        for name in words("exp expm1 sin cos tan sinh cosh tanh floor ceil trunc radians degrees")
    },
    **{name: f"math.{name}(x), which raises for 0 where numpy gives -inf" for name in words("log log2 log10 log1p")},
    **{name: f"math.{name}(x)" for name in words("isnan isinf isfinite")},
    **{"arcsin": "math.asin(x)", "arccos": "math.acos(x)", "arctan": "math.atan(x)", "arctan2": "math.atan2(y, x)"},
    **{"sqrt": "math.sqrt(x), which raises below 0 where numpy gives nan", "cbrt": "math.cbrt(x)"},
    **{"hypot": "math.hypot(x, y)", "abs": "abs(x)", "absolute": "abs(x)", "fabs": "abs(x)", "power": "x ** y"},
    **{"maximum": "max(a, b)", "minimum": "min(a, b)", "fmax": "max(a, b)", "fmin": "min(a, b)"},
    **{"clip": "min(max(x, low), high)", "where": "a if condition else b", "sign": "(x > 0) - (x < 0)"},
    **{"sum": "sum(xs)", "nansum": "sum(x for x in xs if x is not None)", "prod": "math.prod(xs)"},
    **{"max": "max(xs)", "amax": "max(xs)", "min": "min(xs)", "amin": "min(xs)", "any": "any(xs)", "all": "all(xs)"},
    **{"mean": "sum(xs) / len(xs)", "average": "sum(xs) / len(xs)", "median": "sorted(xs)[len(xs) // 2]"},
    **{"std": "math.sqrt(sum((x - mean) ** 2 for x in xs) / len(xs))", "sort": "sorted(xs)", "round": "round(x, 2)"},
    **{"dot": "sum(a * b for a, b in zip(xs, ys))", "array": "a list: [a, b]", "asarray": "a list: [a, b]"},
    **{"zeros": "[0.0] * n", "ones": "[1.0] * n", "arange": "range(n)", "unique": "sorted(set(xs))", "nan": "math.nan"},
    **{"float64": "float(x)", "int64": "int(x)", "bool_": "bool(x)", "count_nonzero": "sum(1 for x in xs if x)"},
}

STATEMENTS: dict[type[ast.AST], tuple[str, str, str]] = {  # what it is called, code, why
    ast.While: ("while", "not-native", ""),
    ast.Try: ("try", "not-native", ""),
    ast.Raise: ("raise", "not-native", ""),
    ast.With: ("with", "not-native", ""),
    ast.Import: ("import", "not-native", "a function's imports would run again for every payment"),
    ast.ImportFrom: ("import", "not-native", "a function's imports would run again for every payment"),
    ast.Global: ("global", "state", FORGETS),
    ast.Nonlocal: ("nonlocal", "not-native", ""),
    ast.Delete: ("del", "not-native", ""),
    ast.FunctionDef: ("def", "not-native", ""),
    ast.AsyncFunctionDef: ("async def", "not-native", "a payment's functions never wait"),
    ast.ClassDef: ("class", "not-native", ""),
    ast.Match: ("match", "not-native", ""),
    ast.Await: ("await", "not-native", "a payment's functions never wait"),
    ast.Yield: ("yield", "not-native", ""),
    ast.Assign: ("assignment", "not-native", ""),
    ast.AugAssign: ("assignment", "not-native", ""),
    ast.AnnAssign: ("assignment", "not-native", ""),
}

# The compiler's words, where they alone tell the kind of problem.
WORDS = (
    ("randomize", "order"),
    ("is not defined", "name"),
    ("does not exist", "name"),
    ("has no field", "name"),
    ("has no method", "name"),
    ("not assigned", "name"),
    ("may be None here", "may-be-none"),
    ("is annotated", "type"),
    ("returns `", "type"),
    ("not available", "not-native"),
    ("cannot be used", "not-native"),
)
CHANGES = frozenset(words("append extend insert pop remove clear sort reverse update add discard setdefault popitem"))


def construct_of(node: ast.AST) -> str:
    """What a piece of syntax is called, for people: "while", "datetime.now()"."""
    known = STATEMENTS.get(type(node))
    if known is not None:
        return known[0]
    if isinstance(node, ast.Call):
        return _short(ast.unparse(node.func)) + "()"
    if isinstance(node, ast.Attribute | ast.Name | ast.Subscript):
        return _short(ast.unparse(node))
    return expression_name(node)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


# --- what a node names ----------------------------------------------------------------------------------------------


def origin(node: ast.AST, resolve: Callable[[str], Any]) -> str:
    """The full name of what a node calls or reads: "numpy.log", "print"; ".iterrows" of a value; "global.add" of an
    object that the module keeps. "" if it names nothing. `resolve`: a name's Python object, or MISSING."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return origin(node.targets[0], resolve)
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return origin(node.target, resolve)
    called = isinstance(node, ast.Call)
    target: ast.AST = node.func if isinstance(node, ast.Call) else node
    path: list[str] = []
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(target, ast.Attribute):
            path.insert(0, target.attr)
            target = target.value
        else:
            target = target.value if isinstance(target, ast.Subscript) else target.func
            path = [] if isinstance(node, ast.Subscript) else path
    if not isinstance(target, ast.Name):
        return f".{path[-1]}" if path else ""
    try:
        found = resolve(target.id)
    except Exception:  # whatever a module's own __getattr__ does
        found = MISSING
    if found is MISSING:
        return f".{path[-1]}" if path and called else ""
    if isinstance(found, types.ModuleType):
        return ".".join([found.__name__, *path])
    changed = isinstance(getattr(node, "ctx", None), ast.Store) or (called and path and path[-1] in CHANGES)
    if isinstance(found, list | dict | set) and changed:
        return "global" + "".join(f".{each}" for each in path)
    return ".".join([_name_of(found), *path])


def receivers(node: ast.AST) -> set[ast.AST]:
    """What a call, an attribute or an item is asked of: of `a.b(c).d`, `a.b(c)` and `a.b` and `a`."""
    found: set[ast.AST] = set()
    while True:
        node = getattr(node, "func", None) or getattr(node, "value", None) or node
        if not isinstance(node, ast.AST) or node in found or not isinstance(node, ast.expr):
            return found
        found.add(node)


def _name_of(found: Any) -> str:
    """A function's, class's or object's own name, with the module it is known by."""
    owner = getattr(found, "__self__", None)  # random.random is a method of a hidden object
    if owner is not None and not isinstance(owner, types.ModuleType):
        last = getattr(found, "__name__", "")
        if isinstance(owner, type):
            return f"{owner.__module__}.{owner.__qualname__}.{last}"
        return f"{type(owner).__module__}.{last}"
    if not isinstance(found, type | types.FunctionType | types.BuiltinFunctionType):
        kind = type(found)
        name = getattr(found, "__name__", None) or kind.__qualname__
        return f"{kind.__module__}.{name}"
    module = {"builtins": "", "_io": "io"}.get(found.__module__ or "", found.__module__ or "")
    if found is open:
        module = ""
    return f"{module}.{found.__qualname__}" if module else found.__qualname__


# --- the table ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _index() -> dict[str, Advice]:
    return {name: advice for advice in TABLE for name in advice.names.split()}


def advice_of(name: str, native: Callable[[str], bool] = lambda name: True) -> Advice | None:
    """What is known of a full name: of itself, else of the nearest module around it. `native`: whether the engine has
    a built-in; advice that leads to one that is not there is not given."""
    if not name:
        return None
    if name == "global" or name.startswith("global."):
        return Advice(name, "state", FORGETS, WINDOWS, wins=True)
    index = _index()
    if name.startswith("numpy.") and not name.startswith("numpy.random."):
        last = name.split(".")[1]
        known = NUMPY.get(last)
        return Advice(name, "not-native", "", known or "plain Python: float, list, math")
    found = index.get(name)
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        if found is None and not name.startswith("."):
            found = index.get(".".join(parts[:cut]) + ".*")
    if found is None and len(parts) > 1:
        found = index.get(f".{parts[-1]}")
    if found is not None and found.help.startswith("assay.fn.") and not native(found.help.partition("(")[0]):
        return Advice(found.names, found.code, found.why, "str methods and arithmetic, or a dict at module level")
    return found


def problem(
    place: Place,
    node: ast.AST,
    message: str,
    help: str,
    name: str,
    native: Callable[[str], bool] = lambda name: True,
) -> Problem:
    """The compiler's refusal of a node, with what the table knows of `name`, its origin."""
    construct = construct_of(node)
    code = next((code for words, code in WORDS if words in message), "definition")
    why = ""
    known = STATEMENTS.get(type(node))
    if known is not None and code not in ("order", "name", "type"):
        code, why = known[1], known[2]
    advice = advice_of(name, native) if code in ("not-native", "definition", "state") else None
    if advice is not None:
        code, why = advice.code, advice.why
        help = advice.help if advice.wins or not help else help
    if why and why in help:
        why = ""
    return Problem(place, message, help, "error", code, construct, why)


def code_of(problem: Problem) -> str:
    """A problem's kind, also where whoever reported it gave none."""
    if problem.code:
        return problem.code
    return next((code for words, code in WORDS if words in problem.message), "definition")
