"""The shop of `examples/web_login` through its HTTP interface: what customers see, and rules that change while it runs."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn

from tests.test_examples import EXAMPLES, module

FOLDER = EXAMPLES / "web_login"
NOW = datetime(2026, 3, 16, 9, 0, tzinfo=ZoneInfo("Europe/Amsterdam"))
SEEN = {
    1: {
        "name": "Anna",
        "banner": "Happy birthday! 10% off this week.",
        "menu": ["Your articles"],
        "price_list": "gold",
        "segments": ["birthday_soon", "loyal"],
    },
    2: {
        "name": "Bert",
        "banner": "Toner for your printer?",
        "menu": ["Invoices", "Kitchen", "Your articles"],
        "price_list": "contract",
        "segments": ["printer_without_toner", "trade"],
    },
    3: {"name": "Chloé", "banner": "We have missed you.", "menu": ["Your articles"], "price_list": "standard", "segments": ["quiet_now"]},
    4: {
        "name": "Dirk",
        "banner": "Welcome! Shipping is on us today.",
        "menu": ["First steps"],
        "price_list": "standard",
        "segments": ["newcomer"],
    },
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The project's folder, to be written to."""
    return Path(shutil.copytree(FOLDER, tmp_path / "project"))


class Client:
    """Asks a server on this machine."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str) -> tuple[int, str]:
        """The status and the text of an answer."""
        request = urllib.request.Request(self.address + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def login(self, number: int) -> Any:
        """What a customer sees."""
        return json.loads(self.ask("POST", f"/login/{number}")[1])

    def rules(self) -> Any:
        """What the shop tells of its rules."""
        return json.loads(self.ask("GET", "/rules")[1])


@pytest.fixture
def client(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "database", raising=False)
    made = module(FOLDER / "shop.py")
    made.created(str(tmp_path / "shop.sqlite"))
    shop = made.shop(rules, tmp_path / "shop.sqlite", lambda: NOW, every=0.01)
    server = uvicorn.Server(uvicorn.Config(shop, log_level="warning", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=server.run, args=([listening],))
        serving.start()
        assert eventually(lambda: server.started or not serving.is_alive(), bool)
        yield Client(listening.getsockname()[1])
        server.should_exit = True
        serving.join()


def eventually(ask: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What is answered as soon as it is as wanted; the last answer if that does not come about (kernels may have to be compiled)."""
    end = time.monotonic() + 300
    while not wanted(found := ask()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("number", SEEN)
def test_a_customer_sees_what_the_rules_choose(client: Client, number: int) -> None:
    assert client.login(number) == SEEN[number]


def test_nobody_logs_in_as_a_stranger(client: Client) -> None:
    for nobody in ("77", "9223372036854775807", "9223372036854775808", "1" + "0" * 40):
        assert client.ask("POST", f"/login/{nobody}") == (404, '{"error":"there is no such customer"}')


def test_the_front_page_is_there(client: Client) -> None:
    assert "Who are you?" in client.ask("GET", "/")[1]


def test_many_log_in_at_once(client: Client) -> None:
    numbers = list(SEEN) * 16
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(client.login, numbers))
    assert found == [SEEN[number] for number in numbers]


def test_edited_rules_come_into_use_while_the_shop_runs(client: Client, rules: Path) -> None:
    before = client.rules()
    path = rules / "segments" / "welcome.seg"
    # Another threshold, and a field that the shop has not selected so far
    text = path.read_text(encoding="utf-8").replace("loyal_from = 500", "loyal_from = 5_000")
    path.write_text(text + '\nsegment called_anna when name = "Anna"\n', encoding="utf-8")
    after = eventually(client.rules, lambda found: "called_anna" in found["names"])
    assert after["names"] == [*before["names"], "called_anna"]
    assert after["fingerprint"] != before["fingerprint"]
    seen = client.login(1)
    assert (seen["price_list"], seen["segments"]) == ("standard", ["birthday_soon", "called_anna"])


def test_a_file_that_is_half_saved_does_not_come_into_use(client: Client, rules: Path) -> None:
    path = rules / "segments" / "welcome.seg"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: whole.index("collect menu")], encoding="utf-8")
    found = eventually(client.rules, lambda found: found["mistakes"].endswith(": menu"))
    assert found["mistakes"] == "the shop shows what no rule chooses: menu"
    assert client.login(2) == SEEN[2]


def test_wrong_rules_do_not_come_into_use(client: Client, rules: Path) -> None:
    path = rules / "segments" / "welcome.seg"
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace("birthday)", "birthdy)"), encoding="utf-8")
    found = eventually(client.rules, lambda found: "birthdy" in found["mistakes"])
    assert 'did you mean "birthday"?' in found["mistakes"]
    assert client.login(1) == SEEN[1]
    path.write_text(sound, encoding="utf-8")
    assert eventually(client.rules, lambda found: not found["mistakes"])["mistakes"] == ""
