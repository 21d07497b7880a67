-- What people are found by (firmware.store.search); made anew with every load. rowid and person are person.key.
CREATE VIRTUAL TABLE found USING fts5 (
    name, duty, place, scope,
    content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

-- Every word of a name, duty or place, folded: how it sounds, and how many people have it.
CREATE TABLE word (
    word TEXT PRIMARY KEY,
    sound TEXT NOT NULL,
    people INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX word_sound ON word (sound);

-- A word, and the word without one of its letters: two words that meet here differ by one letter, or two that changed places.
CREATE TABLE spelling (
    signature TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (signature, word)
) STRICT, WITHOUT ROWID;

-- The digits of all numbers of a person, as inside and without trunk prefix and country; backwards for the last digits.
-- (SQLite 3.40's quick_check takes a WITHOUT ROWID table for damaged whose key is not its first columns.)
CREATE TABLE digits (
    digits TEXT NOT NULL,
    person INTEGER NOT NULL,
    backwards TEXT NOT NULL,
    PRIMARY KEY (digits, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX digits_backwards ON digits (backwards);
