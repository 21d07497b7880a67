"""All codes, from the file of each area, in the order of their letters."""

from tools.errors import (
    Entry,
    certificates,
    command_line,
    configuration,
    directory,
    edge,
    extensions,
    identity,
    machine,
    mcu,
    pair,
    phones,
    platform,
    power,
    referrals,
    sms,
    sound,
    store,
    unit,
    ways_out,
)

__all__ = ["CATALOG"]

CATALOG: dict[str, Entry] = {
    **command_line.ENTRIES,
    **pair.ENTRIES,
    **configuration.ENTRIES,
    **extensions.ENTRIES,
    **edge.ENTRIES,
    **ways_out.ENTRIES,
    **referrals.ENTRIES,
    **identity.ENTRIES,
    **store.ENTRIES,
    **directory.ENTRIES,
    **platform.ENTRIES,
    **sound.ENTRIES,
    **machine.ENTRIES,
    **sms.ENTRIES,
    **phones.ENTRIES,
    **unit.ENTRIES,
    **certificates.ENTRIES,
    **mcu.ENTRIES,
    **power.ENTRIES,
}
