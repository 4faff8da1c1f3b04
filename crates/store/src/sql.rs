//! Values, rows, and a statement under construction: text, and the values of its parameters in the order in which they
//! stand in it.

use crate::StoreError;
use crate::database::Connection;
use crate::dialect::Dialect;
use std::fmt::Write as _;

/// What databases hold and statements take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A whole number; truth is 0 or 1.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
    /// A text that is JSON, for a column declared `{json}`.
    Json(String),
    /// Several of one kind, as one parameter. PostgreSQL only, and never in a row.
    Array(Kind, Vec<Value>),
}

/// The kind of a column or a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// As the place wants it.
    Unknown,
    Integer,
    Real,
    Text,
    Blob,
    Json,
}

impl Value {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Unknown,
            Self::Integer(_) => Kind::Integer,
            Self::Real(_) => Kind::Real,
            Self::Text(_) => Kind::Text,
            Self::Blob(_) => Kind::Blob,
            Self::Json(_) => Kind::Json,
            Self::Array(kind, _) => *kind,
        }
    }
}

macro_rules! from {
    ($($of:ty => |$value:ident| $made:expr;)*) => {
        $(impl From<$of> for Value {
            fn from($value: $of) -> Self {
                $made
            }
        })*
    };
}

from! {
    i64 => |value| Self::Integer(value);
    u16 => |value| Self::Integer(value.into());
    bool => |value| Self::Integer(value.into());
    f64 => |value| Self::Real(value);
    &str => |value| Self::Text(value.to_owned());
    &String => |value| Self::Text(value.clone());
    String => |value| Self::Text(value);
    Option<String> => |value| value.map_or(Self::Null, Self::Text);
    Vec<u8> => |value| Self::Blob(value);
    &[u8] => |value| Self::Blob(value.to_vec());
}

/// The values of a statement's parameters.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// What a column of a row is read as.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($of:ty => $pattern:pat => $made:expr;)*) => {
        $(impl FromValue for $of {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $pattern => Some($made),
                    _ => None,
                }
            }
        })*
    };
}

from_value! {
    i64 => Value::Integer(value) => value;
    bool => Value::Integer(value) => value != 0;
    f64 => Value::Real(value) => value;
    String => Value::Text(value) | Value::Json(value) => value;
    Vec<u8> => Value::Blob(value) => value;
}

impl FromValue for Value {
    fn from_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A row that was read.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// Takes the value of a column, which leaves nothing there.
    pub(crate) fn take<T: FromValue>(&mut self, at: usize) -> Result<T, StoreError> {
        let value = self.0.get_mut(at).map(|value| std::mem::replace(value, Value::Null));
        value.and_then(T::from_value).ok_or(StoreError::WrongKind)
    }
}

/// SQLite numbers `$n` by first appearance, PostgreSQL by n: binding while writing keeps both the same.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    dialect: Dialect,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, text: &str) -> Self {
        Self { dialect, text: text.to_owned(), values: Vec::new() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Writes a parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a text cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Writes that what stands before is one of these values.
    pub(crate) fn is_in<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        match self.dialect {
            Dialect::Sqlite => {
                self.push(" IN (");
                for (at, value) in values.into_iter().enumerate() {
                    self.push(if at > 0 { ", " } else { "" }).bind(value);
                }
                self.push(")")
            }
            // One text for any number of values, so that it is prepared once; but one for a single value, because
            // PostgreSQL knows of equality alone that it keeps the order of an index.
            Dialect::Postgres => match values.first().map(Value::kind) {
                None => self.push(" = ANY ('{}')"),
                Some(_) if values.len() == 1 => {
                    self.push(" = ");
                    values.into_iter().fold(self, |sql, value| sql.bind(value))
                }
                Some(kind) => self.push(" = ANY (").bind(Value::Array(kind, values)).push(")"),
            },
        }
    }

    pub(crate) fn execute(&self, connection: &dyn Connection) -> Result<u64, StoreError> {
        connection.execute(&self.text, &self.values)
    }

    pub(crate) fn query(&self, connection: &dyn Connection) -> Result<Vec<Row>, StoreError> {
        connection.query(&self.text, &self.values)
    }

    /// The one number that it selects.
    pub(crate) fn number(&self, connection: &dyn Connection) -> Result<i64, StoreError> {
        self.query(connection)?.first_mut().ok_or(StoreError::WrongKind)?.take(0)
    }
}
