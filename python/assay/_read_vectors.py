"""Reading `text.bag`, `text.embed` and `text.vectorize`: features whose body is built-ins of the engine."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._api import Mark, TextVector
from ._definition import MISSING, VECTOR_MAX, EmbeddingDef, EventDef, FunctionDef, Made, ParamDef, Place, Source
from ._freeze import CannotFreeze, freeze
from ._names import describe, value_type
from ._read_text import Texts
from ._vectorizers import OWN, Vectorizer, VectorizerError, build, load

if TYPE_CHECKING:
    import numpy

POOLS = ("mean", "max", "first")  # enum embedding_pool


class EmbeddingError(Exception):
    """A file that cannot be an embedding's rows, for people."""

    def __init__(self, message: str, help: str = ""):
        super().__init__(message)
        self.help = help


class Vectors(Texts):
    embeddings: list[EmbeddingDef]
    vectorizers: list[Vectorizer]

    def make_text_vector(self, name: str, declared: TextVector, scored: EventDef | None) -> FunctionDef | None:
        self.begin()
        make = {"bag": self.make_bag, "embed": self.make_embed, "vectorize": self.make_vectorize}[declared.kind]
        made = make(declared)
        if made is None or scored is None:
            return None
        body, size = made
        returns = float if size is None else list[float]
        function = FunctionDef(
            name, "feature", twin_of(body), [], returns, scored, declared.place, "", size=size, made=body
        )
        self.functions.append((function, Mark("feature", function.function, declared.place)))
        self.text_vectors.append((function, declared))
        return function

    def begin(self) -> None:
        if not hasattr(self, "embeddings"):
            self.embeddings = []
            self.vectorizers = []
            self.text_vectors: list[tuple[FunctionDef, TextVector]] = []

    def make_bag(self, declared: TextVector) -> tuple[Made, int | None] | None:
        size = declared.options["size"]
        if not self.is_size(size, declared.place):
            return None
        return Made("text.bag", arguments=(size,)), size

    def make_embed(self, declared: TextVector) -> tuple[Made, int | None] | None:
        vectors, pool = declared.options["vectors"], declared.options["pool"]
        if pool not in POOLS:
            self.report(declared.place, f'pool is {pool!r}, expected "mean", "max" or "first"')
            return None
        embedding = self.embedding(vectors, declared.place)
        if embedding is None:
            return None
        return Made("text.embed", arguments=(POOLS.index(pool),), embedding=embedding), embedding.width

    def make_vectorize(self, declared: TextVector) -> tuple[Made, int | None] | None:
        fitted, place = declared.options["fitted"], declared.place
        shown = f"the vectorizer {fitted}" if isinstance(fitted, str | Path) else "the vectorizer"
        try:
            loaded = load(self.path.parent / fitted) if isinstance(fitted, str | Path) else fitted
            made = next((each for each in self.vectorizers if each.fitted is loaded), None) or build(loaded)
            if made.pattern is not None:
                freeze(made.pattern)
        except OSError as error:
            what = f"{shown} cannot be read: {error.strerror}"
            self.report(place, what, f"paths are relative to {self.path.parent}")
            return None
        except VectorizerError as error:
            self.report(place, f"{shown}: {error}", error.help)
            return None
        except CannotFreeze as error:
            self.report(place, f"{shown}: token_pattern {error}", error.help or OWN)
            return None
        if made not in self.vectorizers:
            self.vectorizers.append(made)
        return Made("text.vectorize", vectorizer=made), made.size

    def embedding(self, source: Any, place: Place) -> EmbeddingDef | None:
        """The rows of a file, once for all that use it."""
        path = (self.path.parent / source).resolve() if isinstance(source, str | Path) else None
        known = next((each for each in self.embeddings if path is not None and each.path == path), None)
        if known is not None:
            return known
        try:
            items, scales = read_rows(source if path is None else path)
            made = EmbeddingDef(path, items, scales, part_of(items, scales))
        except OSError as error:
            what = f"the vectors {source} cannot be read: {error.strerror}"
            self.report(place, what, f"paths are relative to {self.path.parent}")
            return None
        except EmbeddingError as error:
            self.report(place, f"the vectors {path.name if path else 'of the array'}: {error}", error.help)
            return None
        self.embeddings.append(made)
        return made

    def resolve_text_vectors(self) -> None:
        """What each reads: a feature that is a list of ints."""
        self.begin()
        for function, declared in self.text_vectors:
            what, place = declared.of, declared.place
            wanted = "the name of a field or feature" if declared.kind == "vectorize" else "tokens or their name"
            unfit = f"text.{declared.kind} of {what!r}, expected {wanted}"
            source = self.named(what, f"text.{declared.kind} of {function.name} names", unfit, place)
            if source is None:
                continue
            if declared.kind == "vectorize":
                self.resolve_vectorized(function, source, place)
                continue
            if not isinstance(source, FunctionDef) or source.returns not in (list[int], list[int] | None):
                name = getattr(source, "name", "arrival")
                self.report(
                    place,
                    f"text.{declared.kind} of {name}, which is {describe(source)}, expected tokens: a list[int]",
                    f'text.{declared.kind}(text.tokens("memo", "tokenizer.json"), ...)',
                )
            function.params.append(ParamDef(getattr(source, "name", ""), source, False, MISSING, list[int]))

    def resolve_vectorized(self, function: FunctionDef, source: Source, place: Place) -> None:
        kind, name = value_type(source), getattr(source, "name", "arrival")
        if kind != "str":
            what = f"text.vectorize of {name}, which is {kind or describe(source)}, expected a str"
            self.report(place, what, "name a field or feature that is a str")
        function.params.append(ParamDef(name, source, False, MISSING, str))


def read_rows(source: Any) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any] | None]:
    """Rows of float32, or of int8 with a float32 scale each (a .npz of `vectors` and `scales`)."""
    import numpy

    try:
        loaded = numpy.load(source, allow_pickle=False) if isinstance(source, Path) else source
    except ValueError as error:
        raise EmbeddingError(f"no array can be read: {error}", "numpy.save or numpy.savez writes them") from None
    scales = None
    if isinstance(loaded, numpy.lib.npyio.NpzFile):
        if set(loaded.files) != {"vectors", "scales"}:
            raise EmbeddingError(f"holds {', '.join(loaded.files)}, expected vectors and scales")
        loaded, scales = loaded["vectors"], loaded["scales"]
    if not isinstance(loaded, numpy.ndarray) or loaded.ndim != 2 or 0 in loaded.shape:
        raise EmbeddingError(f"are of shape {getattr(loaded, 'shape', None)}, expected rows: a row for each token id")
    if loaded.shape[1] > VECTOR_MAX:
        raise EmbeddingError(f"have {loaded.shape[1]:,} items each, at most {VECTOR_MAX:,} are possible")
    return check_rows(loaded, scales)


def check_rows(items: Any, scales: Any) -> tuple[Any, Any]:
    import numpy

    if items.dtype == numpy.int8:
        if scales is None or scales.shape != (len(items),):
            raise EmbeddingError("are int8 without a scale for each", "numpy.savez(file, vectors=, scales=)")
        numbers = scales = numpy.ascontiguousarray(scales, numpy.float32) + numpy.float32(0)
    elif items.dtype in (numpy.float32, numpy.float16) and scales is None:
        numbers = items = numpy.ascontiguousarray(items, numpy.float32) + numpy.float32(0)  # no -0.0
    else:
        raise EmbeddingError(f"are {items.dtype}, expected float32, or int8 with scales", 'vectors.astype("float32")')
    if not bool(numpy.isfinite(numbers).all()):
        raise EmbeddingError("hold a number that is not finite")
    return numpy.ascontiguousarray(items), scales


def part_of(items: Any, scales: Any) -> bytes:
    """The part that the engine reads (engine/text/embedding.h)."""
    head = b"ASSAYEMB" + struct.pack("<IIII", 1, 0 if scales is None else 1, *items.shape)
    if scales is None:
        return head + bytes(items.astype("<f4").tobytes())
    return head + bytes(scales.astype("<f4").tobytes()) + bytes(items.tobytes())


# --- what the twin calls ---


def twin_of(made: Made) -> Callable[[Any], Any]:
    if made.vectorizer is not None:
        return made.vectorizer.answer
    if made.embedding is None:
        (size,) = made.arguments
        return lambda tokens: bag(tokens, size)
    embedding, pool = made.embedding, POOLS[made.arguments[0]]
    return lambda tokens: embed(tokens, embedding, pool)


def bag(tokens: list[int], size: int) -> list[float]:
    """Counts by `id % size`."""
    import numpy

    counts = numpy.bincount(numpy.array(tokens, numpy.int64) % size, minlength=size)
    return [float(count) for count in counts]


def embed(tokens: list[int], embedding: EmbeddingDef, pool: str) -> list[float]:
    """The tokens' rows pooled, in doubles; zeros where there is no token."""
    import numpy

    used = tokens[:1] if pool == "first" else tokens
    if not used:
        return [0.0] * embedding.width
    if min(used) < 0:
        raise IndexError(f"token {min(used)}")
    rows = embedding.items[used].astype(numpy.float64)
    if embedding.scales is not None:
        rows = rows * embedding.scales[used].astype(numpy.float64)[:, None] + 0.0
    pooled = rows.max(axis=0) if pool == "max" else numpy.add.accumulate(rows, axis=0)[-1] / len(used)
    return [float(item) for item in pooled]
