"""The manual and the man page, as far as the documents' own tests do not look."""

import re
import shutil
import subprocess

import pytest

from tools import man
from tools.commands import COMMANDS
from tools.parser import parser_of


def test_every_argument_of_every_command_is_in_the_manual() -> None:
    text = man.manual()
    for command in man.commands():
        section = text.split(f"### rvx {command.name}\n")[1].split("\n##")[0]
        for action in man.own_arguments(parser_of(command)):
            assert all(f"{option}" in section for option in action.option_strings)
            assert str(action.help) in section


def test_commands_with_actions_are_given_by_their_actions() -> None:
    names = [command.name for command in man.commands()]
    assert "extension" not in names
    assert "extension add" in names
    assert len(names) == sum(len(command.actions) or 1 for command in COMMANDS.values())


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_the_man_page_is_one_that_man_can_show() -> None:
    command = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-"]
    done = subprocess.run(command, input=man.man_page(), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "extension add" in re.sub(".\b", "", done.stdout)  # bold is a letter struck twice
