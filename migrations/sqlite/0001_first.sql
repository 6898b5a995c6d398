-- The first shape of fondly's store. Moments are BIGINT milliseconds since 1970, days are whole
-- days since 1970-01-01, amounts are whole ten-thousandths, yes/no is SMALLINT 1/0.
-- A migration is never edited after a release.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- A customer's dates and touches go by their number: it is shorter than an id, and numbers rise as
-- customers come in, so that a large file is written from front to back.
CREATE TABLE customer (
    number       INTEGER NOT NULL PRIMARY KEY,
    id           TEXT NOT NULL,                 -- unique, by an index that a large file can put aside
    email        TEXT,
    email_key    TEXT,                          -- the address as suppression compares it
    first_name   TEXT,
    last_name    TEXT,
    salutation   TEXT,
    language     TEXT,
    timezone     TEXT,
    staff_email  TEXT,
    staff_name   TEXT,
    tags         TEXT,                          -- JSON list; NULL when empty
    consent      TEXT NOT NULL,
    attrs        TEXT,                          -- JSON object; NULL when empty
    birthday     TEXT,
    joined_on    TEXT,
    consent_at   BIGINT,
    unsubscribed SMALLINT NOT NULL,             -- as their record says
    stopped_at   BIGINT,                        -- when they unsubscribed by a link; no record undoes it
    gone_at      BIGINT,                        -- since when their source is known not to have them any more
    row_hash     BLOB,                          -- of what their source said last; NULL: it has let them go
    first_seen   BIGINT NOT NULL,
    revision     BIGINT NOT NULL DEFAULT 1,     -- rises with every change to the customer's view
    source       TEXT NOT NULL                  -- that told of them first
);
CREATE UNIQUE INDEX customer_id ON customer (id);
CREATE INDEX customer_email ON customer (email_key);

-- What other sources said last of a customer: only its hash, which tells a changed record from an
-- unchanged one.
CREATE TABLE also_told (
    customer INTEGER NOT NULL,                  -- their number
    source   TEXT NOT NULL,
    row_hash BLOB NOT NULL,
    PRIMARY KEY (customer, source)
) WITHOUT ROWID;

-- Every date that an anniversary can start from, ready to be found by its day of the year.
CREATE TABLE customer_date (
    customer  INTEGER NOT NULL,                 -- their number
    field     TEXT NOT NULL,                    -- birthday, joined_on, attr.<name>
    year      SMALLINT,
    month_day SMALLINT NOT NULL,                -- month * 100 + day
    PRIMARY KEY (customer, field)
) WITHOUT ROWID;
CREATE INDEX customer_date_day ON customer_date (field, month_day, customer);

CREATE TABLE event (
    source      TEXT NOT NULL,
    id          TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    day         INTEGER NOT NULL,               -- the civil day of a bare date, the UTC day of an instant
    at          BIGINT,                         -- NULL for a bare date
    amount      BIGINT,
    currency    TEXT,
    quantity    BIGINT,
    attrs       TEXT,
    row_hash    BLOB NOT NULL,
    moved_from  TEXT,                           -- whose it was before its last change
    PRIMARY KEY (source, id)
);
CREATE INDEX event_kind ON event (kind, day, customer_id);
CREATE INDEX event_customer ON event (customer_id, day, kind);

CREATE TABLE source_file (
    source      TEXT NOT NULL,
    path        TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    applied_at  BIGINT NOT NULL,
    row_count   BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    mark        TEXT,                           -- up to where a database was read
    PRIMARY KEY (source, path)
) WITHOUT ROWID;

-- Files that may still be written to, as they were last seen.
CREATE TABLE unfinished (
    source  TEXT NOT NULL,
    file    TEXT NOT NULL,
    inode   BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    changed BIGINT NOT NULL,                    -- by the clock of whoever keeps the file
    since   BIGINT NOT NULL,                    -- by ours: it has been the same since then
    PRIMARY KEY (source, file)
) WITHOUT ROWID;

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    path        TEXT NOT NULL,
    file        TEXT NOT NULL,
    line        BIGINT NOT NULL,
    column_name TEXT NOT NULL,
    value       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    record      TEXT NOT NULL,
    seen_at     BIGINT NOT NULL,
    record_id   TEXT,                           -- its own id, where that can be read
    customer_id TEXT                            -- whom it is about, likewise
);
CREATE INDEX quarantine_file ON quarantine (source, path);

-- What was found wrong with a source's records when somebody last looked. Examples name customers, so
-- all of it goes when somebody is forgotten, and the next look finds it anew.
CREATE TABLE judged (
    source    TEXT NOT NULL,
    place     INTEGER NOT NULL,
    at        BIGINT NOT NULL,
    news      BIGINT,                           -- when something had last come in by then
    kind      TEXT NOT NULL,
    customers BIGINT NOT NULL,
    of_all    BIGINT NOT NULL,
    words     TEXT NOT NULL,
    examples  TEXT NOT NULL,                    -- JSON list of ids
    PRIMARY KEY (source, place)
) WITHOUT ROWID;

-- Programs that hand in records by HTTP.
CREATE TABLE api_token (
    name     TEXT NOT NULL PRIMARY KEY,
    hash     BLOB NOT NULL UNIQUE,              -- SHA-256 of the token, which nobody has twice
    scopes   TEXT NOT NULL,                     -- JSON list
    source   TEXT,                              -- NULL: the one of the settings
    made_at  BIGINT NOT NULL,
    last_day INTEGER                            -- on which something came in by it
);

-- What customers said themselves, by the pages behind a letter's links. No record overwrites it.
CREATE TABLE preference (
    customer_id  TEXT NOT NULL PRIMARY KEY,
    language     TEXT,                          -- of letters; NULL: as on record
    fewer        SMALLINT NOT NULL,
    without      TEXT,                          -- JSON list of the kinds that they don't want
    pause_until  INTEGER,                       -- the first day on which letters may go again
    birthday     SMALLINT,                      -- month * 100 + day
    birthday_was TEXT,                          -- what their record said when they told it
    changed_at   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX preference_birthday ON preference (birthday) WHERE birthday IS NOT NULL;

-- What signs the links in letters. The newest signs; of those without `ended_at` links work.
CREATE TABLE link_key (
    number   INTEGER NOT NULL PRIMARY KEY,
    secret   BLOB NOT NULL,
    made_at  BIGINT,                            -- NULL: with the store
    ended_at BIGINT
);

CREATE TABLE suppression (
    address TEXT NOT NULL PRIMARY KEY,          -- as compared; of the forgotten only a keyed hash
    reason  TEXT NOT NULL,
    at      BIGINT NOT NULL
) WITHOUT ROWID;

-- Who asked to be forgotten: of their id only a keyed hash, so that no file brings them back.
CREATE TABLE forgotten (
    mark TEXT NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
) WITHOUT ROWID;

-- Copies of the forgotten's letters that are still to be taken from the outbox folder.
CREATE TABLE erasing (
    folder TEXT NOT NULL,
    name   TEXT NOT NULL,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;

-- What is left of events that were kept long enough: how many of a kind there were, of these how many
-- with an amount and with a quantity, and until when.
CREATE TABLE past_events (
    customer_id TEXT NOT NULL,
    kind        TEXT NOT NULL,
    number      BIGINT NOT NULL,
    amounts     BIGINT NOT NULL,
    quantities  BIGINT NOT NULL,
    last_day    INTEGER NOT NULL,
    PRIMARY KEY (customer_id, kind)
) WITHOUT ROWID;

-- Customers about whom something changed since the planner last looked: one by one, …
CREATE TABLE touched (
    customer INTEGER NOT NULL PRIMARY KEY,      -- their number
    seq      BIGINT NOT NULL
);

-- … and, for those who came in with a file, from the first number to the last. Numbers between them
-- may be nobody's.
CREATE TABLE arrived (
    seq   BIGINT NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL
);
CREATE VIEW news AS
    SELECT customer FROM touched
    UNION ALL SELECT c.number FROM arrived a CROSS JOIN customer c
        WHERE c.number BETWEEN a.first AND a.last
          AND NOT EXISTS (SELECT 1 FROM touched t WHERE t.customer = c.number);

CREATE TABLE rule_state (
    rule            TEXT NOT NULL PRIMARY KEY,
    version         TEXT NOT NULL,
    first_day       TEXT NOT NULL,
    planned_through INTEGER,
    written         TEXT                        -- its files' words; NULL while its file is away
) WITHOUT ROWID;

-- When a rule has to look at a customer again whose silence has a length of its own.
CREATE TABLE awaited (
    rule        TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    day         INTEGER NOT NULL,
    PRIMARY KEY (rule, customer_id)
) WITHOUT ROWID;
CREATE INDEX awaited_day ON awaited (rule, day);

-- How the business's customers come, learnt anew from time to time; see model/policy.rs.
CREATE TABLE learnt (
    contact   TEXT NOT NULL,                    -- JSON: the kinds of event, in order
    since     INTEGER NOT NULL,                 -- the civil day from which contacts are judged by it
    customers INTEGER NOT NULL,
    pattern   TEXT NOT NULL,                    -- JSON
    PRIMARY KEY (contact, since)
) WITHOUT ROWID;

-- The empty rule stands for all of them.
CREATE TABLE paused (
    rule TEXT NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE approval (
    rule     TEXT NOT NULL,
    day      INTEGER NOT NULL,
    approved SMALLINT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (rule, day)
) WITHOUT ROWID;

-- Who works with the store, and how far it has come: what stands beside it must never know more.
CREATE TABLE presence (
    one     SMALLINT NOT NULL PRIMARY KEY CHECK (one = 1),
    facts   TEXT NOT NULL,                          -- JSON; see model/presence.rs
    at      BIGINT NOT NULL,                        -- the latest moment that it has seen
    passes  BIGINT NOT NULL,
    letters BIGINT NOT NULL                         -- that were about to be handed over
);

-- What needs a person and isn't over.
CREATE TABLE trouble (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,                          -- which of its kind
    facts   TEXT NOT NULL,                          -- JSON, put into words when somebody is told
    since   BIGINT NOT NULL,
    told_at BIGINT,                                 -- when the owner was told
    claimed_at BIGINT,                              -- somebody is telling the owner
    heard   TEXT NOT NULL DEFAULT '[]',             -- JSON: messages of this that came to an end
    times   INTEGER NOT NULL DEFAULT 1,             -- seen so often in a row
    ripe    SMALLINT NOT NULL DEFAULT 1,            -- 0: it may still pass, and nobody is told
    well_since BIGINT,                              -- it seems to be over, and may come back
    over_at BIGINT,                                 -- it is over, and the owner isn't told yet
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

-- Weekly letters to the owners, one row a letter. A reader is the hash of their address.
CREATE TABLE digest (
    until    BIGINT NOT NULL,                       -- when the time told of ended
    asked    SMALLINT NOT NULL,                     -- 1: a person wanted it now
    reader   TEXT NOT NULL,
    since    BIGINT NOT NULL,
    state    TEXT NOT NULL,                         -- waits, going, sent, unknown, refused
    at       BIGINT NOT NULL,                       -- when it came to that
    via      TEXT,                                  -- where it was going
    name     TEXT,                                  -- of its file, where that is a folder
    PRIMARY KEY (until, asked, reader)
) WITHOUT ROWID;

-- Ways out (mail servers, or the folder of the files) that made trouble when last heard of.
CREATE TABLE relay (
    via      TEXT NOT NULL PRIMARY KEY,             -- as the ledger calls it
    print    TEXT NOT NULL,                         -- of its settings
    state    TEXT NOT NULL,                         -- works, away, refuses-us
    troubles INTEGER NOT NULL,                      -- in a row
    since    BIGINT NOT NULL,                       -- the first of them
    next_try BIGINT,                                -- no letter before, unless it works
    words    TEXT NOT NULL                          -- what it said last
) WITHOUT ROWID;

-- An entry's id is a hash, the same in every store. Its history and its letter go by its number
-- instead: numbers rise as entries are planned, so what is sent together lies together, and a
-- commit writes a third of the pages.
CREATE TABLE ledger (
    number          INTEGER NOT NULL PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    rule            TEXT NOT NULL,
    rule_version    TEXT NOT NULL,
    customer        TEXT NOT NULL,
    occasion        TEXT NOT NULL,
    class           TEXT NOT NULL,
    audience        TEXT NOT NULL,                 -- customer, staff, owner
    priority        SMALLINT NOT NULL,
    due_at          BIGINT NOT NULL,
    due_day         INTEGER NOT NULL,
    zone            TEXT NOT NULL,
    anchor          TEXT NOT NULL,
    years           SMALLINT,
    event           TEXT,
    outcome         TEXT NOT NULL,
    reason          TEXT,
    decided_at      BIGINT,
    recipient       TEXT,
    subject         TEXT,
    template        TEXT,
    language        TEXT,
    message_id      TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at BIGINT,
    reply           TEXT,
    sent_at         BIGINT,
    planned_at      BIGINT NOT NULL,
    -- Where its letter was going: a folder, or smtp: with host and port. A restart looks there.
    via             TEXT,
    -- It may have arrived there before, so it goes nowhere else.
    only_via        TEXT,
    -- When its address, subject, letter and replies were taken out, having been kept long enough.
    text_removed_at BIGINT,
    -- One entry an occasion; by the customer first, whose entries are wanted together.
    UNIQUE (customer, rule, occasion)
);
CREATE INDEX ledger_due ON ledger (due_at);
-- A rule's letters of one day: how many there are. Written when an entry is planned, and never again.
CREATE INDEX ledger_batch ON ledger (rule, due_day);
-- What waits to be looked at, in the order in which it is claimed: of what is due at the same
-- moment, customer by customer, as it was planned, so that neighbours are changed together. The rest
-- only so that what waits of a paused rule, however much, is passed over without reading it.
CREATE INDEX ledger_queue ON ledger
    (priority, next_attempt_at, due_at, customer, id, rule, due_day, outcome)
    WHERE outcome IN ('planned', 'deferred', 'held');
-- What needs somebody: few rows, wanted often.
CREATE INDEX ledger_open ON ledger (outcome, rule, due_day, reason)
    WHERE outcome IN ('sending', 'held', 'unknown');
-- What failed for good: few rows, looked for by people.
CREATE INDEX ledger_failed ON ledger (due_at, outcome, decided_at, rule, due_day)
    WHERE outcome IN ('rejected', 'expired');

-- What became of entries, step by step. That one was planned stands in the ledger, and that it is
-- being sent, as long as it is; afterwards the step that ended it knows since when.
CREATE TABLE history (
    seq      INTEGER PRIMARY KEY,
    entry    INTEGER NOT NULL REFERENCES ledger (number) ON DELETE CASCADE,
    at       BIGINT NOT NULL,
    outcome  TEXT NOT NULL,
    reason   TEXT,
    reply    TEXT,
    began_at BIGINT                                -- when it was about to be handed over
);
CREATE INDEX history_entry ON history (entry);

CREATE TABLE letter (
    entry   INTEGER NOT NULL PRIMARY KEY REFERENCES ledger (number) ON DELETE CASCADE,
    message TEXT NOT NULL
);

-- People who may look at the console.
CREATE TABLE console_user (
    name     TEXT NOT NULL PRIMARY KEY,
    role     TEXT NOT NULL,                        -- owner, viewer
    password TEXT NOT NULL,                        -- what Argon2id made of it, with salt and cost
    made_at  BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE console_session (
    hash     BLOB NOT NULL PRIMARY KEY,            -- SHA-256 of the token, which nobody has twice
    name     TEXT NOT NULL REFERENCES console_user (name) ON DELETE CASCADE,
    began_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX console_session_name ON console_session (name);

-- Who decided what. Rows are only added.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL
);
CREATE TRIGGER audit_changes BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'what was decided stays as it was'); END;
CREATE TRIGGER audit_goes BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'what was decided stays'); END;
-- Or a row could be put in the place of another.
CREATE TRIGGER audit_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'what was decided stays'); END;
