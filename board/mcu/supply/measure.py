"""From what the pins say to what is known: pure, time passed in. None is "not known"."""

from supply import limits


def within(value, low, high):
    """The value if it lies there, else None."""
    return value if value is not None and low <= value <= high else None


class Middle:
    """The middle one of the last three: a single spike is nothing."""

    def __init__(self):
        self._last = []

    def of(self, value):
        """None, and a new beginning, where the value is."""
        if value is None:
            self._last = []
            return None
        self._last = (self._last + [value])[-3:]
        return sorted(self._last)[len(self._last) // 2]


class Mains:
    """The mains line without its bounces: `on` is True, False, or None before it is known. Lost is believed soon, back
    only when it has been steady: who is wrong about lost wastes nothing."""

    def __init__(self):
        self.on = None
        self.since = 0  # when `on` came to be so
        self.bouncing = False
        self._lost = 0
        self._level = None
        self._level_since = 0
        self._changes = []

    def sample(self, now, level):
        """One look at the line, each SAMPLE_MS; None where there is none."""
        if level is None:
            self._become(now, None)
            return
        if level != self._level:
            self._changes = [at for at in self._changes if now - at < limits.BOUNCES_IN_MS] + [now]
            self._changes = self._changes[-limits.BOUNCES :]
            self._level, self._level_since = level, now
        self.bouncing = len(self._changes) >= limits.BOUNCES and now - self._changes[0] < limits.BOUNCES_IN_MS
        self._lost = 0 if level else self._lost + 1
        if self._lost >= limits.MAINS_LOST_SAMPLES:
            self._become(now, False)
        elif level and (self.on is None or now - self._level_since >= limits.MAINS_BACK_MS):
            self._become(now, True)

    def _become(self, now, on):
        if on != self.on:
            self.on, self.since = on, now


class Beating:
    """A line that beats while something lives. One that has never beaten on this board says nothing: it may not be
    wired. `known`: it has, as the flash remembers."""

    def __init__(self, known):
        self.known = known
        self._level = None
        self._edge_at = None

    def sample(self, now, level):
        """None where there is no such line."""
        if level is None:
            self.known = False
        elif self._level is not None and level != self._level:
            self._edge_at = now
            self.known = True
        self._level = level

    def age(self, now):
        """Since its last edge, ms, or since this program began; None where it says nothing."""
        if not self.known:
            return None
        return now if self._edge_at is None else now - self._edge_at


class Held:
    """Since when something has been so."""

    def __init__(self):
        self._since = None

    def for_ms(self, now, is_so):
        """0 where it is not."""
        if not is_so:
            self._since = None
            return 0
        if self._since is None:
            self._since = now
        return now - self._since
