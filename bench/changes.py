"""Measures what a change costs: five feature requests (changes/), each done in Assay and in three peers, as patches.

    make bench-changes                                       # everything; ten minutes, most of it Rust's compiler
    .venv/bin/python bench/changes.py --check-only           # only: do all systems compute the same after the change?
    .venv/bin/python bench/changes.py --only 2-velocity,4-rule --systems assay,python-tuned

For every request and system: the patch is applied to a copy of the sources while the unchanged system serves, and the
time is taken from the saved files until an answer shows the new rule. Assay follows the save (`--reload`): it builds
the definition and restarts the server by itself; a Python peer is restarted; the Rust peer is built (its dependencies
are) and restarted. Then all systems decide the same payments: if one value, score or decision differs, the command
fails. A full run writes build/bench-peers/changes.json, which the report of `make bench-peers` shows, and prints the
same table.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import prepare
import report
import systems
from measure import save
from rich.console import Console
from rich.markup import escape
from systems import BenchError, System, Variant

ROOT = Path(__file__).resolve().parents[1]
CHANGES = Path(__file__).resolve().parent / "changes"
BUILD = ROOT / "build" / "bench-peers"
SYSTEMS = ("assay", "python-first", "python-tuned", "rust")
LIVE_S = 120.0  # a change that is not live by then has failed
STEP_S = 0.02  # between two looks
EVENT, SCORE = "/v1/events/Chargeback", "/v1/score"
BUILT_MARK = {"python-first": "installed.txt", "python-tuned": "installed.txt", "rust": "release/cards"}
RESULT = BUILD / "changes.json"

Payment = dict[str, Any]
Posts = list[tuple[str, dict[str, Any]]]  # path and body
console = Console(stderr=True, highlight=False)


# --- the requests: what each needs to be seen and compared ----------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A folder of changes/. `feature` is the value that it adds, if any; `rule` the rule."""

    name: str
    title: str
    feature: str | None
    rule: str
    days: float  # which the payments compared cover
    prepared: Callable[[int, Payment], Payment]  # the n-th of them, so that both sides of the rule come up
    probe: Callable[[Payment], Posts]  # what shows that the rule is there, when it was posted a few times

    @property
    def folder(self) -> Path:
        return CHANGES / self.name

    def patch(self, system: str) -> Path:
        return self.folder / f"{system}.patch"


def with_wallet(n: int, payment: Payment) -> Payment:
    wallets: tuple[Payment, ...] = (
        {},
        {"wallet": "phone-pay"},
        {"wallet": None},
        {"wallet": ""},
        {"wallet": "4111111111111111"},
    )
    return payment | wallets[n % 5] | ({"amount": (500.0, 500.01, 750)[n % 3]} if n % 2 else {})


def with_email(n: int, payment: Payment) -> Payment:
    return payment | {"email": (None, "", "one@mail.example", "two@post.example", "two@post.example")[n % 5]}


# No run of digits in it passes for a card number, which would be masked; in the second one does.
ADDRESS = "0xde709f2102306220921060314715629080e2fb77"
MEMOS = ("to {}", "0x52908400098527886E0F7030069857D2E4169EE7", "tax\t{}\nnow", "x{}", "{}.", "{}0", "",
         "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "0Xde709f2102306220921060314715629080e2fb77",
         "0xge709f2102306220921060314715629080e2fb77", "\u00a0{}\u2003")  # fmt: skip


def with_memo(n: int, payment: Payment) -> Payment:
    return payment if n % 2 else payment | {"memo": MEMOS[n // 2 % len(MEMOS)].format(ADDRESS)}


def with_amount(n: int, payment: Payment) -> Payment:
    return payment if n % 2 else payment | {"amount": (999.99, 1000, 1000.01, 2400.5)[n // 2 % 4]}


def with_few_merchants(n: int, payment: Payment) -> Payment:
    return payment | {"merchant": f"m-{n % 7}"}


def chargeback(id: str, payment: Payment) -> dict[str, Any]:
    return {"id": id, "at": payment["at"], "merchant": payment["merchant"], "amount": payment["amount"]}


ALL = (
    Change("1-field", "a new field, a feature and a rule on it", "wallet_pay", "wallet_large", 0.5, with_wallet,
           lambda p: [(SCORE, p | {"wallet": "phone-pay", "amount": 900.0})]),
    Change("2-velocity", "a new velocity and a rule on it", "email_payments_1h", "email_burst", 0.5, with_email,
           lambda p: [(SCORE, p | {"email": "often@mail.example"})]),
    Change("3-pattern", "a text pattern in the memo", "memo_crypto_address", "crypto_in_memo", 0.5, with_memo,
           lambda p: [(SCORE, p | {"memo": f"to {ADDRESS}"})]),
    Change("4-rule", "a new rule with a threshold", None, "large_at_night", 0.5, with_amount,
           lambda p: [(SCORE, p | {"amount": 2400.0})]),
    Change("5-label", "a label: the merchant's chargebacks", "merchant_chargebacks_30d", "merchant_charged_back", 45,
           with_few_merchants,
           lambda p: [(EVENT, chargeback(f"c-{p['id']}", p)), (SCORE, p)]),
)  # fmt: skip


def compared(change: Change, count: int, folder: Path) -> Posts:
    """What all systems are given after the change, in order. Chargebacks only where they are the request: one after
    every third payment, so that merchants gather them and, in 45 days, lose them again."""
    file = folder / "generated.jsonl"
    prepare.run(sys.executable, prepare.CARDS / "payments.py", "--count", str(count), "--seed", "5", "--days",
                str(change.days), "--fraud", "0.1", "-o", file)  # fmt: skip
    lines = file.read_text(encoding="utf-8").splitlines()
    payments = [change.prepared(n, prepare.moved_back(json.loads(line))) for n, line in enumerate(lines)]
    posts: Posts = []
    for n, payment in enumerate(payments):
        posts.append((SCORE, payment))
        if change.name == "5-label" and n % 3 == 0:
            posts.append((EVENT, chargeback(f"c-{n}", payments[n - n % 9])))
            posts[-1][1]["at"] = payment["at"]
    return posts


# --- copies of the sources ------------------------------------------------------------------------------------------


def copy_sources(tree: Path) -> None:
    """The tree as it is, without what was built in it."""
    shutil.rmtree(tree, ignore_errors=True)
    leave = shutil.ignore_patterns("__pycache__", "data", "target", "*.assay")
    for part in ("examples/cards", "bench/peers"):
        shutil.copytree(ROOT / part, tree / part, ignore=leave, copy_function=shutil.copy)


def apply(patch: Path, tree: Path) -> None:
    """Outside of any repository: git would look for the files in the one that the copy lies in."""
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.parent)}
    command = ["git", "apply", "--whitespace=nowarn", str(patch)]
    got = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise BenchError(f"{patch.relative_to(ROOT)} does not apply any more; make it anew:\n{got.stderr.strip()}")


def size_of(patch: Path) -> dict[str, int]:
    lines = patch.read_text(encoding="utf-8").splitlines()
    return {
        "files": sum(line.startswith("+++ ") for line in lines),
        "added": sum(line.startswith("+") and not line.startswith("+++ ") for line in lines),
        "removed": sum(line.startswith("-") and not line.startswith("--- ") for line in lines),
    }


# --- a system over a copy -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Copy:
    """A system whose sources lie in `tree`. Python peers use the environments that were built for the tree itself; the
    Rust peer has a target folder of its own, so that a patched program never stands where the peer's is."""

    name: str
    tree: Path
    built: Path
    work: Path

    @property
    def cards(self) -> Path:
        return self.tree / "examples" / "cards"

    def peer(self, build_folder: Path | None = None) -> System:
        folder = self.work / "rust" if self.name == "rust" else self.built / self.name
        return System(self.name, self.tree / "bench" / "peers" / self.name, build_folder or folder, self.cards)

    @contextlib.contextmanager
    def serving(self, build_folder: Path | None = None) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
        log = self.work / f"{self.name}.log"
        if self.name == "assay":
            with serve_assay(self.cards / "fraud.py", self.work, log) as running:
                yield running
        else:
            with systems.serving(Variant(self.peer(build_folder), 1), log) as server:
                yield server.port, server.process

    def score(self, payments: Path) -> str:
        if self.name == "assay":
            return prepare.run(sys.executable, "-m", "assay", "score", self.cards / "fraud.py", payments, "--features")
        peer = self.peer()
        return prepare.run(peer.folder / "score", peer.build_folder, self.cards, payments, "--values")


@contextlib.contextmanager
def serve_assay(definition: Path, work: Path, log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """As a data scientist runs it while working: it follows every save."""
    port, data = systems.free_port(), work / "assay-data"
    shutil.rmtree(data, ignore_errors=True)
    command = [sys.executable, "-m", "assay", "serve", str(definition), "--reload", "--data", str(data),
               "--listen", f"127.0.0.1:{port}"]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        wait_for(lambda: systems.is_healthy(port), f"assay serve did not answer; see {log}", process)
        yield port, process
    finally:
        systems.end(process)


def wait_for(done: Callable[[], bool], otherwise: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + LIVE_S
    while not done():
        if process.poll() is not None or time.monotonic() > limit:
            raise BenchError(otherwise)
        time.sleep(STEP_S)


class Client:
    """One connection, opened again where the server went away. Knows for how long there was no answer to payments
    (`away`, in seconds) and how many were answered since."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.failed, self.answered, self.away = 0, 0, 0.0
        self.failing_since: float | None = None

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        began = time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            self.connection.request("POST", path, json.dumps(body).encode(), headers)
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            if path == SCORE:
                self.without_answer(began)
            return None
        if path == SCORE and response.status != 200:
            self.without_answer(began)
            return None
        if path == EVENT and response.status != 202:
            self.connection.close()  # a server that does not know the path may not have read the body
            return None
        if path == EVENT:
            return {}
        if self.failing_since is not None:
            self.away += time.monotonic() - self.failing_since
            self.failing_since, self.answered = None, 0
        self.answered += 1
        answer: dict[str, Any] = json.loads(text)
        return answer

    def without_answer(self, began: float) -> None:
        self.failed += 1
        self.failing_since = self.failing_since or began


def rules_of(answer: dict[str, Any] | None) -> list[str]:
    return [reason["rule"] for reason in (answer or {}).get("reasons", []) if "rule" in reason]


# --- from saved to live ---------------------------------------------------------------------------------------------


def probes(change: Change) -> Iterator[Posts]:
    """Ever new payments, a second apart, at one in the night."""
    base: Payment = {
        "at": "", "card": "4000000000000002", "amount": 20.0, "currency": "EUR", "country": "DE", "city": "Berlin",
        "channel": "pos", "entry_mode": "chip", "merchant": "m-probe", "merchant_name": "A shop", "mcc": 5411,
    }  # fmt: skip
    start = datetime.fromisoformat("2001-03-05T01:00:00+00:00")
    for n in itertools.count():
        at = (start + timedelta(seconds=n)).isoformat().replace("+00:00", "Z")
        yield change.probe(base | {"id": f"probe-{n}", "at": at})


def shows(change: Change, client: Client, posts: Posts) -> bool:
    answers = [client.post(path, body) for path, body in posts]
    return change.rule in rules_of(answers[-1])


def build_rust(copy: Copy) -> None:
    """What the compiler says is shown: a patch gives no warnings."""
    peer = copy.peer()
    if subprocess.run([peer.folder / "build", peer.build_folder], check=False).returncode != 0:
        raise BenchError(f"{peer.folder / 'build'} failed; the compiler's words are above")


def time_to_live(change: Change, copy: Copy) -> dict[str, Any]:
    """Seconds from the saved files until an answer shows the new rule."""
    looks = probes(change)
    unchanged = copy.work / "rust-unchanged" if copy.name == "rust" else None
    with contextlib.ExitStack() as server:
        port, process = server.enter_context(copy.serving(unchanged))
        client = Client(port)
        for posts in itertools.islice(looks, 8):  # a velocity has its payments then
            if shows(change, client, posts):
                raise BenchError(f"{copy.name}, {change.name}: {change.rule} fires before the change")
        if client.failed:
            raise BenchError(f"{copy.name}, {change.name}: {client.failed} payments failed before the change")
        client.answered, saved = 0, time.monotonic()
        apply(change.patch(copy.name), copy.tree)
        if copy.name == "assay":
            wait_for(lambda: shows(change, client, next(looks)), f"{change.name} did not go live in Assay", process)
            seconds = time.monotonic() - saved
            return {"seconds": seconds, "build_seconds": None, "rebuilt": "definition", "restarted": "by itself",
                    "away_seconds": client.away, "answers": client.answered}  # fmt: skip
        if copy.name == "rust":
            build_rust(copy)
        built = time.monotonic() - saved if copy.name == "rust" else None
        stopped = time.monotonic()
        server.close()
        port, process = server.enter_context(copy.serving())
        away = time.monotonic() - stopped
        client = Client(port)
        wait_for(lambda: shows(change, client, next(looks)), f"{change.name} did not go live in {copy.name}", process)
        seconds, rebuilt = time.monotonic() - saved, "binary" if built else "nothing"
        return {"seconds": seconds, "build_seconds": built, "rebuilt": rebuilt, "restarted": "by hand",
                "away_seconds": away, "answers": client.answered}  # fmt: skip


# --- the same in all of them ----------------------------------------------------------------------------------------


def answers_of(change: Change, copy: Copy, posts: Posts) -> list[dict[str, Any]]:
    """What a changed system says of the payments. With values and in process; with chargebacks over HTTP, where a
    peer does not show values but the rules that fired."""
    if change.name == "5-label":
        with copy.serving() as (port, _):
            client = Client(port)
            got = [(path, client.post(path, body)) for path, body in posts]
        if any(answer is None for _, answer in got):
            raise BenchError(f"{copy.name}, {change.name}: a payment or a chargeback was refused")
        return [
            {"id": answer["id"], "decision": answer["decision"], "score": answer["score"], "rules": rules_of(answer)}
            for path, answer in got
            if path == SCORE and answer is not None
        ]
    file = copy.work / "payments.jsonl"
    prepare.write_lines(file, [body for _, body in posts])
    answers = []
    for line in copy.score(file).splitlines():
        said = json.loads(line)
        values = said["features"] if copy.name == "assay" else said["values"]
        answers.append({"id": said["id"], "decision": said["decision"], "score": said["score"], **values})
    return answers


def require_equal(change: Change, found: dict[str, list[dict[str, Any]]], posts: Posts) -> dict[str, Any]:
    """Every value that two systems both show is the same; and the change was seen on both its sides."""
    first, *others = found
    ours, count = found[first], sum(path == SCORE for path, _ in posts)
    for name in found:
        if len(found[name]) != count:
            raise BenchError(f"{change.name}: {name} decided {len(found[name])} of {count} payments")
    for name in others:
        for n, (mine, theirs) in enumerate(zip(ours, found[name], strict=True)):
            for key in sorted(mine.keys() & theirs.keys()):
                if mine[key] != theirs[key]:
                    raise BenchError(
                        f"{change.name}, payment {n + 1}, {mine['id']}: {key} is {mine[key]!r} in {first}, "
                        f"{theirs[key]!r} in {name}"
                    )
    new = "rules" if change.name == "5-label" else change.feature or "decision"
    missing = [name for name in found if any(new not in answer for answer in found[name])]
    seen = [change.rule in answer[new] if new == "rules" else answer[new] for answer in ours]
    if missing or len({repr(value) for value in seen}) < 2:
        raise BenchError(f"{change.name}: {new} is not shown by {missing}" if missing else
                         f"{change.name}: {new} is {seen[0]!r} for every payment, which compares nothing")  # fmt: skip
    return {"payments": count, "values": len(ours[0]) - 2, "systems": list(found)}


# --- the whole ------------------------------------------------------------------------------------------------------


def unbuilt(names: Sequence[str], built: Path) -> list[str]:
    return [name for name, mark in BUILT_MARK.items() if name in names and not (built / name / mark).is_file()]


def build_missing(names: Sequence[str], built: Path) -> None:
    for name in unbuilt(names, built):
        say(f"building {name}")
        (built / name).mkdir(parents=True, exist_ok=True)
        prepare.run(systems.PEERS / name / "build", built / name)


def say(text: str) -> None:
    console.print(escape(text), soft_wrap=True)


def warm_rust(copy: Copy) -> None:
    """The unchanged program, with everything that it depends on compiled; kept aside to serve before a change."""
    say("rust: the unchanged program, so that its target folder is warm")
    if not (copy.work / "rust" / "release").is_dir():
        shutil.copytree(copy.built / "rust", copy.work / "rust", symlinks=True, dirs_exist_ok=True)
    build_rust(copy)
    (copy.work / "rust-unchanged" / "release").mkdir(parents=True, exist_ok=True)
    shutil.copy2(copy.work / "rust" / "release" / "cards", copy.work / "rust-unchanged" / "release" / "cards")


def one(change: Change, names: Sequence[str], arguments: argparse.Namespace, work: Path) -> dict[str, Any]:
    posts = compared(change, arguments.payments, work)
    found, rows = {}, []
    for name in names:
        copy = Copy(name, work / "tree", arguments.built, work)
        copy_sources(copy.tree)
        row: dict[str, Any] = {"system": name, **size_of(change.patch(name))}
        if arguments.check_only:
            apply(change.patch(name), copy.tree)
            if name == "rust":
                build_rust(copy)
        else:
            row |= time_to_live(change, copy)
            say(f"{change.name}, {name}: live {row['seconds']:.2f} s after the save")
        found[name] = answers_of(change, copy, posts)
        rows.append(row)
    equal = require_equal(change, found, posts)
    say(f"{change.name}: {equal['payments']} payments, the same in {', '.join(names)}")
    return {"name": change.name, "title": change.title, "equal": equal, "systems": rows}


def execute(arguments: argparse.Namespace) -> None:
    names = [name for name in SYSTEMS if name in arguments.systems]
    chosen = [change for change in ALL if change.name in arguments.only]
    build_missing(names, arguments.built)
    scratch = tempfile.TemporaryDirectory(prefix="assay-changes-") if "rust" not in names else None
    work = Path(scratch.name) if scratch else BUILD / "changes"
    work.mkdir(parents=True, exist_ok=True)
    try:
        if "rust" in names:
            copy_sources(work / "tree")
            warm_rust(Copy("rust", work / "tree", arguments.built, work))
        measured = {"requests": [one(change, names, arguments, work) for change in chosen]}
    finally:
        if scratch:
            scratch.cleanup()
    if arguments.check_only:
        return
    if len(names) == len(SYSTEMS) and len(chosen) == len(ALL):
        save(RESULT, measured)
        say(f"written: {RESULT.relative_to(ROOT)}; the report of `make bench-peers` shows it")
    print("\n".join(report.change_section(measured)))


def read_arguments() -> argparse.Namespace:
    def names(known: Sequence[str]) -> Callable[[str], list[str]]:
        def read(text: str) -> list[str]:
            if unknown := sorted(set(text.split(",")) - set(known)):
                raise argparse.ArgumentTypeError(f'"{unknown[0]}" is not there; there are {", ".join(known)}')
            return text.split(",")

        return read

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    requests = [change.name for change in ALL]
    parser.add_argument("--only", type=names(requests), default=requests, help="requests, with commas (default: all)")
    parser.add_argument("--systems", type=names(SYSTEMS), default=list(SYSTEMS),
                        help="systems, with commas (default: all)")  # fmt: skip
    parser.add_argument("--payments", type=int, default=200, help="that all systems decide after a change (200)")
    parser.add_argument("--check-only", action="store_true", help="compare the changed systems, measure nothing")
    parser.add_argument("--built", type=Path, default=BUILD / "peers", metavar="DIR",
                        help="where the peers are built (build/bench-peers/peers)")  # fmt: skip
    arguments = parser.parse_args()
    arguments.built = arguments.built.resolve()
    if arguments.payments < 100:
        parser.error("--payments: at least 100, or the rules have too little to fire on")
    return arguments


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped then too
    try:
        execute(read_arguments())
    except BenchError as error:
        console.print(f"[bold red]bench-changes:[/] {escape(str(error))}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
