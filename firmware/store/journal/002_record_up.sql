-- Calls that are up are counted each second: of many records few.
CREATE INDEX record_up ON record (began_at) WHERE outcome = 'answered' AND ended_at IS NULL;
