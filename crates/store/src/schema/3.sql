-- Access keys became documents.
DROP TABLE secrets;

-- Needles stand together with those of findings that arrived at about the same time, in buckets of 32,768 findings: what is
-- written next to each other is written at once, where hashes alone would touch a page of the table for every needle.
CREATE TABLE bucketed_needles (
    detector BIGINT NOT NULL,
    bucket BIGINT NOT NULL, -- the finding's number divided by 32,768
    attribute BIGINT NOT NULL,
    hash BIGINT NOT NULL,
    finding BIGINT NOT NULL,
    PRIMARY KEY (detector, bucket, attribute, hash, finding)
) {by its key};
INSERT INTO bucketed_needles (detector, bucket, attribute, hash, finding)
    SELECT detector, finding / 32768, attribute, hash, finding FROM needles;
DROP TABLE needles;
ALTER TABLE bucketed_needles RENAME TO needles;

-- Statistics by resource, of all findings or of those that are not archived, without a look at the rows.
CREATE INDEX findings_by_resource ON findings (detector, resource_type, resource_id, updated, archived);
