//! What the two databases say differently: all of it is here, and every statement and table stands once.

use crate::sql::{Kind, Sql, Value};

/// A database's way of speaking SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A table that many rows are written into at once.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
}

impl Dialect {
    /// A step of the schema, with its words in braces replaced.
    pub(crate) fn schema(self, step: &str) -> String {
        // (word, SQLite, PostgreSQL)
        let words = [
            // By bytes, whatever the locale of the database: pages and cursors rely on one order.
            ("{text}", "TEXT", "TEXT COLLATE \"C\""),
            ("{json}", "TEXT", "JSONB"),
            ("{number}", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"),
            ("{new number}", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
            ("{by its key}", "WITHOUT ROWID", ""),
            // SQLite ends every entry of an index with the row's number, which is `no`.
            ("{, no}", "", ", no"),
        ];
        let mut text = step.to_owned();
        for (word, sqlite, postgres) in words {
            text = text.replace(word, if self == Self::Sqlite { sqlite } else { postgres });
        }
        text
    }

    /// The insertion of one row; on PostgreSQL of many, each parameter an array of one column's values.
    pub(crate) fn insert(self, table: &Table) -> String {
        let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
        let parameters: Vec<String> = (1..=names.len()).map(|at| format!("${at}")).collect();
        let (table, names, parameters) = (table.name, names.join(", "), parameters.join(", "));
        match self {
            Self::Sqlite => format!("INSERT INTO {table} ({names}) VALUES ({parameters})"),
            Self::Postgres => format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({parameters})"),
        }
    }

    /// Names the index that the table before it is to be read along. PostgreSQL knows how its values are spread, and
    /// takes no advice.
    pub(crate) fn along(self, sql: &mut Sql, index: &str) {
        if self == Self::Sqlite {
            sql.push(" INDEXED BY ").push(index);
        }
    }

    /// A join whose first table is gone through first.
    pub(crate) fn ordered_join(self) -> &'static str {
        match self {
            // SQLite takes the tables of a cross join in the order in which they stand.
            Self::Sqlite => " CROSS JOIN ",
            Self::Postgres => " JOIN ",
        }
    }

    /// What a list is sorted by if that is a fact: its lowest value, numbers lower than texts, none lower than any.
    pub(crate) fn lowest_fact(self, sql: &mut Sql, code: u16) {
        let code = code.to_string();
        match self {
            Self::Sqlite => {
                sql.push("coalesce((SELECT min(j.value) FROM json_each(f.facts, '$.\"").push(&code);
                sql.push("\"') j), -1e308)");
            }
            // One text for both, whose bytes have the wanted order: a digit for the kind, then the text, or the bits of
            // the number with those of negative ones turned round.
            Self::Postgres => {
                let bits = "encode(float8send(CAST(j.value AS DOUBLE PRECISION)), 'hex')";
                sql.push("(coalesce((SELECT min((CASE WHEN jsonb_typeof(j.value) <> 'number' THEN '3' || (j.value #>> '{}') ");
                sql.push("WHEN CAST(j.value AS DOUBLE PRECISION) < 0 THEN '1' || translate(").push(bits);
                sql.push(", '0123456789abcdef', 'fedcba9876543210') ELSE '2' || ").push(bits);
                sql.push(" END) COLLATE \"C\") FROM jsonb_path_query(f.facts, '$.\"").push(&code);
                sql.push("\"[*]') j (value)), '0') COLLATE \"C\")");
            }
        }
    }

    /// Whether a fact is one of these texts and numbers. Never null.
    pub(crate) fn fact_is_in(self, sql: &mut Sql, code: u16, wanted: &[serde_json::Value]) {
        let code = code.to_string();
        match self {
            Self::Sqlite => {
                sql.push("(");
                if wanted.iter().all(serde_json::Value::is_string) {
                    // A text that the facts do not hold anywhere is not this one's either, and that is quickly seen.
                    sql.push("(");
                    for (at, value) in wanted.iter().enumerate() {
                        sql.push(if at > 0 { " OR " } else { "" }).push("instr(f.facts, ").bind(value.to_string());
                        sql.push(")");
                    }
                    sql.push(") AND ");
                }
                sql.push("EXISTS (SELECT 1 FROM json_each(f.facts, '$.\"").push(&code).push("\"') j WHERE j.value");
                sql.is_in(wanted.iter().map(of_json)).push("))");
            }
            Self::Postgres => {
                // `@>` is true for an equal value, and for a list that has it.
                let wanted = wanted.iter().map(|value| Value::Json(value.to_string())).collect();
                sql.push("coalesce(f.facts -> '").push(&code).push("' @> ANY (");
                sql.bind(Value::Array(Kind::Json, wanted)).push("), FALSE)");
            }
        }
    }

    /// Whether a value of a fact is a number beyond a bound: `operator` is `>`, `>=`, `<` or `<=`. Never null.
    pub(crate) fn fact_is(self, sql: &mut Sql, code: u16, operator: &str, bound: f64) {
        let code = code.to_string();
        match self {
            Self::Sqlite => {
                sql.push("EXISTS (SELECT 1 FROM json_each(f.facts, '$.\"").push(&code).push("\"') j ");
                sql.push("WHERE j.type IN ('integer', 'real') AND j.value ").push(operator).push(" ");
                sql.bind(bound).push(")");
            }
            Self::Postgres => {
                // A text compared with a number is neither true nor false, which is not true.
                sql.push("jsonb_path_exists(f.facts, '$.\"").push(&code).push("\"[*] ? (@ ").push(operator);
                sql.push(" $bound)', jsonb_build_object('bound', ").bind(bound).push("))");
            }
        }
    }
}

/// A text or a number as a value of SQL.
pub(crate) fn of_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Real(number.as_f64().unwrap_or_default()),
        },
        _ => Value::Null,
    }
}
