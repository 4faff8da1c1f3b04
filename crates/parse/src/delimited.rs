//! Logs that went through a table: rows separated by commas, as Athena and CloudWatch Logs write results.
//!
//! ```text
//! "version","account_id","interface_id","srcaddr",…          a flow record, one column in each cell
//! "2","111122223333","eni-0a1b2c3d","198.51.100.7",…
//! timestamp,message                                          a line of a log in one cell
//! 1773136800000,"{""eventVersion"": ""1.09"", …}"
//! ```

use std::borrow::Cow;

/// The cells of a row; `None` if there are fewer than two, or a quote is not closed.
pub(crate) fn cells(row: &str) -> Option<Vec<Cow<'_, str>>> {
    if !row.contains(',') {
        return None;
    }
    let mut cells = Vec::new();
    let mut rest = row;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (Cow::Borrowed(&rest[..end]), &rest[end..])
            }
        };
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(' '),
            None => return (after.trim().is_empty() && cells.len() > 1).then_some(cells),
        }
    }
}

/// A cell behind its first quote, and what follows its last one. Two quotes inside are one.
fn quoted_cell(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut end = 0;
    let mut is_doubled = false;
    loop {
        end += text.get(end..)?.find('"')?;
        if !text[end + 1..].starts_with('"') {
            break;
        }
        is_doubled = true;
        end += 2;
    }
    let cell = &text[..end];
    let cell = if is_doubled { cell.replace("\"\"", "\"").into() } else { Cow::Borrowed(cell) };
    Some((cell, &text[end + 1..]))
}

/// The row as a line of a flow log, which has one blank between two columns; a cell of nothing is AWS's `-`.
pub(crate) fn flow_line(cells: &[Cow<'_, str>]) -> String {
    let mut line = String::new();
    for cell in cells {
        if !line.is_empty() {
            line.push(' ');
        }
        let cell = cell.trim();
        if cell.is_empty() {
            line.push('-');
        }
        // Nothing in a flow log has blanks or commas in it; what has them must not become several columns.
        line.extend(cell.chars().map(|letter| if letter.is_whitespace() || letter == ',' { '_' } else { letter }));
    }
    line
}

/// Whether the cells are titles over lines of a log.
pub(crate) fn is_message_header(cells: &[Cow<'_, str>]) -> bool {
    let is_title = |cell: &Cow<'_, str>, title: &str| {
        let cell = cell.trim();
        cell.strip_prefix('@').unwrap_or(cell).eq_ignore_ascii_case(title)
    };
    cells.iter().any(|cell| is_title(cell, "message")) && cells.iter().any(|cell| is_title(cell, "timestamp"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_are_split_at_commas_outside_of_quotes() {
        let split = |row| cells(row).map(|cells| cells.join("|"));
        assert_eq!(split("a,b,,c").as_deref(), Some("a|b||c"));
        assert_eq!(split(r#""a, ""b""", c,"""#).as_deref(), Some(r#"a, "b"|c|"#));
        assert_eq!(split(r#""a, ""b""", c,"d""#).as_deref(), Some(r#"a, "b"|c|d"#));
        assert_eq!((split("no comma"), split(r#""open,b"#), split(r#""a"b,c"#)), (None, None, None));
    }

    #[test]
    fn a_row_becomes_a_line_of_as_many_columns() {
        let row = cells(r#"2, ,"a b","c,d""#).unwrap();
        assert_eq!(flow_line(&row), "2 - a_b c_d");
    }

    proptest! {
        #[test]
        fn any_cells_come_out_as_they_went_in(texts in proptest::collection::vec("[^\r\n]{0,8}", 2..6)) {
            let row: Vec<String> = texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
            let row = row.join(",");
            let read = cells(&row).unwrap();
            prop_assert_eq!(&read, &texts);
            prop_assert_eq!(flow_line(&read).split(char::is_whitespace).count(), texts.len());
        }

        #[test]
        fn any_row_is_survived(row in "[\",a ]{0,30}") {
            let _ = cells(&row).map(|cells| flow_line(&cells));
        }
    }
}
