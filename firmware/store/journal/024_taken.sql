-- Up to where of the hub's feed all that goes both ways was taken in: the place in directory.db is behind it, or this file was put back.
ALTER TABLE uplink ADD COLUMN taken TEXT;
