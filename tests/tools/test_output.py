"""How commands write: words before colours, and text that every terminal can show."""

import io
import json

import pytest

from tools.output import Output, Paint, table, to_ascii

ESCAPE = "\x1b"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Latin(io.StringIO):
    encoding = "ascii"


@pytest.mark.parametrize(
    ("environment", "no_color", "coloured"),
    [
        ({}, False, True),
        ({"TERM": "xterm"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"RVX_NO_COLOR": "1"}, False, False),
        ({}, True, False),
    ],
)
def test_colour_is_off_when_it_is_not_wanted(environment: dict[str, str], no_color: bool, coloured: bool) -> None:
    paint = Paint(Terminal(), environment, no_color)
    assert (ESCAPE in paint.fail("down")) is coloured
    assert "down" in paint.fail("down")


def test_a_stream_that_is_no_terminal_has_no_colour_and_each_stream_is_judged_for_itself() -> None:
    out = Output(result=io.StringIO(), side=Terminal(), environment={})
    assert not out.paint.colour
    assert out.side_paint.colour


def test_the_word_stands_whether_coloured_or_not() -> None:
    coloured, plain = Paint(Terminal(), {}), Paint(io.StringIO(), {})
    for word in ("ok", "warn", "fail", "skip"):
        assert f"[{word}]" in coloured.word(word)
        assert len(plain.word(word)) == len("[fail]")
    assert ESCAPE not in coloured.word("ok")


def test_results_and_hints_go_to_streams_of_their_own() -> None:
    result, side = io.StringIO(), io.StringIO()
    out = Output(result=result, side=side, environment={})
    out.progress("1 of 2 starting")
    out.line("answer")
    out.note("hint")
    assert result.getvalue() == "answer\n"
    assert side.getvalue() == "1 of 2 starting\nhint\n"


def test_progress_on_a_terminal_is_one_line_that_goes_away() -> None:
    side = Terminal()
    out = Output(result=io.StringIO(), side=side, environment={})
    out.progress("1 of 2")
    out.progress("2 of 2")
    out.done()
    assert "\n" not in side.getvalue()
    assert side.getvalue().endswith("\r\x1b[K")


def test_text_reads_alike_in_ascii() -> None:
    assert to_ascii("Växeln når ≥ 3 – å, é → 5 °C") == "Vaxeln nar >= 3 - a, e -> 5  degC"
    stream = Latin()
    Output(result=stream, side=io.StringIO(), environment={}).line("Reservväxel")
    assert stream.getvalue() == "Reservvaxel\n"


def test_a_document_has_the_envelope_and_unknown_is_null() -> None:
    result = io.StringIO()
    Output(json=True, result=result, side=io.StringIO(), environment={}).document("ok", probe_ms=None)
    document = json.loads(result.getvalue())
    assert list(document) == ["schema", "tool", "version", "time", "verdict", "problems", "probe_ms"]
    assert document["probe_ms"] is None
    assert document["time"].endswith("Z")


def test_a_table_aligns_all_columns_but_the_last() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
    assert table([]) == []
