//! A statement under construction: text, and the values of its parameters in the order in which they stand in it.

use rusqlite::types::Value as SqlValue;
use rusqlite::{CachedStatement, Connection};
use std::fmt::Write as _;

/// SQLite numbers `$n` by first appearance, PostgreSQL by n: binding while writing keeps both the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<SqlValue>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Writes a parameter.
    pub(crate) fn bind(&mut self, value: impl Into<SqlValue>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a text cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Writes parameters, with commas between them.
    pub(crate) fn bind_all<V: Into<SqlValue>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.bind(value);
        }
        self
    }

    pub(crate) fn prepare<'c>(&self, connection: &'c Connection) -> rusqlite::Result<CachedStatement<'c>> {
        connection.prepare_cached(&self.text)
    }

    pub(crate) fn params(&self) -> rusqlite::ParamsFromIter<&Vec<SqlValue>> {
        rusqlite::params_from_iter(&self.values)
    }

    /// The one number that it selects.
    pub(crate) fn number(&self, connection: &Connection) -> rusqlite::Result<i64> {
        self.prepare(connection)?.query_row(self.params(), |row| row.get(0))
    }
}
