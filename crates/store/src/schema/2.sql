-- The ARN of the filter that archived the finding when it was born; NULL if none did, or if an older version wrote it.
ALTER TABLE findings ADD COLUMN suppressed_by {text};
