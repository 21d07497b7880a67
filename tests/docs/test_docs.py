"""The documents say what is there: every command, setting and code, and no others."""

import re
from pathlib import Path

import pytest

from firmware.config import known_keys
from tools import man
from tools.commands import COMMANDS
from tools.errors.catalog import CATALOG

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def read(path: Path) -> str:
    assert path.exists(), f"{path.relative_to(ROOT)} is missing"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", man.FILES)
def test_what_is_generated_is_up_to_date(file: str) -> None:
    assert read(DOCS / file) == man.FILES[file](), "run: python -m tools.man"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"rvx {name}" in read(ROOT / "README.md")


def test_every_setting_is_in_the_configuration_document() -> None:
    sections = re.split(r"^## ", read(DOCS / "configuration.md"), flags=re.MULTILINE)
    for key in known_keys():
        head = f"[[{key.section}]]" if key.many else f"[{key.section}]"
        (section,) = [text for text in sections if text.startswith(f"{head} in {key.file}\n")]
        assert f"| `{key.name}` |" in section


def test_every_command_is_in_the_manual_and_the_man_page() -> None:
    manual, page = read(DOCS / "manual.md"), read(DOCS / "rvx.1")
    for command in man.commands():
        assert f"### rvx {command.name}\n" in manual
        assert f".B rvx {command.name}\n" in page


def test_every_code_is_in_the_list_of_codes() -> None:
    codes = read(DOCS / "errors.md")
    assert [code for code in CATALOG if f"### {code}\n" not in codes] == []


def test_links_between_documents_lead_somewhere() -> None:
    for file in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(file)):
            assert (file.parent / target).exists(), f"{file.name} links to {target}, which is not there"
