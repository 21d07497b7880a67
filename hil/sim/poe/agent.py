"""Real net-snmp as the agent of a simulated switch or UPS, on this machine or in a namespace of hil.net."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.snmp import Access, Auth, Privacy
from hil.sim.poe.switch import ETHERNET, Switch

__all__ = ["AUTHS", "PRIVACIES", "SUBTREES", "NetSnmp", "missing"]

UPS = "1.3.6.1.2.1.33"
IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18"
SUBTREES = (ETHERNET, UPS, IF_ALIAS)
AUTHS = {Auth.SHA224: "SHA-224", Auth.SHA256: "SHA-256", Auth.SHA384: "SHA-384", Auth.SHA512: "SHA-512"}
PRIVACIES = {Privacy.AES128: "AES", Privacy.AES192: "AES-192", Privacy.AES256: "AES-256"}
START_S = 20.0
POLL_S = 0.05
END_S = 5.0


def missing() -> str:
    """What this machine lacks for it, or ""."""
    return "" if shutil.which("snmpd") else "snmpd (apt-get install snmpd)"


@dataclass
class NetSnmp:
    """`start`: as subprocess.Popen, for another namespace."""

    folder: Path
    access: Access
    start: Callable[..., subprocess.Popen[Any]] = subprocess.Popen
    engine_id: str = "rvxsim"
    process: subprocess.Popen[Any] | None = field(default=None, init=False)

    @property
    def file(self) -> Path:
        return self.folder / "switch.json"

    @contextmanager
    def changing(self) -> Iterator[Switch]:
        """What the switch is, to be changed by a test; nothing else may be writing."""
        switch = Switch.read(self.file)
        yield switch
        switch.write(self.file)

    def up(self, switch: Switch | None = None) -> None:
        """Until it answers for UDP on its port."""
        if switch is not None:
            switch.write(self.file)
        conf = self.folder / "snmpd.conf"
        conf.write_text("\n".join(self._lines()) + "\n")
        conf.chmod(0o600)
        log = self.folder / "snmpd.log"
        # It is to ask nothing of Debian's own configuration, nor to leave its state where the machine's is.
        environment = {
            **os.environ,
            "SNMP_PERSISTENT_DIR": str(self.folder / "state"),
            "SNMPCONFPATH": str(self.folder),
            "MIBS": "",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        command = ["snmpd", "-f", "-C", "-c", str(conf), "-Lf", str(log)]
        self.process = self.start(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while "NET-SNMP version" not in (log.read_text(errors="replace") if log.exists() else ""):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.down()
                raise RuntimeError(f"snmpd did not start: {log.read_text(errors='replace') if log.exists() else ''}")
            time.sleep(POLL_S)

    def down(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        (self.folder / "snmpd.log").unlink(missing_ok=True)

    def _lines(self) -> Sequence[str]:
        access = self.access
        passed = f"{sys.executable} -m hil.sim.poe.passed {self.file}"
        return [
            f"agentaddress udp:{access.address}:{access.port}",
            f"engineID {self.engine_id}",
            f'createUser {access.user} {AUTHS[access.auth]} "{access.auth_password}" '
            f'{PRIVACIES[access.privacy]} "{access.privacy_password}"',
            f"rwuser {access.user} authpriv .1.3.6.1.2.1",
            *(f"pass_persist -p 10 .{subtree} {passed}" for subtree in SUBTREES),
        ]
