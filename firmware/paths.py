"""What lies where under a unit's state folder."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Paths", "closed_to_others", "recording_of"]


@dataclass(frozen=True)
class Paths:
    """What lies where under `state_dir`, and under `run_dir`, which on a unit is in memory."""

    state: Path
    run_dir: Path | None = None

    @property
    def run(self) -> Path:
        """Sockets, rendered files, bindings; made anew at each start of the machine."""
        return self.run_dir or self.state / "run"

    @property
    def edge(self) -> Path:
        """Kamailio's own: tables."""
        return self.state / "edge"

    @property
    def bindings(self) -> Path:
        """Kamailio writes each of them anew at each refresh: 500 phones do so eight times a second, for ever."""
        return self.run / "bindings.db"

    @property
    def bindings_kept(self) -> Path:
        """The same as of a minute ago, where they outlive the machine."""
        return self.edge / "bindings.db"

    @property
    def tables(self) -> Path:
        """Kamailio's hash tables that outlive it."""
        return self.edge / "tables.db"

    @property
    def learnt(self) -> Path:
        """What the unit had learnt that this one replaces: with it new tables begin."""
        return self.edge / "learnt.json"

    @property
    def route_key(self) -> Path:
        """What makes the keys of our Record-Route."""
        return self.edge / "route.key"

    @property
    def importing(self) -> Path:
        """There while the files of an imported identity are put in their places: no process starts on half of them."""
        return self.state / "importing"

    @property
    def acc(self) -> Path:
        return self.state / "acc"

    @property
    def ca(self) -> Path:
        """The unit's own CA: what phones are given to know the unit by."""
        return self.state / "tls" / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.state / "tls" / "ca.key"

    @property
    def nodes(self) -> Path:
        """What the platform's names stood for when last asked."""
        return self.state / "nodes.json"

    @property
    def node_list(self) -> Path:
        """The same as the edge reads it."""
        return self.run / "dispatcher.list"

    @property
    def edge_socket(self) -> Path:
        return self.run / "edge.sock"

    @property
    def edge_config(self) -> Path:
        return self.run / "edge.cfg"

    @property
    def edge_told(self) -> Path:
        """A digest of what the edge that runs was told by its configuration."""
        return self.run / "edge.told"

    @property
    def edge_log(self) -> Path:
        return self.run / "edge.log"

    @property
    def edge_pid(self) -> Path:
        return self.run / "edge.pid"

    @property
    def keepalived_config(self) -> Path:
        return self.run / "keepalived.conf"

    @property
    def led(self) -> Path:
        """Calls that `calls` leads just now."""
        return self.run / "led"

    @property
    def led_trunk(self) -> Path:
        """The same of `trunk`."""
        return self.run / "led-trunk"

    @property
    def no_sound(self) -> Path:
        """There while `calls` has no sound; holds why."""
        return self.run / "no-sound"

    @property
    def discharging(self) -> Path:
        """The name of the source whose battery is being discharged on purpose."""
        return self.state / "discharging"

    @property
    def halted(self) -> Path:
        """What a halt leaves for the next start."""
        return self.state / "halted.json"

    @property
    def unit_socket(self) -> Path:
        return self.run / "unit.sock"

    @property
    def tunnel(self) -> Path:
        """What the process `tunnel` tells of itself."""
        return self.run / "tunnel.json"

    @property
    def data_shown(self) -> Path:
        """What the process `data` tells of itself."""
        return self.run / "data.json"

    @property
    def web_shown(self) -> Path:
        """What the process `web` tells of itself."""
        return self.run / "web.json"

    @property
    def sync(self) -> Path:
        """The unit's key and certificate towards the hub, and what is on its way from there."""
        return self.state / "sync"

    @property
    def sync_shown(self) -> Path:
        """What the process `sync` tells of itself."""
        return self.run / "sync.json"

    @property
    def sync_socket(self) -> Path:
        return self.run / "sync.sock"

    @property
    def data_usage(self) -> Path:
        """How much was sent by data, this day and this month."""
        return self.state / "data-usage.json"

    @property
    def endpoint(self) -> Path:
        """Where the platform's WireGuard was last."""
        return self.state / "endpoint.json"

    @property
    def calls_socket(self) -> Path:
        return self.run / "calls.sock"

    @property
    def trunk_socket(self) -> Path:
        return self.run / "trunk.sock"

    @property
    def heart_socket(self) -> Path:
        """By which the microcontroller is met."""
        return self.run / "heart.sock"

    @property
    def sim_pins(self) -> Path:
        """Which SIMs a PIN was tried on, so that a wrong one is never tried twice."""
        return self.state / "sim_pins.json"

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def messages(self) -> Path:
        """What callers have left: sound, whose rows are in `journal`."""
        return self.state / "messages"

    @property
    def greetings(self) -> Path:
        """What people have spoken for their mailboxes: sound, whose rows are in `journal`."""
        return self.state / "greetings"

    @property
    def threats(self) -> Path:
        """Calls that were marked as threats: sound, whose rows are in `journal`."""
        return self.state / "threats"

    @property
    def directory(self) -> Path:
        return self.state / "directory.db"


def recording_of(folder: Path, name: str) -> Path:
    """Where the sound of that name lies."""
    return folder / f"{name}.wav"


def closed_to_others(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that only its owner may enter."""
    ways = [folder for folder in reversed((path, *path.parents)) if folder.exists()]
    return next((folder for folder in ways if not folder.stat().st_mode & stat.S_IXOTH), None)
