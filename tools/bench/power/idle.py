"""What a unit costs that does nothing, with everything on: how often it wakes, and how much of a core it takes.

A house at rest: ten phones that stay registered, a platform that answers its probes, two modems, a tunnel by a mobile
network that has met its other end, a UPS by NUT, a PoE switch by net-snmp, and the microcontroller under the real
MicroPython, each where this machine has it. All programs of the unit are counted, of those others none. A wake-up is a
voluntary switch: a thread that gave the processor up, and was woken to go on (proc(5)); CPU time is that of the
processes' own clocks, and of the children that they have waited for.

wireguard-go stands for the kernel's WireGuard here, which a unit has: it is told beside the sum, and not in it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from statistics import fmean

from drivers.snmp import Access
from hil.cell import ALSO, Cell, Keys, configuration
from hil.modems import Modems
from hil.net import Net
from hil.phone.sipp import Sipp, User
from hil.platform.daemon import Daemon
from hil.sim.mcuport import Port, find
from hil.sim.poe.agent import NetSnmp, missing
from hil.sim.poe.switch import Port as SwitchPort
from hil.sim.poe.switch import Switch
from hil.site import PROXY, REALM, Site, numbers
from hil.ups import SimulatedUps
from tools.bench.figures import DIGITS, LEAST_SAMPLES, Class, Figure, Goal, Scalar
from tools.bench.processes import ProcessError, confined, cpu_s, spent_s, tree, waited_s
from tools.mcuimage import compiled, sources

__all__ = ["measure", "woken"]

WAKEUPS_GOAL, CPU_GOAL = Goal(100), Goal(1)
PHONES, FIRST_PHONE, REGISTER_S = 10, 1001, 60
PHONE_IP = 11
SWITCH_IP, SNMP_PORT, SWITCH_PORTS = "10.98.0.10", 16161, 24
"""The host of the phones plays the switch, too."""
MCU = "microcontroller"
DELAY_MS = 60.0
QUIET_S = {True: 4.0, False: 15.0}
"""After the start, by `quick`: modems look at themselves, tables are folded."""
LOOKS = {True: LEAST_SAMPLES, False: 60}
EVERY_S = 1.0
STEP_S = 60.0
PROC = Path("/proc")
KERNELS = "wireguard-go"


@dataclass
class _Seen:
    """By program, a value each second; `of`: what of a house there was."""

    wakeups: dict[str, list[float]] = field(default_factory=dict)
    percents: dict[str, list[float]] = field(default_factory=dict)
    of: tuple[str, ...] = ()


def measure(tell: Callable[[str], None], *, quick: bool) -> tuple[list[Figure], dict[str, Scalar]]:
    """Two minutes, with `quick` less than one; the figures, and what they were measured under."""
    tell("a house at rest")
    with Net("rvidle") as net, ExitStack() as stack:
        seen = _rest(net, stack, tell, quick)
    of = [name for name in seen.wakeups if name != KERNELS]
    return [
        _figure("wakeups_per_s_idle", [seen.wakeups[name] for name in of], WAKEUPS_GOAL),
        _figure("idle_cpu_percent", [seen.percents[name] for name in of], CPU_GOAL),
    ], {
        "idle_is": f"{PHONES} phones registered, two modems, tunnel met, {', '.join(seen.of)}; nobody calls",
        **{f"wakeups_per_s_{_key(name)}": round(fmean(values), 1) for name, values in seen.wakeups.items()},
        **{f"idle_cpu_percent_{_key(name)}": round(fmean(values), 3) for name, values in seen.percents.items()},
    }


def woken(pids: Iterable[int], proc: Path = PROC) -> int:
    """How often all threads of these processes gave the processor up since they began."""
    total = 0
    for pid in pids:
        for status in (proc / str(pid) / "task").glob("*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            total += next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))
    return total


def _figure(key: str, by_program: list[list[float]], goal: Goal) -> Figure:
    each_s = [sum(values) for values in zip(*by_program, strict=True)]
    value = round(fmean(each_s), DIGITS) if len(each_s) >= LEAST_SAMPLES else None
    return Figure(key, value, len(each_s), "idle_samples", Class.SIMULATED, goal)


def _rest(net: Net, stack: ExitStack, tell: Callable[[str], None], quick: bool) -> _Seen:
    keys = Keys()
    users = numbers(FIRST_PHONE, PHONES)
    # Rigs and phones have one core, the unit the other: what is measured is what it needs when nobody is in its way.
    modems = stack.enter_context(Modems(net.memory("modems"), "name=a,model=sim7600", "name=b,model=ec25"))
    site = Site(
        net, users=users, configuration=configuration(keys), modems=modems.configuration(), delay_ms=4, also=ALSO
    )
    cell = Cell(net, site, keys, delay_ms=DELAY_MS)
    stack.callback(site.stop)
    power = _power(site, stack)
    heart = Daemon(
        site.host,
        [sys.executable, "-m", "firmware.app", "heart", "--config", str(site.config_file)],
        site.host.directory / "heart.log",
        site.paths.heart_socket.exists,
    )
    with confined(1):
        site.start()
        cell.start()
        stack.callback(cell.stop)
        if MCU in power:
            heart.start()
            stack.callback(heart.stop)
    site.wait(lambda: site.serving() == [True, True], STEP_S, "both ways serve")
    phones = Sipp(site.phones, site.phone_ip(PHONE_IP), PROXY, REALM)
    with phones.answer([User(*user) for user in users.items()], traced=False, expires_s=REGISTER_S):
        time.sleep(QUIET_S[quick])
        tell(f"idle for {LOOKS[quick] * EVERY_S:g} s")
        seen = _watch(site, cell, heart if MCU in power else None, LOOKS[quick])
    seen.of = power
    return seen


def _power(site: Site, stack: ExitStack) -> tuple[str, ...]:
    """What tells of power, added to a unit that has not begun; what of it there is."""
    found, folder = ["UPS by NUT and its driver's socket"], site.host.directory
    ups = stack.enter_context(SimulatedUps(site.host))
    tables = f'\n[[ups]]\nname = "ups"\nkind = "nut"\nurl = "{ups.url}"\nkeeps = ["unit", "switch"]\n'
    tables += f'driver_socket = "{ups.driver_socket}"\n'
    secrets = ""
    if not missing():
        found.append("PoE switch")
        access = Access(
            address=SWITCH_IP,
            port=SNMP_PORT,
            user="unit",
            auth_password=token_hex(8),
            privacy_password=token_hex(8),
        )
        agent = NetSnmp(folder / "snmp", access, site.phones.popen)
        agent.folder.mkdir()
        stack.callback(agent.down)
        agent.up(Switch(ports={f"1.{number}": SwitchPort(watts=5.0) for number in range(1, SWITCH_PORTS + 1)}))
        tables += f'\n[poe]\naddress = "{SWITCH_IP}"\nport = {SNMP_PORT}\nuser = "unit"\n'
        secrets = f'\n[poe]\nauth_password = "{access.auth_password}"\n'
        secrets += f'privacy_password = "{access.privacy_password}"\n'
    if find("micropython") is not None and find("mpy-cross") is not None:
        found.append(MCU)
        flash = folder / "flash"
        flash.mkdir()
        mcu = Port(flash, compiled(sources()))
        stack.callback(mcu.close)
        tables += f'\n[mcu]\nport = "serial://{mcu.device}"\n\n[[ups]]\nname = "mcu"\nkind = "mcu"\nkeeps = []\n'
    for file, text in ((site.config_file, tables), (site.config_file.with_name("secrets.toml"), secrets)):
        with file.open("a") as opened:
            opened.write(text)
    return tuple(found)


def _watch(site: Site, cell: Cell, heart: Daemon | None, looks: int) -> _Seen:
    programs = {"edge": site.edge, "unit": site.unit, "calls": site.calls, "data": cell.data, "tunnel": cell.tunnel}
    if site.trunk is not None:
        programs["trunk"] = site.trunk
    if heart is not None:
        programs["heart"] = heart
    pids = {name: tree(program.pid) for name, program in programs.items()}
    pids[KERNELS] = frozenset(pid for pid in pids["tunnel"] if _name(pid) == KERNELS)
    pids["tunnel"] -= pids[KERNELS]
    seen = _Seen({name: [] for name in pids}, {name: [] for name in pids})
    at_s, was = time.monotonic(), _counted(pids)
    for _ in range(looks):
        time.sleep(EVERY_S)
        now_s, now = time.monotonic(), _counted(pids)
        for name, (wakeups, spent, waited) in now.items():
            before = was[name]
            seen.wakeups[name].append((wakeups - before[0]) / (now_s - at_s))
            seen.percents[name].append(100 * (spent_s(before[1], spent) + waited - before[2]) / (now_s - at_s))
        at_s, was = now_s, now
    return seen


def _counted(pids: Mapping[str, frozenset[int]]) -> dict[str, tuple[int, dict[int, float], float]]:
    return {name: (woken(those), cpu_s(those), waited_s(those)) for name, those in pids.items()}


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError as error:
        raise ProcessError(f"process {pid}: {error}") from error


def _key(name: str) -> str:
    return name.replace("-", "_")
