"""The rig's server of mail as a program, the real process that sends, and what judges them."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firmware.mail.policy import Kind
from firmware.store.database import connect
from firmware.store.mail import Mail, MailRows
from hil.smtp import FAULTS, came, mail_wrong, set_fault

ROOT = Path(__file__).parents[2]
STEP_S = 20.0
ANNA = "anna@norrby.example"
UNIT = """[unit]
name = "gw-1"
state_dir = "{state}"
[edge]
listen = ["udp:127.0.0.1:5060"]
[mail]
server = "127.0.0.1:{port}"
security = "none"
sender = "gw@norrby.example"
per_minute = 600
"""


@dataclass
class Post:
    """A server and a process `web`, each of which may die."""

    folder: Path
    port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    promised: list[str] = field(default_factory=list)

    def start(self, name: str) -> None:
        server = ["-m", "hil.smtp", "127.0.0.1", str(self.port), str(self.mails)]
        web = ["-m", "firmware.app", "web", "--config", str(self.folder / "unit.toml")]
        log = (self.folder / f"{name}.log").open("ab")
        words = server if name == "server" else web
        self.running[name] = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=log, stderr=log)
        log.close()

    def kill(self, name: str) -> None:
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    @property
    def mails(self) -> Path:
        return self.folder / "mails"

    @property
    def journal(self) -> Path:
        return self.folder / "state" / "journal.db"

    def queue(self, name: str) -> None:
        with closing(MailRows.open(self.journal)) as rows:
            now = datetime.now(UTC)
            rows.queue(Mail(id=name, kind=Kind.MEMO, to=ANNA, subject="x", text="x", set_by="rig", queued_at=now))
        self.promised.append(name)

    def wrong(self, *, quiet: bool = False) -> list[str]:
        with closing(connect(self.journal, "journal")) as journal:
            return mail_wrong(journal, self.mails, self.promised, quiet=quiet)

    def wait(self, seen: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + STEP_S
        while not seen():
            assert time.monotonic() < until, what
            time.sleep(0.05)


@pytest.fixture
def folder() -> Iterator[Path]:
    """That the edge's user may enter."""
    with tempfile.TemporaryDirectory(prefix="rvsmtp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def post(folder: Path) -> Iterator[Post]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "state").mkdir()
    (folder / "mails").mkdir()
    MailRows.open(folder / "state" / "journal.db").close()
    (folder / "unit.toml").write_text(UNIT.format(state=folder / "state", port=port))
    made = Post(folder, port)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


@pytest.mark.wire
def test_the_real_process_sends_whatever_dies(post: Post) -> None:
    """Away, then well; killed while it sends; a server that takes one and dies: all that was promised comes, and twice
    only what is said to be doubtful."""
    post.queue("first")
    post.start("web")
    post.start("server")
    post.wait(lambda: came(post.mails).total() == 1, "one has come")
    for round_ in range(3):
        post.queue(f"killed {round_}")
        time.sleep(0.03 * round_)
        post.kill("web")
        post.start("web")
    set_fault(post.mails, "dies")
    time.sleep(0.5)
    post.queue("doubt")
    post.wait(lambda: came(post.mails).total() >= 2, "taken, and not told")
    post.kill("server")
    set_fault(post.mails)
    post.start("server")
    post.queue("last")

    def settled() -> bool:
        with closing(connect(post.journal, "journal")) as journal:
            (open_,) = journal.execute("SELECT count(*) FROM mail WHERE state IN ('waiting', 'sending')").fetchone()
        return bool(open_ == 0)

    post.wait(settled, "all are with the server, or doubtful")
    assert post.wrong(quiet=True) == []
    log = (post.folder / "web.log").read_text()
    assert "Traceback" not in log
    assert ANNA not in log


def test_what_judges_finds(post: Post) -> None:
    def came_as(*names: str) -> None:
        shutil.rmtree(post.mails)
        post.mails.mkdir()
        for number, name in enumerate(names):
            (post.mails / f"{number:06}.eml").write_bytes(f"Subject: x\r\nMessage-ID: <{name}@x>\r\n\r\nx".encode())

    for name in ("a", "b"):
        post.queue(name)
    with closing(connect(post.journal, "journal")) as journal:
        journal.execute("UPDATE mail SET message_id = id, state = 'sent', ended_at = 'x'")
    came_as("a", "b")
    assert post.wrong(quiet=True) == []
    came_as("a")
    assert post.wrong() == ["mail b is sent, and has not come"]
    came_as("a", "b", "b")
    assert post.wrong() == ["mail b came 2 times, with 0 doubts"]
    came_as("a", "b", "c")
    assert post.wrong() == ["a mail that nobody queued: c"]
    with closing(connect(post.journal, "journal")) as journal:
        journal.execute("DELETE FROM mail WHERE id = 'a'")
    came_as("b")
    assert post.wrong() == ["mail a was taken in, and is gone"]
    with closing(connect(post.journal, "journal")) as journal:
        journal.execute("UPDATE mail SET state = 'waiting'")
    assert "mail b is waiting, and the server is well" in post.wrong(quiet=True)


def test_faults_are_steps_that_the_server_has() -> None:
    steps = {"greeting", "ehlo", "mail", "rcpt", "data", "end"}
    assert all(said.keys() <= steps for said in FAULTS.values())
