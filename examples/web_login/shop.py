"""A small web shop that asks its segment rules, at login, which banner, menu and prices a customer sees.

SHOP_DATABASE=shop.sqlite python -m uvicorn --app-dir examples/web_login --factory shop:served
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

from database import account, created
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

import segkernel as sk

HERE = Path(__file__).parent
SHOWN = ("banner", "menu", "price_list")
LARGEST = 2**63 - 1
"""No key of the database is larger; a larger one in an address belongs to nobody."""
PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title><h1 id="banner">Who are you?</h1><p>
<button onclick="login(1)">Anna</button> <button onclick="login(2)">Bert</button>
<button onclick="login(3)">Chloé</button> <button onclick="login(4)">Dirk</button>
<ul id="menu"></ul><p>Prices: <b id="prices">standard</b>
<script>
async function login(number) {
  const seen = await (await fetch(`/login/${number}`, {method: "POST"})).json()
  banner.textContent = `${seen.name}: ${seen.banner}`
  prices.textContent = seen.price_list
  menu.replaceChildren(...seen.menu.map(entry => Object.assign(document.createElement("li"), {textContent: entry})))
}
</script>
"""


class Rulebook:
    """The rules in use, replaced as a whole, so that each request sees one set; `mistakes` tells why the files are not in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.schema = sk.Schema.load(folder / "segkernel.toml")
        self.mistakes = ""
        self.seen = self.stamp()
        self.rules = self.compiled()

    def files(self) -> list[Path]:
        """The rule files."""
        return sorted(self.folder.glob("segments/*.seg"))

    def stamp(self) -> list[tuple[str, int, int]]:
        """What changes whenever a rule file does."""
        return [(path.name, (found := path.stat()).st_mtime_ns, found.st_size) for path in self.files()]

    def compiled(self) -> sk.Rules:
        """The rules in the files. Raises `sk.Error` for mistakes, and where they lack what the shop shows: a file may be half saved."""
        rules = sk.compile(self.files(), self.schema)
        absent = [name for name in SHOWN if name not in rules.names]
        if absent:
            raise sk.Error(f"the shop shows what no rule chooses: {', '.join(absent)}")
        return rules

    def reload(self) -> None:
        """Take the files if they have changed and are sound; else the rules in use stay as they are."""
        try:
            stamp = self.stamp()
            if stamp != self.seen:
                self.seen = stamp
                self.rules, self.mistakes = self.compiled(), ""
        except (sk.Error, OSError) as mistakes:
            self.mistakes = str(mistakes)


def shop(folder: Path, database: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC), every: float = 1.0) -> Starlette:
    """The shop over a folder of rules and a database file; it looks for changed rules `every` so many seconds."""
    book = Rulebook(folder)

    async def watch() -> None:
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(book.reload)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(sk.warmup)
        watching = asyncio.create_task(watch())
        yield
        watching.cancel()

    async def front(_: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    # Not async: the framework calls it in one of its threads, several at a time
    def login(request: Request) -> JSONResponse:
        rules, number = book.rules, request.path_params["number"]
        with closing(sqlite3.connect(database)) as connection:
            customer = account(connection, rules, number) if number <= LARGEST else None
            if customer is None:
                return JSONResponse({"error": "there is no such customer"}, 404)
            (name,) = connection.execute("select name from customers where customer_id = ?", (number,)).fetchone()
        match = rules.match(customer, as_of=clock())
        shown = {each: match[each] for each in SHOWN}
        return JSONResponse({"name": name, **shown, "segments": sorted(match.segments)})

    async def rules_in_use(_: Request) -> JSONResponse:
        return JSONResponse({"fingerprint": book.rules.fingerprint, "names": list(book.rules.names), "mistakes": book.mistakes})

    return Starlette(
        routes=[Route("/", front), Route("/login/{number:int}", login, methods=["POST"]), Route("/rules", rules_in_use)],
        lifespan=running,
    )


def served() -> Starlette:
    """The shop over this folder's rules, for a server; the environment names its database."""
    database = Path(os.environ.get("SHOP_DATABASE", "shop.sqlite"))
    if not database.exists():
        created(str(database))
    return shop(HERE, database)
