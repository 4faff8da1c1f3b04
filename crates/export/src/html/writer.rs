//! Writes HTML. Text goes through [`Html::text`] or [`Html::attribute`]; [`Html::raw`] is for what stands in our
//! source.

use crate::text::harmless;

/// A page in the making.
#[derive(Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// Markup of our own, or numbers.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Text from anywhere: shown, never obeyed.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape_into(&mut self.out, &harmless(text));
        self
    }

    /// ` name="text"`.
    pub(super) fn attribute(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(text).raw("\"")
    }

    /// `<tag>text</tag>`, where the tag may bring its attributes.
    pub(super) fn element(&mut self, tag: &str, text: &str) -> &mut Self {
        let name = tag.split(' ').next().unwrap_or_default();
        self.raw("<").raw(tag).raw(">").text(text).raw("</").raw(name).raw(">")
    }

    /// The beginning of a table that scrolls sideways where it does not fit; `#` before a column's name makes it one of
    /// numbers. [`Html::close_table`] ends it.
    pub(super) fn open_table(&mut self, label: &str, columns: &[&str]) -> &mut Self {
        self.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\"").attribute("aria-label", label);
        self.raw("><table><thead><tr>");
        for column in columns {
            match column.strip_prefix('#') {
                Some(name) => self.element("th scope=\"col\" class=\"number\"", name),
                None => self.element("th scope=\"col\"", column),
            };
        }
        self.raw("</tr></thead><tbody>\n")
    }

    pub(super) fn close_table(&mut self) -> &mut Self {
        self.raw("</tbody></table></div>\n")
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// The five characters that mean something in HTML's text and in quoted attributes.
fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
}
