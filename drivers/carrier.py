"""Link carrier of a network interface, as the kernel tells it."""

from pathlib import Path

__all__ = ["carrier"]

SYS_CLASS_NET = Path("/sys/class/net")


def carrier(interface: str, sys_class_net: Path = SYS_CLASS_NET) -> bool | None:
    """True: something is at the other end of the cable. False: nothing is, or the interface is turned off.
    None: not known, as when no interface is named (``""``), or there is none of that name.

    ``/sys`` shows the network namespace of the process that mounted it: in another namespace it must be mounted anew,
    as ``ip netns exec`` does.
    """
    if not interface or "/" in interface or interface in (".", ".."):
        return None
    folder = sys_class_net / interface
    try:
        return _BITS.get((folder / "carrier").read_bytes().strip())
    except FileNotFoundError:
        return None
    except OSError:
        # The kernel refuses (EINVAL) to tell of an interface that is turned off; such a one carries nothing.
        return False if folder.is_dir() else None


_BITS = {b"1": True, b"0": False}
