"""The `assay` command. Each command here reads its arguments, calls one function of a sibling module and shows the
result.

What people read (progress, problems) goes to stderr, what programs read (decisions, --json) to stdout. Exit status: 0
done, 1 the definition or the data is not right, 2 the command line is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from . import _rows
from ._definition import Definition, DefinitionError, Problem
from ._diagnostics import counted
from ._rows import Row, RowsError
from ._serve import ServeError

app = typer.Typer(
    name="assay",
    add_completion=True,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
journal = typer.Typer(no_args_is_help=True, help="What a data folder's journal holds.")
app.add_typer(journal, name="journal")
err = Console(stderr=True, highlight=False, soft_wrap=True)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The definition, such as fraud.py.")]
DataFolder = Annotated[Path | None, typer.Option("--data", envvar="ASSAY_DATA", metavar="DIR", help="The data folder.")]


def main() -> None:
    """The entry point: errors that are the user's to mend are shown without a traceback."""
    try:
        app(prog_name="assay")
    except DefinitionError as error:
        show_problems(error.problems)
        sys.exit(1)
    except (RowsError, ServeError) as error:
        complain(str(error))
    except ValueError as error:
        if type(error).__module__ not in ("assay._backfill", "assay._tables", "assay._import", "assay._export"):
            raise
        complain(str(error))
    except BrokenPipeError:
        sys.exit(141)
    except ImportError as error:
        if error.name != "assay._engine":
            raise
        complain("this installation has no engine (assay._engine): pip install . builds it")
    except OSError as error:
        complain(f"{error.filename or ''}: {error.strerror}" if error.strerror else str(error))


def complain(message: str) -> NoReturn:
    err.print(f"[red]error:[/] {escape(message)}")
    sys.exit(1)


def escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def show_problems(problems: Iterable[Problem]) -> None:
    """Each problem with the user's own line and a caret under it."""
    from ._diagnostics import render

    err.print(render(list(problems)), markup=False)


def version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("assay")
        except PackageNotFoundError:
            number = "0 (not installed)"
        print(f"assay {number}, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def assay(
    _version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="The version.")] = False,
) -> None:
    """Scores payments for fraud by a definition in plain Python, in a C engine.

    Start with `assay new shop`, then `cd shop` and `assay serve fraud.py`.
    """


# --- new ------------------------------------------------------------------------------------------------------------


@app.command()
def new(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]) -> None:
    """Makes a small working definition with tests, payments, a model and a configuration.

    Example: `assay new shop`
    """
    from ._scaffold import create

    files = create(folder)
    err.print(f"{escape(str(folder))}: " + ", ".join(str(path.relative_to(folder)) for path in files))
    command = f"cd {folder} && assay check fraud.py --sample payments.jsonl && assay serve fraud.py"
    err.print(f"next: [bold]{escape(command)}[/]")


# --- check ----------------------------------------------------------------------------------------------------------

Others = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=FILE]...", help="Files of context events, as logins: Login=logins.jsonl."),
]


@app.command()
def check(
    file: File,
    others: Others = None,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Payments as JSON lines, to compare and measure.",
        ),
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help='Fail if a payment takes longer: "50us", "800ns", "1.5ms".')
    ] = None,
    native_only: Annotated[bool, typer.Option("--native-only", help="Fail if a function is not native.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Every function: types, worst case, cost, where it may raise.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON on stdout.")] = False,
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE|-", help="The findings as SARIF 2.1.0, for editors and CI.")
    ] = None,
) -> None:
    """Says what a definition is, what is wrong with it, what it costs, and whether engine and Python agree.

    **Without a sample** it reads and compiles: every name, type and construct, each problem at its line with the way to
    write it instead, where None or an exception can bite, and the worst case of each function.

    **With a sample** every payment goes through the engine and through plain Python, and every value must have the same
    bits; then each function is timed.

    Examples: `assay check fraud.py`

    `assay check fraud.py --sample payments.jsonl Login=logins.jsonl --budget 50us`

    `assay check fraud.py --sarif findings.sarif --native-only` (for CI)

    Exit status: **0** nothing is wrong (there may be warnings); **1** there are errors, engine and Python differ, a
    payment is over `--budget`, or a function is not native and `--native-only` was asked for; **2** the command line is
    not right.

    People read stderr, programs stdout. NO_COLOR=1 leaves the colours out. docs/check.md explains every part.
    """
    from . import _check, _show

    budget_us = None if budget is None else budget_of(budget)
    if sample is None and (others or budget):
        what = "context events need" if others else "--budget needs"
        raise typer.BadParameter(f"{what} the payments too: --sample payments.jsonl")
    if as_json and sarif == "-":
        raise typer.BadParameter("--json and --sarif - both write to stdout; give --sarif a file")

    def rows(definition: Definition) -> Iterator[Row]:
        assert sample is not None
        files = _rows.files_of(definition, sample, others or [])
        yield from with_progress("comparing", _rows.read(files), _rows.count(files))

    checked = _check.check(file, rows if sample else None)
    checked.costs.budget_us = budget_us
    status = _show.verdict(checked, native_only).status
    if sarif is not None:
        from ._sarif import sarif as findings

        write_text(sarif, json.dumps(findings(checked, status), ensure_ascii=False, indent=2))
    if as_json:
        print(json.dumps(_show.check_json(checked, native_only), ensure_ascii=False, indent=2, default=str))
    elif sarif != "-":
        _show.show_check(checked, err, verbose)
    raise typer.Exit(status)


def write_text(where: str, text: str) -> None:
    """To a file, or to stdout for "-"."""
    if where == "-":
        print(text)
    else:
        Path(where).write_text(text + "\n", encoding="utf-8")


def budget_of(text: str) -> float:
    """A time for one payment in microseconds: "800ns", "50us", "1.5ms"."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s)", text)
    if match is None or float(match[1]) == 0:
        raise typer.BadParameter(
            f'"{text}" is no time, expected one such as 800ns, 50us or 1.5ms', param_hint="--budget"
        )
    return float(match[1]) * {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}[match[2]]


def span_us(text: str, what: str) -> int:
    from ._read import parse_span

    span = parse_span(text)
    if not span:
        raise typer.BadParameter(f'{what} is "{text}", expected a time such as 50us or 1ms')
    return span


# --- build ----------------------------------------------------------------------------------------------------------


@app.command()
def build(
    file: File,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="X.assay", help="The bundle to write.")],
) -> None:
    """Builds the bundle: one file, named by its content, with the sources inside.

    Example: `assay build fraud.py -o fraud.assay`
    """
    from ._compile import build

    result = build(file, out)
    if result.problems:
        show_problems(result.problems)
    print(f"{out}  {result.definition.name}@{result.hash[:8]}")


# --- score ----------------------------------------------------------------------------------------------------------


@app.command()
def score(
    file: File,
    payments: Annotated[Path, typer.Argument(metavar="PAYMENTS", help="Payments as JSON lines.")],
    others: Others = None,
    features: Annotated[bool, typer.Option("--features", help="Add every feature's value to each decision.")] = False,
    history: Annotated[
        str, typer.Option(metavar="empty|unknown", help="What was before the first event.")
    ] = "definition",
) -> None:
    """Scores a file in process, from empty history: one decision a line on stdout, in the order in which they were
    taken.

    Example: `assay score fraud.py payments.jsonl Login=logins.jsonl > decisions.jsonl`
    """
    from ._load import load

    if history not in ("definition", "empty", "unknown"):
        raise typer.BadParameter(f'--history is "{history}", expected empty or unknown')
    refused = 0
    with load(file, history=history) as detector:
        files = _rows.files_of(detector.definition, payments, others or [])
        for row in with_progress("scoring", _rows.read(files), _rows.count(files)):
            status, body = detector.post(row.class_name, row.text, features=features)
            if status >= 400:
                refused += 1
                err.print(f"[red]{escape(str(row.file))}:{row.line}[/] refused ({status})")
            if row.event.scored or status >= 400:
                sys.stdout.write(body.decode() + "\n")
    if refused:
        err.print(f"[red]{refused:,} events were refused; their lines are problems[/]")
        raise typer.Exit(1)


# --- backfill -------------------------------------------------------------------------------------------------------


@app.command()
def backfill(
    file: File,
    payments: Annotated[Path, typer.Argument(metavar="PAYMENTS", help="Payments: Parquet, CSV or JSON lines.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FEATURES", help="The file to write: .parquet, .csv or .jsonl.")
    ],
    others: Others = None,
    features_only: Annotated[
        bool, typer.Option("--features-only", help="Without the columns of the payments themselves.")
    ] = False,
    errors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to list what failed: event, id, row, function, error.")
    ] = None,
    history: Annotated[
        str, typer.Option(metavar="empty|unknown", help="What was before the first event. [default: empty]")
    ] = "empty",
    threads: Annotated[int | None, typer.Option(min=1, help="[default: one a core]")] = None,
) -> None:
    """Computes every feature of every payment as of its own moment, for training.

    Events of all files are taken in the order of time (of `seq`, in what `assay journal export` wrote), rows are
    written in the payments' order. What is missing or failed is null. Files may be larger than memory: 40 bytes an
    event are kept.

    Examples: `assay backfill fraud.py payments.parquet -o features.parquet`

    `assay backfill fraud.py payments.csv Login=logins.csv -o features.parquet --errors errors.csv`
    """
    from ._backfill import backfill_files
    from ._compile import build
    from ._read import read
    from ._tables import open_source

    if history not in ("empty", "unknown"):
        raise typer.BadParameter(f'--history is "{history}", expected empty or unknown')
    definition = read(file)
    sources = [open_source(event, path) for event, path in _rows.files_of(definition, payments, others or [])]
    with tempfile.TemporaryDirectory(prefix="assay-") as folder, rows_progress() as progress:
        bundle = Path(folder) / f"{file.stem}.assay"
        build(file, bundle)
        filled = backfill_files(
            definition,
            bundle,
            sources,
            out,
            features_only=features_only,
            errors=errors,
            history=history,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    context = filled.events - filled.payments
    others_too = f" and {counted(context, 'context event')}" if context else ""
    err.print(f"{escape(str(out))}: {counted(filled.payments, 'payment')}{others_too}")
    if filled.failures:
        where = f"see {errors}" if errors else "--errors FILE lists them"
        err.print(
            f"[yellow]{counted(filled.failures, 'failure')}[/], {counted(filled.refused, 'event')} refused: {where}"
        )


@app.command("import")
def import_(
    file: File,
    payments: Annotated[Path, typer.Argument(metavar="PAYMENTS", help="Payments: Parquet, CSV or JSON lines.")],
    data: Annotated[Path, typer.Option("--data", envvar="ASSAY_DATA", metavar="DIR", help="The data folder to make.")],
    others: Others = None,
    errors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to list what was refused: event, id, row, error.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="[default: one a core]")] = None,
) -> None:
    """Imports history into a new installation's journal, so that it starts warm.

    Imported events are entered into the windows and not decided; a column `decision` says how they were decided. Every
    class of events that feeds windows needs its file; an empty file says that there were none.

    Example: `assay import fraud.py payments.parquet Login=logins.parquet --data data`
    """
    from ._compile import build
    from ._import import import_files
    from ._read import read
    from ._tables import open_source

    definition = read(file)
    sources = [open_source(event, path) for event, path in _rows.files_of(definition, payments, others or [])]
    with tempfile.TemporaryDirectory(prefix="assay-") as folder, rows_progress() as progress:
        bundle = Path(folder) / f"{file.stem}.assay"
        build(file, bundle)
        imported = import_files(
            definition, bundle, sources, data, errors=errors, threads=threads or os.cpu_count() or 1, progress=progress
        )
    err.print(f"{escape(str(data))}: {counted(imported.events - imported.refused, 'event')} imported")
    if imported.refused or imported.failures:
        where = f"see {errors}" if errors else "--errors FILE lists them"
        refused, failures = counted(imported.refused, "event"), counted(imported.failures, "failure")
        err.print(f"[yellow]{refused} refused[/], {failures}: {where}")


@journal.command("export")
def export(
    data: Annotated[
        Path, typer.Option("--data", envvar="ASSAY_DATA", metavar="DIR", help="A data folder that is not in use.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER|FILE", help="A folder for a file per class, or a file of payments."
        ),
    ],
    bundle: Annotated[
        Path | None, typer.Option(metavar="X.assay", help="[default: the one in the data folder]")
    ] = None,
    kind: Annotated[
        str, typer.Option("--format", metavar="parquet|jsonl", help="Of the files in a folder.")
    ] = "parquet",
) -> None:
    """Writes every event of a journal with its number, its arrival, the decision and the score.

    A Secret is written as its keyed hash. A backfill of the Parquet files gives, bit for bit, what was served.

    Example: `assay journal export --data data -o served`, then
    `assay backfill fraud.py served/Payment.parquet Login=served/Login.parquet -o features.parquet`
    """
    from . import _serve
    from ._export import export

    if not data.is_dir():
        raise typer.BadParameter(f"{data} is not a folder", param_hint="--data")
    if kind not in ("parquet", "jsonl"):
        raise typer.BadParameter(f'--format is "{kind}", expected parquet or jsonl')
    with rows_progress() as progress:
        found = bundle or _serve.bundle_in(data)
        counts, unknown = export(data, found, out, kind, lambda done: progress("exporting", done, 0))
    for path, count in counts.items():
        err.print(f"{escape(str(path))}: {counted(count, 'event')}")
    if unknown:
        err.print(f"[yellow]{counted(unknown, 'event')} of classes that this bundle does not know[/]")


@contextlib.contextmanager
def rows_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar with rows a second; to be called with (what is done, rows so far, rows in all)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, tuple[TaskID, float]] = {}

        def note(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None, rate=""), time.monotonic()
            task, started = tasks[what]
            rate = done / max(time.monotonic() - started, 1e-6)
            bar.update(task, completed=done, total=total or None, rate=f"{rate:,.0f}/s")

        yield note


def with_progress(what: str, rows: Iterable[Row], total: int) -> Iterator[Row]:
    """A progress bar on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield from progress.track(rows, total=total, description=what)


# --- serve ----------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    file: Annotated[Path, typer.Argument(metavar="FILE|X.assay", help="The definition, or a bundle of it.")],
    data: DataFolder = None,
    listen: Annotated[
        str | None, typer.Option(envvar="ASSAY_LISTEN", metavar="HOST:PORT", help="[default: 127.0.0.1:8080]")
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Rebuild and restart on every save.")] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="F.toml", help="[default: assay.toml beside FILE, if there]")
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(envvar="ASSAY_HISTORY", metavar="empty|unknown", help="What was before the first event."),
    ] = None,
    durability: Annotated[
        str | None,
        typer.Option(
            envvar="ASSAY_DURABILITY",
            metavar="commit|interval:50ms|none",
            help="What an answer waits for. [default: commit]",
        ),
    ] = None,
    deadline: Annotated[
        str | None, typer.Option(envvar="ASSAY_DEADLINE", metavar="TIME", help="[default: 150ms]")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(envvar="ASSAY_THREADS", min=1, help="Event loops. [default: one a core]")
    ] = None,
) -> None:
    """Serves a definition over HTTP: POST /v1/score.

    Examples: `assay serve fraud.py --reload`

    `assay serve fraud.assay --data /var/lib/assay --listen 127.0.0.1:9000`
    """
    from . import _serve

    if not file.is_file():
        raise typer.BadParameter(f"{file} is not a file", param_hint="FILE")
    found = config or file.parent / "assay.toml"
    said = _serve.read_config(found) if config or found.is_file() else {}
    folder = Path(said["data"]) if "data" in said else Path("data")
    limit = deadline or said.get("deadline")
    settings = _serve.Settings(
        data=data or (found.parent if "data" in said else file.parent) / folder,
        listen=listen or said.get("listen", "127.0.0.1:8080"),
        durability=durability or said.get("durability", "commit"),
        history=history or said.get("history", ""),
        deadline_ms=None if limit is None else max(1, span_us(limit, "--deadline") // 1000),
        threads=threads or (int(said["threads"]) if said.get("threads", "").isdigit() else None),
    )
    _serve.check_settings(settings)
    if file.suffix == ".assay":
        if reload:
            raise typer.BadParameter("--reload follows a definition's source, not a bundle")
        _serve.become(file, settings)
    if not reload:
        _serve.become(cached(file)[0], settings)
    reloader = _serve.Reloader(lambda: try_cached(file), file.resolve().parent, settings)
    raise typer.Exit(reloader.run(lambda text: err.print(f"[bold]assay:[/] {escape(text)}")))


def cached(file: Path) -> tuple[Path, list[Path]]:
    """Builds into the cache: the bundle and what it was made from."""
    from . import _serve
    from ._compile import build

    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        result = build(file, Path(folder) / "built.assay")
        if result.problems:
            show_problems(result.problems)
        sources = [*result.definition.sources, *(model.path for model in result.definition.models)]
        return _serve.into_cache(Path(folder) / "built.assay", file.stem, result.hash), sources


def try_cached(file: Path) -> tuple[Path, list[Path]] | None:
    try:
        return cached(file)
    except DefinitionError as error:
        show_problems(error.problems)
        return None


# --- looking back ---------------------------------------------------------------------------------------------------


@app.command()
def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="The payment's id.")],
    data: DataFolder = None,
    server: Annotated[str | None, typer.Option("--from", metavar="URL", help="A running server.")] = None,
) -> None:
    """Shows a decision and what it was made of: inputs, features, the events behind each window, rules, errors.

    Examples: `assay explain p-1027 --from http://127.0.0.1:8080`

    `assay explain p-1027 --data data` (when no server runs on that folder)
    """
    from . import _serve

    if (data is None) == (server is None):
        raise typer.BadParameter(
            "give either --from URL (a running server) or --data DIR (a data folder that is not in use)"
        )
    status, body = _serve.ask(server, id) if server else _serve.look_up(Path(str(data)), id)
    print(json.dumps(json.loads(body), ensure_ascii=False, indent=2))
    raise typer.Exit(0 if status < 400 else 1)


@app.command()
def replay(
    data: Annotated[Path, typer.Option("--data", envvar="ASSAY_DATA", metavar="DIR", help="The data folder.")],
    bundle: Annotated[
        Path | None, typer.Option(metavar="X.assay", help="[default: the one in the data folder]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON, with the windows' digest.")] = False,
) -> None:
    """Recomputes every decision of a data folder from its journal and says how many differ.

    Example: `assay replay --data data`
    """
    from . import _serve

    if not data.is_dir():
        raise typer.BadParameter(f"{data} is not a folder", param_hint="--data")
    found = _serve.replay(data, bundle or _serve.bundle_in(data))
    if as_json:
        print(json.dumps(found))
    else:
        print(f"{counted(found['inputs'], 'event')} decided again: {counted(found['differences'], 'difference')}")
        if found["differences"]:
            print(f"the first: {found['first_difference']}")
    raise typer.Exit(1 if found["differences"] else 0)
