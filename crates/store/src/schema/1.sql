-- Every API resource but findings: a JSON body under a key.
CREATE TABLE documents (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    parent TEXT NOT NULL, -- the detector, or empty
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL, -- 1, and one more with each change
    created BIGINT NOT NULL, -- ms since the epoch, by this machine's clock
    updated BIGINT NOT NULL,
    PRIMARY KEY (kind, account, region, parent, id)
) WITHOUT ROWID;
CREATE INDEX documents_by_parent ON documents (account, region, parent);

-- Detectors that hold findings, numbered, so that the rows and indexes of findings stay small.
CREATE TABLE detectors (
    no INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    detector TEXT NOT NULL,
    deleted BIGINT NOT NULL DEFAULT 0, -- 1: its findings are invisible and are being removed
    UNIQUE (account, region, detector)
);

-- One row a finding. What lists are filtered and sorted by most often are columns; every other attribute of ListFindings is
-- in `facts`. The finding's JSON is in `bodies`, so that this table is small enough to walk.
CREATE TABLE findings (
    no INTEGER PRIMARY KEY,
    detector BIGINT NOT NULL,
    id TEXT NOT NULL,
    updated BIGINT NOT NULL, -- updatedAt, ms since the epoch: event time
    severity DOUBLE PRECISION NOT NULL,
    archived BIGINT NOT NULL, -- 0 or 1, as is the next
    suppressed BIGINT NOT NULL, -- it was archived by a filter when it was born, and nobody unarchived it
    type TEXT NOT NULL,
    resource_type TEXT NOT NULL, -- empty if the finding has none; so too the next three
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_id TEXT NOT NULL, -- what GetFindingsStatistics groups by
    occurrences BIGINT NOT NULL, -- occurrences ever kept in `history`, whether or not still there
    arrived BIGINT NOT NULL, -- when this machine last received it, ms: retention counts from here
    feedback TEXT,
    comments TEXT,
    facts TEXT NOT NULL, -- {"<code of attribute>": value or [values]}
    UNIQUE (detector, id)
);
CREATE INDEX findings_by_updated ON findings (detector, updated);
CREATE INDEX findings_by_type ON findings (detector, type, updated);
CREATE INDEX findings_by_severity ON findings (detector, severity, updated);
CREATE INDEX findings_by_resource_type ON findings (detector, resource_type, updated);
CREATE INDEX findings_by_archived ON findings (detector, archived, updated);
CREATE INDEX findings_by_arrived ON findings (arrived);

CREATE TABLE bodies (
    finding INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

-- Needles: attributes whose values are rare (ids, addresses, names), by a hash of the value. A hit is checked against
-- `facts`, because hashes may collide.
CREATE TABLE needles (
    detector BIGINT NOT NULL,
    attribute BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    finding BIGINT NOT NULL,
    PRIMARY KEY (detector, attribute, hash, finding)
) WITHOUT ROWID;

-- Earlier occurrences of a finding, as it stood before it grew.
CREATE TABLE history (
    finding BIGINT NOT NULL,
    number BIGINT NOT NULL, -- from 1
    body TEXT NOT NULL,
    PRIMARY KEY (finding, number)
) WITHOUT ROWID;

-- What was analysed: per source, resource and day of arrival.
CREATE TABLE usage (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    source TEXT NOT NULL,
    resource TEXT NOT NULL, -- empty where the source has none
    day BIGINT NOT NULL, -- days since the epoch
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (account, region, day, source, resource)
) WITHOUT ROWID;

-- What waits to be sent, oldest first for each queue.
CREATE TABLE outbox (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    name TEXT NOT NULL, -- what is sent twice under one name waits once
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (queue, name)
);
CREATE INDEX outbox_by_queue ON outbox (queue, no);
CREATE TABLE outbox_counts (
    queue TEXT PRIMARY KEY,
    waiting BIGINT NOT NULL,
    pushed BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    dropped BIGINT NOT NULL
) WITHOUT ROWID;

-- Access keys, sealed by the caller.
CREATE TABLE secrets (
    account TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    sealed BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- The engine's saved states and positions.
CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    state BYTEA NOT NULL,
    updated BIGINT NOT NULL
) WITHOUT ROWID;
