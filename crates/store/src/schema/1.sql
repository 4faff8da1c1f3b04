-- Every API resource but findings: a JSON body under a key.
CREATE TABLE documents (
    kind {text} NOT NULL,
    account {text} NOT NULL,
    region {text} NOT NULL,
    parent {text} NOT NULL, -- the detector, or empty
    id {text} NOT NULL,
    body {text} NOT NULL,
    version BIGINT NOT NULL, -- 1, and one more with each change
    created BIGINT NOT NULL, -- ms since the epoch, by this machine's clock
    updated BIGINT NOT NULL,
    PRIMARY KEY (kind, account, region, parent, id)
) {by its key};
CREATE INDEX documents_by_parent ON documents (account, region, parent);

-- Detectors that hold findings, numbered, so that the rows and indexes of findings stay small.
CREATE TABLE detectors (
    no {number},
    account {text} NOT NULL,
    region {text} NOT NULL,
    detector {text} NOT NULL,
    deleted BIGINT NOT NULL DEFAULT 0, -- 1: its findings are invisible and are being removed
    UNIQUE (account, region, detector)
);

-- One row a finding. What lists are filtered and sorted by most often are columns; every other attribute of ListFindings is
-- in `facts`. The finding's JSON is in `bodies`, so that this table is small enough to walk.
CREATE TABLE findings (
    no {number},
    detector BIGINT NOT NULL,
    id {text} NOT NULL,
    updated BIGINT NOT NULL, -- updatedAt, ms since the epoch: event time
    severity DOUBLE PRECISION NOT NULL,
    archived BIGINT NOT NULL, -- 0 or 1, as is the next
    suppressed BIGINT NOT NULL, -- it was archived by a filter when it was born, and nobody unarchived it
    type {text} NOT NULL,
    resource_type {text} NOT NULL, -- empty if the finding has none; so too the next three
    role {text} NOT NULL,
    action {text} NOT NULL,
    resource_id {text} NOT NULL, -- what GetFindingsStatistics groups by
    occurrences BIGINT NOT NULL, -- occurrences ever kept in `history`, whether or not still there
    arrived BIGINT NOT NULL, -- when this machine last received it, ms: retention counts from here
    feedback {text},
    comments {text},
    facts {json} NOT NULL, -- {"<code of attribute>": value or [values]}
    UNIQUE (detector, id)
);
CREATE INDEX findings_by_updated ON findings (detector, updated{, no});
CREATE INDEX findings_by_type ON findings (detector, type, updated{, no});
CREATE INDEX findings_by_type_severity ON findings (detector, type, severity, updated{, no});
CREATE INDEX findings_by_severity ON findings (detector, severity, updated{, no});
CREATE INDEX findings_by_resource_type ON findings (detector, resource_type, updated{, no});
CREATE INDEX findings_by_archived ON findings (detector, archived, updated{, no});
CREATE INDEX findings_by_arrived ON findings (arrived);

CREATE TABLE bodies (
    finding {number},
    body BYTEA NOT NULL -- JSON, compressed with zstd
);

-- Needles: attributes whose values are rare (ids, addresses, names), by a hash of the value. A hit is checked against
-- `facts`, because hashes may collide.
CREATE TABLE needles (
    detector BIGINT NOT NULL,
    attribute BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    finding BIGINT NOT NULL,
    PRIMARY KEY (detector, attribute, hash, finding)
) {by its key};

-- Earlier occurrences of a finding, as it stood before it grew.
CREATE TABLE history (
    finding BIGINT NOT NULL,
    number BIGINT NOT NULL, -- from 1
    body BYTEA NOT NULL, -- JSON, compressed with zstd
    PRIMARY KEY (finding, number)
) {by its key};

-- What was analysed: per source, resource and day of arrival.
CREATE TABLE usage (
    account {text} NOT NULL,
    region {text} NOT NULL,
    source {text} NOT NULL,
    resource {text} NOT NULL, -- empty where the source has none
    day BIGINT NOT NULL, -- days since the epoch
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (account, region, day, source, resource)
) {by its key};

-- What waits to be sent, oldest first for each queue.
CREATE TABLE outbox (
    no {new number},
    queue {text} NOT NULL,
    name {text} NOT NULL, -- what is sent twice under one name waits once
    body {text} NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (queue, name)
);
CREATE INDEX outbox_by_queue ON outbox (queue, no);
CREATE TABLE outbox_counts (
    queue {text} PRIMARY KEY,
    waiting BIGINT NOT NULL,
    pushed BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    dropped BIGINT NOT NULL
) {by its key};

-- Access keys, sealed by the caller.
CREATE TABLE secrets (
    account {text} NOT NULL,
    id {text} NOT NULL UNIQUE,
    sealed BYTEA NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, id)
) {by its key};

-- The engine's saved states and positions.
CREATE TABLE checkpoints (
    name {text} PRIMARY KEY,
    state BYTEA NOT NULL,
    updated BIGINT NOT NULL
) {by its key};
