"""From settings to the files that Kamailio runs on. Pure: text in, text out.

The parts in `cfg/` are Kamailio's own language; words in capitals stand for values, and these names switch what is
compiled in: NO_PLATFORM, DATA, BY_CONTACT, LEARNT, EVENTS, TRUNK_GATEWAY, GATEWAY_NATIONAL, GATEWAY_DIGEST, REGISTERS,
WITH_TLS, UNPROBED, MAILBOX, PAIR, NORTH_STREAM."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

from callcontrol.anchored import SILENT_S
from callcontrol.call.waiting import CALL_BACK_S
from callcontrol.edge.door import EVENT_PACKAGES, IDENTITY_HEADERS, LAMP_PACKAGES
from callcontrol.edge.settings import DEFAULT_SIP_PORT, EdgeSettings, Socket, sip_host_port
from callcontrol.pacing import WAIT_MAX_S
from callcontrol.sip.dialog import LAST_CSEQ

__all__ = ["dispatcher_list", "render", "tls_domains"]

BIND_GRACE_S = 15
"""A phone's refresh may be this late before it is forgotten here."""
CONTACTS_MAX = 10
"""Contacts that one extension may have here."""
CONTACTS_READ = 20
"""Contacts that are read in one answer of the platform."""
VIAS_READ = 10
"""Hops between callee and caller that are looked through for our own."""
DIVERTED_REGISTER_S = 8
"""A REGISTER that the platform left unanswered is answered here for so long."""
ALONE_MS = 32_000
"""A call that has nowhere else to go waits so long for the first response of a platform that is not known dead."""
NODE_GONE_S = 3
LEFT_ALONE_S = 4
"""A caller who has hung up waits so long for the platform to say so; then the call is ended here."""
"""A node that has served no more for so long has left the calls that were being set up there."""
LATE_S = 30
"""So long after a diversion a platform that is a B2BUA may come with the same call."""
TRIAL_MIN_S = 2
TRIAL_MAX_S = 30
"""Of a platform that is not probed and dead, one REGISTER this often: the pause doubles with each that fails."""
LINE_SET, DATA_SET = 1, 2
"""The dispatcher's sets of nodes, by the path that leads to them."""
FORMER_SET, DISABLED = 3, 4
"""A dispatcher set of nodes that get nothing, and are not asked either (flag of Kamailio's dispatcher)."""
CAME_S = 5
"""A call that a B2BUA brings to a phone here belongs to one that went north this long ago at the most."""
DOUBTS_AN_HOUR = 12
"""So often a refusal by the platform makes all phones say themselves again, and not only the one that it refused."""
SOON_S = 15
"""A phone that is to come again soon is told an expiry of this at the least; `register_s` is no less."""
PASS_S = 8
"""A registration that may go north has so long for the platform's challenge and its answer."""
WRONG_ANSWERS_ALL = 20
"""So many wrong answers of all phones in ten minutes, and each phone has but one."""
HELD_FIRST_S = 60
"""A phone with a wrong password is kept from the platform for so long, then for twice that, and so on,"""
HELD_MAX_S = 600
"""but for no longer than this: it is when a phone comes through again at the latest, once its password is right."""
RELEASES = 3
"""So many times a phone whose password is right by what we know is let through sooner, at its next REGISTER."""
STRIKES = 2
"""Requests in a row without any response before a node is asked by OPTIONS first."""
PHONE_SILENT_MS = 5_000
"""A phone that has not said anything by then is not there."""
CALLS_MS = 500
"""So long the edge waits for `calls` to refuse a call before it does so itself."""
TRUNK_MS = 500
"""So long 112 waits for the first word of `trunk`, which is on this machine."""
UNSAID_S = 2
"""So long a caller of 112 may wait for the 100, in whole seconds of the clock, where no way has taken the call."""
TRUNK_LEASE_S = 5
"""Who hangs has not said for so long that it lives."""
CALLS_ANSWER_MS = 5_000
"""The same once `calls` has said that it is about to answer itself."""
RING_AT_ONCE = 16
"""Extensions that one step of a plan rings."""
RING_HOPS = 12
"""Steps of a plan that are gone through for one call."""
LEGS_MAX = 2_000
"""Halves of calls whose sound the platform carries that are remembered; a call more is not ended when it dies."""
LEG_BYTES = 2_048
"""Of one of them: three headers that a phone and the platform have written."""
LAMPS_S = 120
"""The expiry of a subscription, at the most."""
LAMPS_GRACE_S = 15
"""A refresh of one may be this late."""
SUBSCRIPTIONS_MAX = 100
"""Those that one extension may have: the keys of all its phones."""
WATCHERS_MAX = 64
"""Those that one extension may be watched by."""
LIT_MAX = 8
"""Calls of one extension that its lamp tells of."""
LAMPS_A_TICK = 25
"""Subscriptions that are moved in a quarter of a second when the master changes: 500 within 5 s."""
NOTIFIED_SPARE = 1_000
"""So many NOTIFYs of the platform may have gone unseen in a dialog that the edge goes on with."""
LOOPS_MAX = 100_000
"""Rounds of one loop, more than any table here has rows; Kamailio's own bound is 100."""
TLS_CERTIFICATE, TLS_KEY = "tls.pem", "tls.key"
"""In the edge's own folder."""
TLS_METHOD = "TLSv1.2+"
TLS_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL"
"""Forward secrecy for all, also by the CBC suites that older phones have; those of TLS 1.3 are always on."""
PAUSE_MS = 3_000
"""Between two rounds of 112's ways, at least."""
BRANCHES_MAX = 24
"""Tries that one call to 112 gets; each is a branch of its transaction, and Kamailio allows 31."""
WRONG_PASSWORD = -2
"""What Kamailio's module auth returns for it; an old or foreign nonce is another thing."""
MEMORY_KEPT_SHARE = 8
"""The last one of so many parts of the shared memory is kept for 112 and for calls that are up."""
TCP_WORKERS = 2
"""At the least: handshakes of TLS are work for more than one core."""
TCP_PER_ADDRESS = 512
"""Connections from one address: of so many phones behind a NAT; Kamailio 5 cannot limit them."""
TCP_MESSAGE_S = 10
"""From a message's first octet to its last."""
TCP_IDLE_REGISTRATIONS = 4
"""A connection on which so many refreshes of a registration have not come is closed."""
LOG_LEVEL = -3
"""Kamailio's level of what is told of a crash (L_CRIT2); alerts are -5."""
RATE_WINDOW_S = 2
"""What a source sends is counted anew after this."""
SOS_PER_SOURCE_S = 10
"""New calls to 112 from one phone: nobody dials so fast, and what is held for it fills an eighth of the memory."""
SOS_PER_ADDRESS_S = 50
"""The same from one address, by sources that have not registered."""
SOS_FLOOD_TOLD = 1_000
"""Of so many calls to 112 that were passed over one is told."""
PLACES_LATE_MS, PLACES_SILENT_S = 500, 5
"""An answer of the relay that comes later is none; then it is not asked for so long."""
MEDIA_CALLS = 20
"""The last calls by which it is told whether the platform anchors the sound."""
PAIR_PING_S = 5
"""Between two units: so soon one that was away is known to be back. Kamailio's module takes no less."""
PAIR_WHOLE_S = 5
"""So often the one that is out of service asks the other for everything."""
PAIR_READ_BYTES = 1 << 16
"""The largest message between them; Kamailio's module htable fills one up to 60,000 bytes."""
PAIR_QUEUE_BYTES = 1 << 20
"""What may wait to be sent to the other one."""
PAIR_BATCH = 50
"""Bindings in one message."""
USRLOC_ALL, HTABLE_ALL = 3, 1
"""Kamailio's numbers for "send me everything" (DMQ_SYNC of dmq_usrloc, HT_DMQ_SYNC of htable), in 5.6 as in 6.0."""
GATEWAY_USER = "112"
NONCE_KEY_LETTERS = 32

_PARTS = (
    "10-modules",
    "20-request",
    "25-door",
    "30-register",
    "35-pace",
    "36-held",
    "40-platform",
    "42-data",
    "45-setups",
    "50-survival",
    "60-emergency",
    "65-lamps",
    "70-calls",
    "71-gateway",
    "72-trunk",
    "75-media",
    "80-pair",
)


def render(settings: EdgeSettings) -> str:
    """The whole configuration file of the edge. Values are trusted: `firmware.config` refuses what could break out."""
    values = _values(settings)
    switches = {
        "NO_PLATFORM": not settings.nodes and not settings.data_nodes,
        "DATA": settings.data is not None,
        "BY_CONTACT": settings.by_contact,
        "LEARNT": settings.learnt,
        "UNPROBED": not settings.probe,
        "MAILBOX": bool(settings.mailbox),
        "EVENTS": settings.events,
        "WITH_TLS": settings.tls,
        "TRUNK_GATEWAY": settings.trunk_gateway is not None,
        "GATEWAY_NATIONAL": settings.trunk_gateway is not None and settings.trunk_gateway.national,
        "REGISTERS": settings.trunk_gateway is not None and settings.trunk_gateway.registers,
        "GATEWAY_DIGEST": bool((settings.gateway or settings.trunk_gateway) and settings.gateway_password),
        "PAIR": settings.pair is not None,
        "SHARES": settings.shares,
        "NORTH_STREAM": any("transport=tcp" in node.lower() for node in (*settings.nodes, *settings.data_nodes)),
    }
    head = ["#!KAMAILIO", *(f"#!define {name}" for name, on in switches.items() if on)]
    head += [f"listen={socket}" for socket in _sockets(settings)]
    head += [f"listen={socket}" for socket in _own_sockets(settings)]
    head += [f"listen=udp:127.0.0.1:{settings.control_port}"]
    head += [f"listen=tcp:127.0.0.1:{port}" for port in (settings.calls_port, settings.trunk_port)]
    # A capital is looked for first: there are some hundred words, and few places where one can begin.
    words = "|".join(sorted(values, key=len, reverse=True))
    word = re.compile(rf"(?<![A-Za-z0-9])(?=[A-Z])({words})(?![A-Za-z0-9])")
    parts = (files(__package__).joinpath("cfg", f"{part}.cfg").read_text("utf-8") for part in _PARTS)
    return "\n".join(head) + "\n" + word.sub(lambda match: values[match[1]], "\n".join(parts))


def dispatcher_list(settings: EdgeSettings) -> str:
    """The nodes for Kamailio's dispatcher: set 1 by line, set 2 by data, the first with the highest priority;
    set 3 those of former times."""
    lines = [f"{FORMER_SET} {node} {DISABLED} 0" for node in settings.former_nodes]
    lines += [
        f"{number} {node} 0 {len(nodes) - place}{_from(settings, node) if number == DATA_SET else ''}"
        for number, nodes in ((LINE_SET, settings.nodes), (DATA_SET, settings.data_nodes))
        for place, node in enumerate(nodes)
        # A name that nothing is known of yet is not for the edge, which asks no DNS.
        if re.fullmatch(r"[0-9.]+", sip_host_port(node)[0])
    ]
    return "\n".join(lines) + "\n"


def _from(s: EdgeSettings, node: str) -> str:
    """What the dispatcher is told of a data node: from where it is reached, whatever way the kernel would choose."""
    return f" socket={s.data.socket(_transport(node))}" if s.data else ""


def _transport(uri: str) -> str:
    return "tcp" if "transport=tcp" in uri.lower() else "udp"


def tls_domains(settings: EdgeSettings) -> str:
    """How the edge speaks TLS: to who connects to it. It connects to nobody itself: a phone has no certificate, and is
    reached by the connection that it has opened."""
    return (
        f"[server:default]\nmethod = {TLS_METHOD}\ncipher_list = {TLS_CIPHERS}\n"
        f"certificate = {settings.edge_dir / TLS_CERTIFICATE}\nprivate_key = {settings.edge_dir / TLS_KEY}\n"
        "verify_certificate = no\nrequire_certificate = no\n"
        f"[client:default]\nmethod = {TLS_METHOD}\nverify_certificate = yes\nrequire_certificate = yes\n"
    )


def _values(s: EdgeSettings) -> dict[str, str]:
    normal, survival = _ways(s)
    hold_s = s.hold_s if normal else 0
    north = s.north
    networks = " || ".join(f"src_ip == {network}" for network in s.phone_networks)
    numbers = " || ".join(f'$rU == "{number}"' for number in s.emergency_numbers)
    addresses = {socket.address for socket in (*_sockets(s), *_own_sockets(s))}
    numeric = {
        "MULTIHOMED": int(len(addresses) > 1),
        "WORKERS": s.workers,
        "TCP_WORKERS": max(s.workers, TCP_WORKERS),
        "BRANCHES": BRANCHES_MAX,
        "GOOD_PROBES": s.good_probes,
        "MEMORY_KEPT": s.shared_memory_mb * 1024 * 1024 // MEMORY_KEPT_SHARE,
        "TCP_PER_ADDRESS": TCP_PER_ADDRESS,
        "TCP_MESSAGE_S": TCP_MESSAGE_S,
        "TCP_IDLE_S": s.register_s * TCP_IDLE_REGISTRATIONS,
        "LOG_LEVEL": LOG_LEVEL,
        "SOLE_WAY": int(normal == "P"),
        "RATE_WINDOW_S": RATE_WINDOW_S,
        "SOURCE_LIMIT": s.requests_per_source_s * RATE_WINDOW_S,
        "ADDRESS_LIMIT": s.requests_per_address_s * RATE_WINDOW_S,
        "SOS_SOURCE_LIMIT": SOS_PER_SOURCE_S * RATE_WINDOW_S,
        "SOS_ADDRESS_LIMIT": SOS_PER_ADDRESS_S * RATE_WINDOW_S,
        "SOS_FLOOD_TOLD": SOS_FLOOD_TOLD,
        "BAN_S": s.ban_s,
        "CONTROL_PORT": s.control_port,
        "CALLS_PORT": s.calls_port,
        "TRUNK_PORT": s.trunk_port,
        "TRUNK_MS": TRUNK_MS,
        "TRUNK_LEASE_S": TRUNK_LEASE_S,
        "TRUNK_RINGING_MS": s.modem_no_ringing_ms,
        "CALLS_MS": CALLS_MS,
        "CALLS_ANSWER_MS": CALLS_ANSWER_MS,
        "RING_AT_ONCE": RING_AT_ONCE,
        "RING_HOPS": RING_HOPS,
        "LEGS_MAX": LEGS_MAX,
        "LEG_BYTES": LEG_BYTES,
        "WAITED_S": int(CALL_BACK_S),
        "LAST_CSEQ": LAST_CSEQ,
        "LAMPS_S": LAMPS_S,
        "LAMPS_KEPT_S": LAMPS_S + LAMPS_GRACE_S,
        "SUBSCRIPTIONS_MAX": SUBSCRIPTIONS_MAX,
        "WATCHERS_MAX": WATCHERS_MAX,
        "LIT_MAX": LIT_MAX,
        "LAMPS_A_TICK": LAMPS_A_TICK,
        "NOTIFIED_SPARE": NOTIFIED_SPARE,
        "LOOPS": LOOPS_MAX,
        "SILENT_S": SILENT_S,
        "LATE_PORT": s.late_port,
        "REGISTER_S": s.register_s,
        "EXPIRES_S": s.expires_s,
        # The phone comes again within register_s; twice that is "in good time" for the platform.
        "REFRESH_BEFORE_S": 2 * s.register_s + 10,
        "BIND_S": s.register_s + BIND_GRACE_S,
        "CONTACTS_MAX": CONTACTS_MAX,
        "CONTACTS_READ": CONTACTS_READ,
        "VIAS_READ": VIAS_READ,
        "LEARNT_AFTER_S": s.learnt_after_s,
        "FAILED_AUTH_PER_MINUTE": s.failed_auth_per_minute,
        "FIRST_RESPONSE_MIN_MS": s.first_response_min_ms,
        "FIRST_RESPONSE_MAX_MS": s.first_response_max_ms,
        "FIRST_RESPONSE_INITIAL_MS": s.first_response_initial_ms,
        "RINGING_MS": s.ringing_ms,
        "RING_MS": s.ring_ms,
        "PHONE_SILENT_MS": PHONE_SILENT_MS,
        "STRIKES": STRIKES,
        "WRONG_PASSWORD": WRONG_PASSWORD,
        "DOUBTS_AN_HOUR": DOUBTS_AN_HOUR,
        "MEDIA_CALLS": MEDIA_CALLS,
        "CAME_S": CAME_S,
        "PROBE_EACH_S": int(bool(s.probe)),
        "TRIAL_MIN_S": TRIAL_MIN_S,
        "TRIAL_MAX_S": TRIAL_MAX_S,
        "ALONE_MS": ALONE_MS,
        "NODE_GONE_S": NODE_GONE_S,
        "LEFT_ALONE_S": LEFT_ALONE_S,
        "LATE_S": LATE_S,
        "WAIT_MAX_S": WAIT_MAX_S,
        "REGISTRATIONS_PER_S": s.registrations_per_s,
        "SOON_S": SOON_S,
        "PASS_S": PASS_S,
        "WRONG_ANSWERS_NORTH": s.wrong_answers_north,
        "WRONG_ANSWERS_ALL": WRONG_ANSWERS_ALL,
        "HELD_FIRST_S": HELD_FIRST_S,
        "HELD_MAX_S": HELD_MAX_S,
        "RELEASES": RELEASES,
        "DIVERTED_REGISTER_S": DIVERTED_REGISTER_S,
        "NO_RINGING_MS": s.no_ringing_ms,
        "HOLD_S": hold_s,
        "UNSAID_S": UNSAID_S,
        "PAUSE_MS": _pause_ms(hold_s, len(survival)),
        "CALLS_PER_PHONE": s.calls_per_phone,
        "PAIR_READ_BYTES": PAIR_READ_BYTES,
        "PAIR_QUEUE_BYTES": PAIR_QUEUE_BYTES,
        "PAIR_PING_S": PAIR_PING_S,
        "PAIR_BATCH": PAIR_BATCH,
        "PAIR_WHOLE_S": PAIR_WHOLE_S,
        "USRLOC_ALL": USRLOC_ALL,
        "HTABLE_ALL": HTABLE_ALL,
    }
    textual = {
        "RUN_DIR": str(s.run_dir),
        "EDGE_DIR": str(s.edge_dir),
        "ACC_DIR": str(s.acc_dir),
        "REALM": s.realm,
        "PROBE_METHOD": s.probe or "OPTIONS",
        "ROUTE_KEY": s.route_key,
        "NONCE_KEY": hashlib.sha256(f"nonce {s.route_key}".encode()).hexdigest()[:NONCE_KEY_LETTERS],
        "REPLICATED": "1" if s.pair else "0",
        "PEER_ADDRESS": s.pair.peer if s.pair else "",
        "TABLES_ADDRESS": s.pair.tables.address if s.pair else "",
        "TABLES_PORT": str(s.pair.tables.port) if s.pair else "0",
        "NORTH_ADDRESS": f"{north.address}:{north.port}",
        "DATA_ADDRESS": s.data.address if s.data else "0.0.0.0",  # noqa: S104  a word that is not used then
        "DATA_PLACE": f"{s.data.address}:{s.data.port}" if s.data else "",
        "DATA_TRANSPORT": ";transport=tcp" if s.data_nodes and _transport(s.data_nodes[0]) == "tcp" else "",
        "RELAY": f"udp:127.0.0.1:{s.data.control_port}" if s.data else "",
        "PLACES_LATE_MS": str(PLACES_LATE_MS),
        "PLACES_SILENT_S": str(PLACES_SILENT_S),
        "RECEPTION": s.data.reception if s.data else "",
        "NORTH_TRANSPORT": ";transport=tcp" if north.transport == "tcp" else "",
        "OWN_ADDRESSES": "|".join(sorted({_sent_by(socket) for socket in _sockets(s)})),
        # One by one: a regular expression would be tried on each header.
        "REMOVE_FORGEABLE": "\n    ".join(f'remove_hf("{name}");' for name in IDENTITY_HEADERS),
        "EVENT_PATTERN": "|".join(map(re.escape, EVENT_PACKAGES)),
        "ALLOW_EVENTS": ", ".join(EVENT_PACKAGES),
        "LAMP_EVENTS": "|".join(map(re.escape, LAMP_PACKAGES)),
        "IS_PHONE_NETWORK": f"({networks})",
        "IS_EMERGENCY": f'({numbers} || $(ru{{s.substr,0,15}}{{s.tolower}}) == "urn:service:sos")',
        "IS_CODE": f'($rU =~ "^({s.codes})$")' if s.codes else '($rU == "")',
        "IS_NOTED_CODE": f'($rU =~ "^({s.codes_noted})$")' if s.codes_noted else "(1 == 0)",
        "CODE_BEFORE": s.codes_before or "x",
        "MAILBOX_NUMBER": s.mailbox,
        "IS_OBSERVED_CODE": f'($avp(dialled) =~ "^({s.codes_observed})$")' if s.codes_observed else "(1 == 0)",
        "CODE_DONE_FROM": "180" if s.codes_heard else "200",
        "WAYS_NORMAL": normal + ".",
        "WAYS_SURVIVAL": survival + ".",
        "FIRST_NODE": s.nodes[0] if s.nodes else "sip:127.0.0.1:9",
        "FIRST_DATA_NODE": s.data_nodes[0] if s.data_nodes else "sip:127.0.0.1:9",
        "IS_GATEWAY": _is_gateway(s),
        "TAKES_CALLS": "(1 == 1)" if s.trunk_gateway else "(1 == 0)",
        "GATEWAY_PLACE": s.trunk_gateway.uri.partition(":")[2] if s.trunk_gateway else "",
        "GATEWAY_PREFIX": s.trunk_gateway.prefix if s.trunk_gateway else "",
        "GATEWAY_CALLS": str(s.trunk_gateway.calls_max if s.trunk_gateway else 0),
        "GATEWAY_USERNAME": s.gateway_username,
        "GATEWAY_PASSWORD": s.gateway_password,
        "GATEWAY_URI": _with_user(s.gateway, GATEWAY_USER) if s.gateway else "sip:127.0.0.1:9",
    }
    return {name: str(value) for name, value in numeric.items()} | textual


def _sockets(s: EdgeSettings) -> tuple[Socket, ...]:
    """Where the edge listens for phones and platform, each once."""
    data = (s.data.socket("udp"), s.data.socket("tcp")) if s.data else ()
    return tuple(dict.fromkeys((*s.listen, *s.platform_listen, *data)))


def _own_sockets(s: EdgeSettings) -> tuple[Socket, ...]:
    """Those that the other unit of a pair has not got."""
    if s.pair is None:
        return ()
    return (s.pair.tables, s.pair.probe) if s.pair.probe else (s.pair.tables,)


def _sent_by(socket: Socket) -> str:
    """How Kamailio writes a socket in its Via: without a port that is the default (RFC 3261 §18.1.1)."""
    port = f"(:{socket.port})?" if socket.port == DEFAULT_SIP_PORT else f":{socket.port}"
    return re.escape(socket.address) + port


def _ways(s: EdgeSettings) -> tuple[str, str]:
    """The ways of 112 that exist, in the order for a platform that lives and for one that does not."""
    exists = {"P": bool(s.nodes), "M": s.modems, "G": bool(s.gateway), "D": bool(s.data_nodes)}
    return "".join(w for w in "PMGD" if exists[w]), "".join(w for w in "MGDP" if exists[w])


def _pause_ms(hold_s: int, ways: int) -> int:
    """So long between rounds that hold_s never needs more than BRANCHES_MAX tries, were every way to refuse at once."""
    rounds = max(1, (BRANCHES_MAX - 1) // (ways + 1) - 1)
    return max(PAUSE_MS, hold_s * 1000 // rounds)


def _is_gateway(s: EdgeSettings) -> str:
    """Whether a request comes from one; one that is known by name is not known so."""
    uris = (s.gateway, s.trunk_gateway.uri if s.trunk_gateway else "")
    hosts = {sip_host_port(uri)[0] for uri in uris if uri}
    known = sorted(host for host in hosts if re.fullmatch(r"[0-9.]+", host))
    return "(" + " || ".join(f"src_ip == {host}" for host in known) + ")" if known else "(1 == 0)"


def _with_user(uri: str, user: str) -> str:
    scheme, _, rest = uri.partition(":")
    return f"{scheme}:{user}@{rest.rpartition('@')[2]}"
