-- What is open, by type and severity, and what filters have archived, counted without a look at the rows: the console does so for
-- each page of its list.
CREATE INDEX findings_by_archived_type ON findings (detector, archived, type, severity, updated, suppressed);
