"""The C engine in process (see python/assay/_engine/)."""

from collections.abc import Callable
from typing import final

OPCODES: dict[str, tuple[int, str]]  # name -> (number, operand form)
BUILTINS: dict[str, tuple[int, int, int]]  # Python name -> (number, least arguments, most arguments)
EXCEPTIONS: dict[str, int]  # class name -> number

class EngineError(Exception):
    """The engine refused to open: the bundle, the journal or the system is not as it should be."""

def export(
    bundle: str, data: str, rows: int, classes: list[str], receive: Callable[[str, tuple[object, object]], object]
) -> tuple[int, int, dict[str, int]]:
    """The journal of a data folder: calls `receive` for each batch. (events, events of unknown classes, since when each
    class is covered)"""

@final
class Engine:
    def __init__(
        self,
        bundle: str,
        data: str | None = None,
        *,
        history: str = "definition",
        durability: str = "commit",
        deployed_at: int | None = None,
    ) -> None:
        """Opens a bundle in process; `data` is a data folder, None for none. history: definition, empty or unknown.
        `deployed_at` (microseconds): since when everything is seen, of a new data folder that is imported into."""
    def event(self, class_name: str, json: bytes, *, features: bool = False) -> tuple[int, bytes]:
        """One event: its HTTP status and JSON body. "" is the scored class."""
    def time(self, function: int, rounds: int, /) -> float: ...
    def values(self) -> dict[str, object]:
        """Every named value (fields, windows, features, models, rules) of the last event that was decided."""
    def decision(self, id: str, *, explain: bool = False) -> tuple[int, bytes]:
        """The decision on an id, as it was answered; with `explain` also what it was made of."""
    def digest(self) -> str:
        """A hash over what all windows hold."""
    def close(self) -> None: ...
    def __enter__(self) -> Engine: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Model:
    def __init__(self, text: bytes) -> None:
        """A LightGBM text model. ValueError says what is wrong with it."""
    @property
    def input_names(self) -> list[str]: ...
    @property
    def outputs(self) -> int: ...
    @property
    def trees(self) -> int: ...
    def predict(self, rows: object) -> bytes:
        """`rows`: a C-contiguous buffer of doubles, rows x inputs. The framework's predict, rows x outputs doubles."""
    def predict_raw(self, rows: object) -> bytes: ...

def build_trie(keys: bytes, ends: bytes, values: bytes, /) -> bytes:
    """A double array over sorted keys; `ends` and `values` are little-endian u32, one a key."""

@final
class Tokenizer:
    def __init__(self, part: bytes) -> None:
        """A tokenizer as assay._tokenizers.build makes it. ValueError says what is wrong with the part."""
    def encode(self, text: str, special: bool = True) -> list[int]:
        """`Tokenizer.encode(text, add_special_tokens=special).ids` of the `tokenizers` package."""
    def encode_batch(self, texts: list[str], special: bool = True) -> list[list[int]]:
        """encode of each text."""
    def normalize(self, text: str, /) -> str:
        """What the normalizer makes of a text."""
    def time(self, texts: list[str], rounds: int, /) -> float:
        """Seconds to encode all texts once, the best of the rounds."""
    @property
    def id_bound(self) -> int:
        """One more than the largest id that can come out."""

@final
class Backfill:
    """Many events at once, from Arrow columns to Arrow columns (engine/backfill.h). Uses the engine alone."""

    def __init__(
        self,
        engine: Engine,
        columns: list[tuple[str, str, str, bool]],
        *,
        threads: int = 1,
        repeated: bytes = b"",
        ids_of: Backfill | None = None,
        import_: bool = False,
    ) -> None:
        """`columns`: (name, "" or "decision" or "score", type, is a list), "" being the value of that name. `repeated`:
        ids that come more than once, as `keys` (of `ids_of`) hashes them, sorted. `import_`: into the journal."""
    def keys(self, event: int, batch: tuple[object, object, int]) -> tuple[bytes, bytes]:
        """Times (int64 microseconds) and hashed ids (uint64) of a batch: schema and array capsules and its form, 0
        columns, 1 columns of text, 2 JSON."""
    def cover(self, event: int, since_us: int) -> None:
        """Since when the windows over a class's events have seen all of them."""
    def take(
        self,
        batches: list[tuple[object, object, int] | None],
        order: bytes,
        seqs: bytes | None = None,
        arrivals: bytes | None = None,
        decided_seqs: bytes | None = None,
        outcomes: bytes | None = None,
    ) -> tuple[tuple[object, object], tuple[object, object], list[tuple[int, int, bool]], int]:
        """Takes events in an order: results and errors as capsules, rows of repeated ids, how many were refused."""
    def close(self) -> None: ...
