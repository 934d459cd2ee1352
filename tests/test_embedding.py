"""In other programs: many threads, asyncio, forked and spawned processes, deadlines and interrupts, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import segkernel as sk
import segkernel.run
from segkernel.deadline import Deadline
from segkernel.kernel.entries import JIT, interpret

ROOT = Path(__file__).parent.parent
AS_OF = "2026-01-15T12:00Z"
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
COMPILED = pytest.mark.skipif(not JIT, reason="without compilation a pass holds the interpreter's lock, and is slow")
TEXT = """
let spent = sum(orders.total where paid)
segment spender when spent > 400
segment often when count(orders) >= 3 and score > 2
segment above when score > avg(score over all)
choose tier "gold" when spent > 600 "silver" when spent > 200
collect marks "poor" when score < 1 "paid" when any(orders where paid)
"""
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINKS = {"orders": {"customer": ("customers", "id")}}


def shop(accounts: int = 3000, orders: int = 9000) -> sk.Dataset:
    rng = np.random.default_rng(5)
    customers = pl.DataFrame({"id": np.arange(accounts), "score": rng.integers(0, 9, accounts)})
    frame = pl.DataFrame({"id": rng.integers(0, accounts, orders), "total": rng.integers(0, 400, orders), "paid": rng.random(orders) < 0.7})
    return sk.Dataset({"customers": customers, "orders": frame}, root="customers", key="id", links=LINKS)


def wide(accounts: int, rules: int = 200) -> tuple[sk.Dataset, sk.Rules]:
    """Data and rules over which a run takes a while."""
    rng = np.random.default_rng(5)
    columns = {f"n{number}": rng.integers(0, 1000, accounts) for number in range(4)}
    data = sk.Dataset({"c": pl.DataFrame({"id": np.arange(accounts), **columns})}, root="c", key="id")
    text = "\n".join(f"segment s{each} when n{each % 4} * {each + 2} > n{(each + 1) % 4} + {each}" for each in range(rules))
    return data, sk.compile(text, data.schema)


def answers(result: sk.Membership) -> dict[str, Any]:
    """Everything that an evaluation found, without a Polars query."""
    held = {name: array.tobytes() for kind in (result.bits, result.codes, result.lists) for name, array in kind.items()}
    return {**held, "counts": [result.count(name) for name in result.bits]}


class Watched:
    """The interpreter, and on how many threads it is at work."""

    def __init__(self) -> None:
        self.busy = 0
        self._lock = threading.Lock()

    def prepare(self) -> None:
        interpret.prepare()

    def __call__(self, *arguments: Any) -> None:
        with self._lock:
            self.busy += 1
        try:
            interpret(*arguments)
        finally:
            with self._lock:
                self.busy -= 1


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    found = Watched()
    monkeypatch.setattr(segkernel.run, "interpret", found)
    return found


# ---- threads


def test_eight_threads_that_begin_at_once_bind_and_link_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import segkernel.link as linking

    rules = [sk.compile(TEXT, shop(1, 1).schema) for _ in range(2)]
    wanted = answers(rules[0].evaluate(shop(), AS_OF))
    linked: list[int] = []
    link = linking.link
    monkeypatch.setattr(linking, "link", lambda *given, **named: (linked.append(1), link(*given, **named))[1])
    data = [shop(), shop()]
    barrier = threading.Barrier(8)

    def work(number: int) -> bool:
        barrier.wait()
        each = [rules[number % 2].evaluate(data[turn % 2], AS_OF, threads=1 + turn % 2) for turn in range(number, number + 4)]
        return all(answers(result) == wanted for result in each)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [True] * 8
    assert len(linked) == 4


FIRST = """
import sys, threading
import polars as pl
import segkernel as sk
frame = pl.DataFrame({"id": [1, 2, 3], "n": [5, None, 7]})
found, barrier = [], threading.Barrier(8)
def work():
    barrier.wait()
    data = sk.Dataset({"c": frame}, root="c", key="id")
    found.append(sk.compile("segment s when n > 5", data.schema).evaluate(data, "2026-01-01T00:00")["s"].to_list())
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join(60)
print(found == [[False, False, True]] * 8, any(each.is_alive() for each in threads))
"""


def test_eight_threads_load_segkernel_at_once() -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "dsl")])
    done = subprocess.run(
        [sys.executable, "-c", FIRST], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300, cwd=ROOT
    )
    assert done.stdout == "True False\n", done.stderr


@COMPILED
@pytest.mark.parametrize("threads", [1, 2])
def test_a_loop_answers_while_a_run_is_on(threads: int) -> None:
    data, rules = wide(300_000)
    rules.evaluate(data, AS_OF)

    async def serve() -> tuple[int, int]:
        ticks, done = 0, False

        async def tick() -> None:
            nonlocal ticks
            while not done:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        results = await asyncio.gather(*(asyncio.to_thread(rules.evaluate, data, AS_OF, threads) for _ in range(3)))
        done = True
        await ticker
        return ticks, len({result.count("s7") for result in results})

    ticks, different = asyncio.run(serve())
    assert ticks > 10
    assert different == 1


# ---- forks


def forked(work: Callable[[], str], seconds: float = 30.0) -> str:
    """What `work` gives in a forked process, its error, or "hangs"."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            said = work()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode()[:60_000])
        os._exit(0)
    os.close(writing)
    watchdog = threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    watchdog.start()
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode()
    os.waitpid(child, 0)
    watchdog.cancel()
    return said or "hangs"


REFUSED = "takes Polars, which never answers in a forked process: do it before the fork, or start processes by"


@FORKS
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_evaluates_what_was_evaluated_before() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    wanted = answers(rules.evaluate(data, AS_OF, threads=2))
    for threads in (None, 1, 2):
        assert forked(lambda threads=threads: str(answers(rules.evaluate(data, AS_OF, threads=threads)) == wanted)) == "True"
    assert forked(lambda: str(forked(lambda: str(answers(rules.evaluate(data, AS_OF)) == wanted)))) == "True"
    later = answers(rules.evaluate(data, "2026-03-01T00:00Z"))
    assert forked(lambda: str(answers(rules.evaluate(data, "2026-03-01T00:00Z")) == later)) == "True"


@FORKS
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_asks_results_or_is_told_why_not(tmp_path: Path) -> None:
    data, unread = shop(300, 900), shop(30, 90)
    rules = sk.compile(TEXT, data.schema)
    plain = rules.only("spender", "tier")
    result = plain.evaluate(data, AS_OF)
    whole = rules.evaluate(data, AS_OF)
    later = rules.evaluate(data, "2026-03-01T00:00Z").changes(since=whole)
    result.frame(), result.members("spender"), whole.long(), whole.counts()  # Polars' threads are there from here on
    plain.evaluate(shop(30, 90), AS_OF).save(tmp_path / "before.parquet")
    for ask in (
        lambda: str(result["spender"].to_list()),
        lambda: str(result["tier"].to_list()),
        lambda: str(result.frame().rows()),
        lambda: str(whole.counts().rows()),
        lambda: repr(whole),
        lambda: str(whole.values("marks")),
        lambda: str(whole.population),
        lambda: str(later.counts().rows()),
    ):
        assert forked(ask) == ask()
    for ask in (
        lambda: whole["marks"],
        lambda: whole.frame(),
        lambda: result.members("spender"),
        lambda: result.long(),
        lambda: result.changes(since=result),
        lambda: later.frame(),
        lambda: later.entered("spender"),
        lambda: later.left("spender"),
        lambda: later.values("tier"),
        lambda: later.texts(),
        lambda: whole.overlap(),
        lambda: result.save(tmp_path / "after.parquet"),
        lambda: sk.Membership.load(tmp_path / "before.parquet"),
        lambda: result.fingerprints,
        lambda: sk.compile("segment s when score > 3", data.schema).evaluate(data, AS_OF),
        lambda: rules.evaluate(unread, AS_OF),
        lambda: rules.explain(data, 1, "spender", AS_OF),
    ):
        assert REFUSED in forked(lambda ask=ask: str(ask()))
    assert [path.name for path in tmp_path.iterdir()] == ["before.parquet"]


@FORKS
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_finds_no_lock_shut() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    wanted = answers(rules.evaluate(data, AS_OF))
    inside, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with rules._lock, data._lock, data._sources["orders"]._lock:
            inside.set()
            enough.wait(60)

    def make() -> None:
        data._once("never", lambda: enough.wait(60))

    holders = [threading.Thread(target=make), threading.Thread(target=hold)]
    holders[0].start()
    while "never" not in data._made:
        time.sleep(0.001)
    holders[1].start()
    inside.wait(60)
    try:
        assert forked(lambda: str(answers(rules.evaluate(data, AS_OF)) == wanted)) == "True"
        assert REFUSED in forked(lambda: str(data._once("never", lambda: 1)))
        assert forked(lambda: str(sk.compile(TEXT, data.schema).program() is not None)) == "True"
    finally:
        enough.set()
        for each in holders:
            each.join()


@FORKS
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forks_while_other_threads_evaluate_and_begin() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    wanted = answers(rules.evaluate(data, AS_OF))
    enough = threading.Event()

    def busy() -> None:
        while not enough.is_set():
            rules.evaluate(data, AS_OF, threads=2)
            sk.compile(TEXT, data.schema).evaluate(data, AS_OF)

    others = [threading.Thread(target=busy) for _ in range(3)]
    for each in others:
        each.start()
    try:
        for _ in range(8):
            assert forked(lambda: str(answers(rules.evaluate(data, AS_OF)) == wanted)) == "True"
    finally:
        enough.set()
        for each in others:
            each.join()


@FORKS
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_function_of_the_hosts_is_refused_after_a_fork() -> None:
    frame = pl.DataFrame({"id": [1, 2], "at": [None, None]}, schema={"id": pl.Int64, "at": pl.Datetime("us", "UTC")})
    data = sk.Dataset({"c": frame}, root="c", key="id")
    later = sk.Function("later", ["timestamp"], "timestamp", lambda at: at)
    rules = sk.compile("segment s when later(coalesce(at, 3 hours ago)) before now", data.schema, functions=[later])
    assert rules.evaluate(data, AS_OF).count("s") == 2
    assert f"the function later {REFUSED}" in forked(lambda: str(rules.evaluate(data, AS_OF)))


def spawned(frame: pl.DataFrame, text: str) -> int:
    data = sk.Dataset({"c": frame}, root="c", key="id")
    return sk.compile(text, data.schema).evaluate(data, AS_OF).members("s").len()


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_spawned_processes_evaluate(how: str) -> None:
    if how not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {how}")
    frame = pl.DataFrame({"id": [1, 2, 3], "n": [5, 6, 7]})
    with multiprocessing.get_context(how).Pool(2) as pool:
        work = [pool.apply_async(spawned, (frame, f"segment s when n > {least}")) for least in (4, 5, 6)]
        assert [each.get(timeout=120) for each in work] == [3, 2, 1]


# ---- deadlines


def test_a_deadline_is_a_number_of_seconds_from_0_on() -> None:
    data = shop(100, 300)
    rules = sk.compile(TEXT, data.schema)
    for wrong in (-1, -0.001, math.nan, -math.inf, "1", [1]):
        with pytest.raises(sk.Error, match="deadline is a number of seconds from now, 0 or more, not "):
            rules.evaluate(data, AS_OF, deadline=wrong)  # type: ignore[arg-type]
    for call in (rules.evaluate, rules.counts):
        with pytest.raises(sk.Cancelled, match="stopped after 0 seconds, as asked, before any account was evaluated"):
            call(data, AS_OF, deadline=0)
    wanted = answers(rules.evaluate(data, AS_OF))
    for enough in (None, 3600, 1e300, math.inf):
        assert answers(rules.evaluate(data, AS_OF, deadline=enough)) == wanted


def late(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has each deadline pass once it was asked for so often."""
    asked = 0

    def left(self: Deadline) -> float | None:
        nonlocal asked
        asked += 1
        return 60.0 if asked <= after else 0.0

    monkeypatch.setattr(Deadline, "left", property(left))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_deadline_stops_a_run_wherever_it_is(threads: int, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    told = set()
    for after in range(40):
        data = shop(40_000, 60_000)
        rules = sk.compile(TEXT, data.schema)
        with monkeypatch.context() as patch:
            late(after, patch)
            try:
                rules.evaluate(data, AS_OF, threads=threads, deadline=1)
            except sk.Cancelled as error:
                told.add(str(error).split(", as asked, ")[1].translate(str.maketrans("0123456789", "#" * 10)).replace("##", "#"))
            else:
                break
        assert watched.busy == 0
    assert "before any account was evaluated" in told
    assert "between what is asked of all accounts" in told
    assert any(each.startswith("with #") for each in told)
    assert answers(rules.evaluate(data, AS_OF)) == answers(rules.evaluate(shop(40_000, 60_000), AS_OF))


def test_a_deadline_also_ends_the_wait_for_others_who_link() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    inside, enough = threading.Event(), threading.Event()

    def hold() -> None:
        with rules._lock:
            inside.set()
            enough.wait(60)

    rules.program()
    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(60)
    try:
        with pytest.raises(sk.Cancelled, match="as asked, before any account was evaluated"):
            rules.evaluate(data, AS_OF, deadline=0.05)
    finally:
        enough.set()
        holder.join()


# ---- progress


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_comes_in_order_on_the_callers_thread(threads: int) -> None:
    data, rules = wide(200_000)
    told: list[tuple[float, int]] = []
    rules.evaluate(data, AS_OF, threads=threads, progress=lambda share: told.append((share, threading.get_ident())))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert shares[0] >= 0.0
    assert shares.count(1.0) == 1
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_progress_goes_through_stages_and_statistics() -> None:
    data = shop(40_000, 60_000)
    rules = sk.compile(TEXT, data.schema)
    told: list[float] = []
    rules.evaluate(data, AS_OF, threads=1, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert 0.0 < told[0] < 1.0


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_callback_raises_stops_the_run_and_nothing_else(threads: int, watched: Watched) -> None:
    data, rules = wide(400_000)
    wanted = answers(rules.evaluate(data, AS_OF))

    def refuse(share: float) -> None:
        raise LookupError(f"enough at {share}")

    for _ in range(3):
        with pytest.raises(LookupError, match="enough at"):
            rules.evaluate(data, AS_OF, threads=threads, progress=refuse)
        assert watched.busy == 0
    assert answers(rules.evaluate(data, AS_OF)) == wanted


def test_a_callback_may_evaluate() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    other = sk.compile("segment s when score > 4", data.schema)
    found: list[int] = []
    rules.evaluate(data, AS_OF, threads=2, progress=lambda share: found.append(other.evaluate(data, AS_OF, threads=2).count("s")))
    assert set(found) == {other.evaluate(data, AS_OF).count("s")}


# ---- interrupts


@COMPILED
@pytest.mark.skipif(sys.platform == "win32", reason="signals to threads are POSIX")
@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_a_run_soon_and_leaves_no_thread_at_work(threads: int, watched: Watched) -> None:
    data, rules = wide(400_000, 400)
    wanted = answers(rules.evaluate(data, AS_OF))
    interrupted = 0
    for _ in range(5):
        timer = threading.Timer(0.02, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        timer.start()
        try:
            for _ in range(1000):
                rules.evaluate(data, AS_OF, threads=threads)
        except KeyboardInterrupt:
            interrupted += 1
        timer.join()
        assert watched.busy == 0
    assert interrupted == 5
    assert answers(rules.evaluate(data, AS_OF)) == wanted


# ---- evaluations inside others


def test_a_function_that_evaluates_its_own_rules_is_told() -> None:
    data = shop(10, 30)
    found: list[sk.Rules] = []
    own = sk.Function("own", ["whole number"], "whole number", lambda n: n + found[0].evaluate(data, AS_OF).count("s"))
    found.append(sk.compile("segment s when own(score) > 3", data.schema, functions=[own]))
    with pytest.raises(sk.DataError, match="the function own failed: Error: a function of the host's evaluates the rules that call it"):
        found[0].evaluate(data, AS_OF)
    other = sk.compile("segment o when score > 3", data.schema)
    fine = sk.Function("fine", ["whole number"], "whole number", lambda n: n + other.evaluate(data, AS_OF).count("o"))
    counted = other.evaluate(data, AS_OF).count("o")
    rules = sk.compile(f"segment s when fine(score) >= {counted}", data.schema, functions=[fine])
    assert rules.evaluate(data, AS_OF).count("s") == 10


def test_a_function_that_asks_for_what_is_made_for_it_is_told() -> None:
    data = shop(10, 30)
    with pytest.raises(sk.Error, match="evaluates rules for which it is being called itself"):
        data._once("it", lambda: data._once("it", lambda: 1))
    assert data._once("it", lambda: 2) == 2


# ---- memory


def test_data_and_rules_that_are_dropped_are_gone() -> None:
    data = shop()
    rules = sk.compile(TEXT, data.schema)
    result = rules.evaluate(data, AS_OF, threads=2, progress=lambda share: None, deadline=60)
    with pytest.raises(sk.Cancelled):
        rules.evaluate(data, AS_OF, deadline=0)
    gone = [weakref.ref(each) for each in (data, rules, result)]
    del data, rules, result
    gc.collect()
    assert [each() for each in gone] == [None] * 3


def test_two_hundred_reloads_of_data_and_rules_hold_no_more_memory() -> None:
    resource = pytest.importorskip("resource")

    def turn(number: int) -> None:
        data = shop(20_000, 20_000)
        sk.compile(f"{TEXT}\nsegment s when score > {number}", data.schema).evaluate(data, AS_OF).count("s")

    def peak() -> int:
        gc.collect()
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    for number in range(40):
        turn(number)
    before = peak()
    for number in range(200):
        turn(number)
    assert (peak() - before) * 1024 < 200 * 20_000 * 8


# ---- the document


@pytest.mark.parametrize(
    "block", re.findall(r"^```python\n(.*?)^```$", (ROOT / "EMBEDDING.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
)
def test_examples_run(block: str, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(block, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dsl")]), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "vip" in done.stdout
