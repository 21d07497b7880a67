"""A phone with real-time text (RFC 4103): that of liblinphone, which linphonec has no command for, by lines on its own
streams. Told ``dial URI``, ``say WORDS``, ``transfer URI``, ``end``; tells ``text: state N`` and, a character in
hexadecimal, ``text: heard N``. It lifts whatever comes, and ends with its standard input."""

from __future__ import annotations

import ctypes
import os
import select
import sys
import time
from ctypes import c_char_p, c_int, c_uint32, c_void_p

__all__ = ["main"]

LIBRARY = "liblinphone.so.10"
MOMENT_S = 0.02
CHARACTER_S = 0.05
"""Between two that are written: who writes by hand is slower."""
INCOMING, RUNNING, RELEASED = 1, 8, 19
"""Of LinphoneCallState."""

_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "linphone_factory_get": (c_void_p, ()),
    "linphone_config_new_from_buffer": (c_void_p, (c_char_p,)),
    "linphone_factory_create_core_with_config_3": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "linphone_core_start": (c_int, (c_void_p,)),
    "linphone_core_iterate": (None, (c_void_p,)),
    "linphone_core_enable_realtime_text": (c_int, (c_void_p, c_int)),
    "linphone_core_set_use_files": (None, (c_void_p, c_int)),
    "linphone_core_create_call_params": (c_void_p, (c_void_p, c_void_p)),
    "linphone_call_params_enable_realtime_text": (c_int, (c_void_p, c_int)),
    "linphone_core_invite_with_params": (c_void_p, (c_void_p, c_char_p, c_void_p)),
    "linphone_core_get_current_call": (c_void_p, (c_void_p,)),
    "linphone_call_accept_with_params": (c_int, (c_void_p, c_void_p)),
    "linphone_call_get_state": (c_int, (c_void_p,)),
    "linphone_call_transfer": (c_int, (c_void_p, c_char_p)),
    "linphone_call_terminate": (c_int, (c_void_p,)),
    "linphone_call_get_chat_room": (c_void_p, (c_void_p,)),
    "linphone_chat_room_create_empty_message": (c_void_p, (c_void_p,)),
    "linphone_chat_room_get_char": (c_uint32, (c_void_p,)),
    "linphone_chat_message_put_char": (c_int, (c_void_p, c_uint32)),
}


def _tell(what: str) -> None:
    """The library writes of its own between these."""
    print(f"text: {what}", flush=True)


class Phone:
    def __init__(self, config: str) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._core = self._begun(config)
        self._state = 0

    def _begun(self, config: str) -> int:
        lib = self._library
        made = lib.linphone_config_new_from_buffer(config.encode())
        core: int = lib.linphone_factory_create_core_with_config_3(lib.linphone_factory_get(), made, None)
        lib.linphone_core_enable_realtime_text(core, 1)
        lib.linphone_core_set_use_files(core, 1)
        lib.linphone_core_start(core)
        return core

    def _texting(self, call: int | None) -> int:
        params: int = self._library.linphone_core_create_call_params(self._core, call)
        self._library.linphone_call_params_enable_realtime_text(params, 1)
        return params

    def turn(self) -> None:
        lib = self._library
        lib.linphone_core_iterate(self._core)
        call = lib.linphone_core_get_current_call(self._core)
        state = lib.linphone_call_get_state(call) if call else RELEASED
        if state != self._state:
            self._state = state
            _tell(f"state {state}")
            if state == INCOMING:
                lib.linphone_call_accept_with_params(call, self._texting(call))
        if state == RUNNING:
            room = lib.linphone_call_get_chat_room(call)
            while room and (heard := lib.linphone_chat_room_get_char(room)):
                _tell(f"heard {heard:x}")

    def obey(self, order: str, rest: str) -> None:
        lib = self._library
        if order == "dial":
            lib.linphone_core_invite_with_params(self._core, rest.encode(), self._texting(None))
            return
        call = lib.linphone_core_get_current_call(self._core)
        if not call:
            return
        if order == "say":
            message = lib.linphone_chat_room_create_empty_message(lib.linphone_call_get_chat_room(call))
            for character in rest:
                lib.linphone_chat_message_put_char(message, ord(character))
                until = time.monotonic() + CHARACTER_S
                while time.monotonic() < until:
                    self.turn()
                    time.sleep(MOMENT_S)
        elif order == "transfer":
            lib.linphone_call_transfer(call, rest.encode())
        elif order == "end":
            lib.linphone_call_terminate(call)


def main() -> int:
    phone = Phone(sys.argv[1])
    _tell("ready")
    waiting = b""
    while True:
        phone.turn()
        if not select.select([sys.stdin], [], [], MOMENT_S)[0]:
            continue
        data = os.read(sys.stdin.fileno(), 4096)
        if not data:
            return 0
        waiting += data
        while b"\n" in waiting:
            line, _, waiting = waiting.partition(b"\n")
            phone.obey(*line.decode().partition(" ")[::2])


if __name__ == "__main__":
    sys.exit(main())
