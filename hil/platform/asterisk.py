"""Asterisk as the shared platform: a back-to-back user agent, with the media through it or past it.

Debian 12 has no Asterisk: that of an older release is run by chroot inside the host's namespace.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from hil.debian import chroot, unpacked
from hil.net import Host, NetError
from hil.platform import Binding, PlatformError, ip_of
from hil.platform.daemon import Daemon, OneDaemon

__all__ = ["AsteriskPlatform", "asterisk_root"]

SUITES = ("bullseye", "sid")  # of Debian, tried in this order
HERE = "/mnt"  # where it finds its folder
CONTROL_TIMEOUT_S = 10.0
EXPIRES_MAX_S = 3_600
RTP_PORTS = (20_000, 29_999)
RING_S = 120
MODULES_CONF = """
[modules]
autoload=no
load=app_dial.so
load=bridge_builtin_features.so
load=bridge_native_rtp.so
load=bridge_simple.so
load=chan_pjsip.so
load=codec_alaw.so
load=codec_ulaw.so
load=pbx_config.so
load=res_pjproject.so
load=res_pjsip.so
load=res_pjsip_authenticator_digest.so
load=res_pjsip_caller_id.so
load=res_pjsip_endpoint_identifier_ip.so
load=res_pjsip_endpoint_identifier_user.so
load=res_pjsip_path.so
load=res_pjsip_pubsub.so
load=res_pjsip_registrar.so
load=res_pjsip_rfc3326.so
load=res_pjsip_sdp_rtp.so
load=res_pjsip_session.so
load=res_rtp_asterisk.so
load=res_sorcery_astdb.so
load=res_sorcery_config.so
load=res_sorcery_memory.so
load=res_timing_timerfd.so
"""
ASTERISK_CONF = """
[directories]
astetcdir={here}
astdbdir={here}
astlogdir={here}
astspooldir={here}/spool
astrundir={here}/run
"""
PJSIP_CONF = """
[global]
type=global
default_realm={realm}
endpoint_identifier_order=ip,auth_username,username

[udp]
type=transport
protocol=udp
bind={ip}:{port}

[tcp]
type=transport
protocol=tcp
bind={ip}:{port}
"""
MEDIA = """disallow=all
allow=alaw,ulaw
direct_media={direct}
media_address={ip}
bind_rtp_to_media_address=yes
context=inside
"""


class AsteriskPlatform(OneDaemon):
    """A :class:`hil.platform.Platform`, on top of what :func:`asterisk_root` gives.

    ``users``, ``path``, ``persistent`` and ``outside`` as for Kamailio. With ``direct_media`` two parties' sound goes
    past it (re-INVITE), without it everything goes through it. With ``qualify_s`` each contact is asked by OPTIONS so
    often, with ``session_s`` (90 at least) a call that is not refreshed (RFC 4028) ends after so long.

    Asterisk answers OPTIONS of strangers with 401. With ``path`` it rings one contact of an extension only, and follows
    the Path only where the user in the contact is the extension (asterisk/asterisk#732).
    """

    def __init__(
        self,
        host: Host,
        ip: str,
        port: int = 5060,
        *,
        realm: str,
        users: dict[str, str],
        path: bool = True,
        persistent: bool = False,
        direct_media: bool = False,
        qualify_s: int = 0,
        session_s: int = 0,
        outside: str | None = None,
    ) -> None:
        self.realm = realm
        self.uri = f"sip:{ip}:{port}"
        self._host = host
        self._persistent = persistent
        self._directory = host.directory / "asterisk"
        (self._directory / "run").mkdir(parents=True, exist_ok=True)
        media = MEDIA.format(direct=_yes(direct_media), ip=ip)
        media += f"timers=always\ntimers_sess_expires={session_s}\n" if session_s else ""
        endpoints = [_endpoint(user, password, realm, path, qualify_s, media) for user, password in users.items()]
        if outside is not None:
            endpoints.append(_outside(outside, media))
        files = {
            "asterisk.conf": ASTERISK_CONF.format(here=HERE),
            "modules.conf": MODULES_CONF,
            "logger.conf": "[general]\n[logfiles]\nasterisk.log=notice,warning,error\n",
            "cdr.conf": "[general]\nenable=no\n",
            "rtp.conf": "[general]\nrtpstart={}\nrtpend={}\n".format(*RTP_PORTS),
            "extensions.conf": _dialplan(list(users), path, outside is not None),
            "pjsip.conf": PJSIP_CONF.format(ip=ip, port=port, realm=realm) + "".join(endpoints),
        }
        for name, text in files.items():
            (self._directory / name).write_text(text)
        args = self._asterisk("-f")
        self._daemon = Daemon(host, args, self._directory / "asterisk.log", self._serves)

    def start(self) -> None:
        """Start and wait until it serves. Raises PlatformError with the end of its log."""
        if not self._persistent:
            (self._directory / "astdb.sqlite3").unlink(missing_ok=True)
        self._daemon.start()

    def busy503(self, on: bool) -> None:
        """Asterisk cannot be told to: raises PlatformError."""
        raise PlatformError("Asterisk cannot be told to answer 503 to everything")

    def registrations(self) -> dict[str, list[Binding]]:
        """What it holds now, by extension; extensions without a contact are left out."""
        return bindings_of(self._ask("database show registrar"), time.time())

    def carried(self) -> int:
        """Calls since the start, each counted once."""
        return int(re.findall(r"(\d+) calls? processed", self._ask("core show channels"))[0])

    def reachable(self) -> set[str]:
        """Extensions with a contact that answers its OPTIONS."""
        return set(re.findall(r"Contact: +([^/\s]+)/\S+ +\S+ Avail", self._ask("pjsip show contacts")))

    def _serves(self) -> bool:
        try:
            return "fully booted" in self._ask("core waitfullybooted")
        except PlatformError:
            return False

    def _ask(self, command: str) -> str:
        try:
            return self._host.run(self._asterisk("-rx", command), CONTROL_TIMEOUT_S).stdout
        except NetError as error:
            raise PlatformError(f"{self.uri} does not answer {command!r}: {error}") from error

    def _asterisk(self, *args: str) -> list[str]:
        command = ["asterisk", "-C", f"{HERE}/asterisk.conf", *args]
        return chroot(asterisk_root(), {HERE: self._directory}, command)


def asterisk_root() -> Path:
    """The file system with Asterisk, unpacked at the first call (half a minute). Raises DebianError."""
    return unpacked("asterisk", SUITES, ["asterisk"])


def bindings_of(text: str, now_s: float) -> dict[str, list[Binding]]:
    """The contacts in Asterisk's ``database show registrar``; lines of another kind are passed over."""
    held: dict[str, list[Binding]] = {}
    for match in re.finditer(r"^/registrar/contact/(\S+?);@\S+\s*: (\{.*\})\s*$", text, re.MULTILINE):
        entry = json.loads(match[2])
        left_s = int(float(entry["expiration_time"]) - now_s)
        contact = Binding(contact=entry["uri"], path=entry.get("path") or None, expires_s=left_s)
        held.setdefault(match[1], []).append(contact)
    return held


def _endpoint(user: str, password: str, realm: str, path: bool, qualify_s: int, media: str) -> str:
    return f"""
[{user}]
type=aor
max_contacts=10
support_path={_yes(path)}
maximum_expiration={EXPIRES_MAX_S}
qualify_frequency={qualify_s}

[{user}]
type=auth
auth_type=userpass
realm={realm}
username={user}
password={password}

[{user}]
type=endpoint
aors={user}
auth={user}
identify_by=auth_username,username
{media}"""


def _outside(uri: str, media: str) -> str:
    return f"""
[outside]
type=aor
contact={uri}

[outside]
type=identify
endpoint=outside
match={ip_of(uri)}

[outside]
type=endpoint
aors=outside
{media}"""


def _dialplan(users: list[str], path: bool, outside: bool) -> str:
    lines = ["[inside]"]
    for user in users:
        # Asterisk follows a Path only when it looks for a contact by itself, and then takes one.
        target = f"PJSIP/{user}" if path else "${contacts}"
        lines += [
            f"exten => {user},1,Set(contacts=${{PJSIP_DIAL_CONTACTS({user})}})",
            ' same => n,GotoIf($["${contacts}"=""]?absent)',
            f" same => n,Dial({target},{RING_S})",
            " same => n,Hangup(${HANGUPCAUSE})",
            " same => n(absent),Hangup(20)",  # Q.850 20, subscriber absent: 480
        ]
    if outside:
        for number in ("112", "_+46X."):
            lines.append(f"exten => {number},1,Dial(PJSIP/${{EXTEN}}@outside,{RING_S})")
            lines.append(" same => n,Hangup(${HANGUPCAUSE})")
    return "\n".join(lines) + "\n"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
