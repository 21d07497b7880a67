"""The site's server of mail, spoken to by the standard library's SMTP client, in a thread.

What it says is bounded in lines and in time. How far a mail had come when something went wrong is known exactly: a mail
whose last line was not sent has not been taken, whatever happened; after that line only an answer tells.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from firmware.mail.policy import Happened, Stage, meaning, one_line

__all__ = ["END_S", "STEP_S", "Answer", "Limits", "Server", "Session"]

STEP_S = 30.0
"""A server may take so long for an answer (RFC 5321 §4.5.3.2 wants minutes; a queue behind it does not)."""
END_S = 600.0
"""And for the one after the mail (RFC 5321 §4.5.3.2.6): who gives up sooner sends twice what was taken."""
SESSION_S = 900.0
"""All of one mail: a server that says a byte now and then ends here."""
LINES_MAX, LINE_MAX = 64, 2_048
"""Of one answer (RFC 5321 §4.5.3.1.5 has lines of 512)."""
_SIZE_DIGITS = 15
_OK = range(200, 300)
_GO_ON = 354


@dataclass(frozen=True, slots=True)
class Limits:
    step_s: float = STEP_S
    end_s: float = END_S
    session_s: float = SESSION_S


@dataclass(frozen=True, slots=True)
class Server:
    """`security`: starttls, tls or none. `own_name`: what the unit calls itself."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""
    ca_file: str = ""
    own_name: str = "reservvaxel"
    limits: Limits = Limits()

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.security})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a mail, and what the server said."""

    happened: Happened
    text: str


class _Unreadable(Exception):
    """What the server said is no answer."""


class _Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Client(smtplib.SMTP):
    """With answers that end."""

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        said = []
        for _ in range(LINES_MAX):
            line = self.file.readline(LINE_MAX + 1)
            if not line:
                raise smtplib.SMTPServerDisconnected("the server hung up")
            match = _LINE.match(line)
            if len(line) > LINE_MAX or match is None or not line.endswith(b"\n"):
                raise _Unreadable(f"no answer of SMTP: {line[:60]!a}")
            said.append(line[4:].strip())
            if match[2] != b"-":
                return int(match[1]), b"\n".join(said)
        raise _Unreadable("an answer without end")


class _TlsClient(_Client):
    def __init__(self, context: ssl.SSLContext, own_name: str, timeout: float) -> None:
        super().__init__(local_hostname=own_name, timeout=timeout)
        self._context = context

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


_LINE = re.compile(rb"([2-5][0-9]{2})([ \-]|(?=\r?\n))")
_DOT = re.compile(rb"(?m)^\.")


class Session:
    """A connection, for one mail after the other. Belongs to one thread but for `abort`. `stage` and what happens:
    firmware.mail.policy."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: _Client | None = None
        self._stage = Stage.GREETING

    def deliver(self, sender: str, recipient: str, compose: Callable[[int | None], bytes]) -> Answer:
        """Give it one mail. `compose` makes it, by the size that the server takes, None where it does not say. After
        anything but TAKEN the connection is gone."""
        watch = threading.Timer(self._server.limits.session_s, self.abort)
        watch.daemon = True
        watch.start()
        try:
            text = self._deliver(sender, recipient, compose)
        except _Refused as error:
            answer = Answer(meaning(self._stage, error.code), self._said(f"{error.code} {error}"))
        except Exception as error:  # whatever the library makes of what the server says is the server's
            answer = Answer(meaning(self._stage, None), self._said(str(error) or type(error).__name__))
        else:
            return Answer(Happened.TAKEN, self._said(text))
        finally:
            watch.cancel()
        self.close()
        return answer

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError, _Unreadable, ValueError):
                if client.sock is not None:
                    client.sock.settimeout(1.0)
                client.quit()
            client.close()

    def abort(self) -> None:
        """From any thread: whoever waits for the server waits no longer."""
        client = self._client
        sock = client.sock if client is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _deliver(self, sender: str, recipient: str, compose: Callable[[int | None], bytes]) -> str:
        client = self._client or self._connected()
        self._stage = Stage.SENDER
        utf8 = not (sender + recipient).isascii()
        if utf8 and not client.has_extn("smtputf8"):
            self._stage = Stage.RECIPIENT
            raise _Refused(553, "the server takes no addresses with other letters than a to z")
        size = client.esmtp_features.get("size", "")
        content = self._composed(compose, int(size) if size.isdecimal() and len(size) < _SIZE_DIGITS else 0)
        options = [f"size={len(content)}"] if client.has_extn("size") else []
        options += ["smtputf8"] if utf8 else []
        self._wants(client.mail(sender, options))
        self._stage = Stage.RECIPIENT
        self._wants(client.rcpt(recipient))
        self._stage = Stage.DATA
        client.putcmd("data")
        code, said = client.getreply()
        if code != _GO_ON:
            # A server that has taken the mail before it has it is none.
            raise _Refused(code if code >= 400 else 421, said.decode("utf-8", "replace"))
        client.send(content if content.endswith(b"\r\n") else content + b"\r\n")
        if client.sock is not None:
            client.sock.settimeout(self._server.limits.end_s)
        self._stage = Stage.END
        client.send(b".\r\n")
        text = self._wants(client.getreply())
        if client.sock is not None:
            client.sock.settimeout(self._server.limits.step_s)
        return text

    def _composed(self, compose: Callable[[int | None], bytes], size: int) -> bytes:
        try:
            content = compose(size or None)
        except (ValueError, LookupError, TypeError) as error:
            # This mail's own: those behind it are not to wait for it.
            self._stage = Stage.DATA
            raise _Refused(554, f"cannot be written: {error}") from error
        return _DOT.sub(b"..", content)

    def _connected(self) -> _Client:
        server, step_s = self._server, self._server.limits.step_s
        self._stage = Stage.GREETING
        context = None if server.security == "none" else ssl.create_default_context(cafile=server.ca_file or None)
        client = (
            _TlsClient(context, server.own_name, step_s)
            if context is not None and server.security == "tls"
            else _Client(local_hostname=server.own_name, timeout=step_s)
        )
        self._client = client
        self._wants(client.connect(server.host, server.port))
        self._hello(client)
        if context is not None and server.security == "starttls":
            self._stage = Stage.TLS
            # starttls wants the name for the certificate; connect sets it only from the constructor.
            client._host = server.host  # type: ignore[attr-defined]
            self._wants(client.starttls(context=context))
            self._hello(client)
        if server.user:
            self._stage = Stage.LOGIN
            try:
                client.login(server.user, server.password)
            except smtplib.SMTPAuthenticationError as error:
                # Its words may hold what it was sent.
                raise _Refused(error.smtp_code, "the server refuses the login") from None
        return client

    def _hello(self, client: _Client) -> None:
        self._stage = Stage.HELLO
        code, _ = client.ehlo()
        if code not in _OK:
            self._wants(client.helo())

    def _wants(self, reply: tuple[int, bytes]) -> str:
        code, said = reply
        text = said.decode("utf-8", "replace")
        if code not in _OK:
            raise _Refused(code, text)
        return f"{code} {text}"

    def _said(self, text: str) -> str:
        """What it said, without what nobody may read."""
        password = self._server.password
        return one_line(text.replace(password, "…") if password else text, 200) or "no answer"
