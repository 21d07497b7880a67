-- `effect`: the place in the hub's feed, as a cursor, in which what was set here stands at the latest. What is set here is another's to
-- overrule only when the feed was read up to there: the last that it said of such an item until then waits in `waiting_item`, and
-- `uplink.heard` is how far it was read.
DROP INDEX stamped_pending;
ALTER TABLE stamped DROP COLUMN acknowledged;
ALTER TABLE stamped ADD COLUMN effect TEXT;
CREATE INDEX stamped_pending ON stamped (epoch, number) WHERE number IS NOT NULL;
CREATE INDEX stamped_effect ON stamped (effect) WHERE effect IS NOT NULL;
CREATE TABLE waiting_item (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    row TEXT,
    stamp TEXT,
    by TEXT,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
ALTER TABLE uplink DROP COLUMN answers;
ALTER TABLE uplink ADD COLUMN heard TEXT;

-- What waits, as it is sent: by kind, and in order.
DROP INDEX outbox_kind;
CREATE INDEX outbox_kind ON outbox (kind, epoch, number) WHERE held = 0;
CREATE INDEX outbox_waiting ON outbox (epoch, number) WHERE held = 0;
