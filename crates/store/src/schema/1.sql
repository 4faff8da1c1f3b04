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
