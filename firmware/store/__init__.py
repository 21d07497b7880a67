"""What the unit remembers.

``journal.db`` holds what is made here and may not be lost, ``directory.db`` what the platform or a kept import file can
give again. Schemas are the numbered SQL files in the folders beside this one; plain ``sqlite3`` reads and writes.
"""

from firmware.store.database import NewerSchema, StoreError
from firmware.store.directory import Credential, Directory
from firmware.store.journal import Incident, Journal

__all__ = ["Credential", "Directory", "Incident", "Journal", "NewerSchema", "StoreError"]
