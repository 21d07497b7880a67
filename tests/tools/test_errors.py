"""The catalog of errors, and that every code anywhere in the product is in it."""

import re
from pathlib import Path

import pytest

from tools.cli import main
from tools.errors import AREAS, DONE, UNKNOWN, USAGE, UserError
from tools.errors.catalog import CATALOG
from tools.output import WIDTH

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"RVX-[A-Z]\d\d")


def sources() -> list[Path]:
    folders = ("callcontrol", "drivers", "firmware", "hil", "tools")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".cfg"}]
    return [*files, ROOT / "rvx"]


def test_every_code_that_is_used_is_in_the_catalog() -> None:
    used = {code: path for path in sources() for code in CODE.findall(path.read_text(encoding="utf-8"))}
    missing = {code: str(path.relative_to(ROOT)) for code, path in used.items() if code not in CATALOG}
    assert not missing


def test_each_area_has_a_file_with_its_codes_in_order() -> None:
    defined: list[str] = []
    for path in (ROOT / "tools" / "errors").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        codes = re.findall(r'^    "(RVX-...)": Entry\(', text, re.MULTILINE)
        assert {code[: len("RVX-A")] for code in codes} <= {text[len('"""') :][: len("RVX-A")]}, path
        assert codes == sorted(codes), path
        defined += codes
    assert sorted(defined) == list(CATALOG)


def test_every_entry_says_what_why_and_what_to_do_in_both_languages() -> None:
    for code, entry in CATALOG.items():
        assert CODE.fullmatch(code)
        assert code[len("RVX-")] in AREAS
        for sentence in (*entry.sv, *entry.en):
            assert not sentence[0].islower() or sentence.startswith(("rvx", "secrets.toml", "nodes")), code
            assert sentence.endswith("."), code
        assert entry.exit_status in {USAGE, UNKNOWN}


def test_explain_is_swedish_first_and_fits_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    for code, entry in CATALOG.items():
        assert main(["explain", code]) == DONE
        text = capsys.readouterr().out
        flat = " ".join(text.split())
        assert flat.index(entry.sv.what) < flat.index(entry.en.what)
        assert all(sentence in flat for sentence in (*entry.sv, *entry.en))
        assert all(len(line) <= WIDTH for line in text.splitlines())


@pytest.mark.parametrize("given", ["RVX-N05", "rvx-n05", "n05"])
def test_a_code_may_be_given_in_any_case_and_without_its_prefix(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", given]) == DONE
    assert capsys.readouterr().out.startswith("RVX-N05\n")


def test_explain_alone_lists_all_and_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == DONE
    text = capsys.readouterr().out
    assert all(code in text for code in CATALOG)
    assert text.splitlines()[-1].startswith(f"{len(CATALOG)} codes")


def test_an_error_says_this_cases_reason_else_the_general_one() -> None:
    entry = CATALOG["RVX-C02"].en
    general, own = UserError("RVX-C02"), UserError("RVX-C02", "unit.toml: no such file.", "Make it.")
    assert (general.detail, general.remedy) == (entry.cause, entry.remedy)
    assert (own.detail, own.remedy) == ("unit.toml: no such file.", "Make it.")
