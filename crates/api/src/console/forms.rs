//! Forms that make and change things: fields with labels, what is wrong and where, and a question before what cannot be
//! undone.

use super::page::token;
use super::viewer::{Viewer, scope_of};
use super::web::Fields;
use crate::documents;
use crate::documents::Document as _;
use crate::error::{ApiError, ErrorClass};
use crate::keys;
use crate::relationship::Administrator;
use crate::service::Answer;
use crate::sigv4::hex;
use maud::{Markup, html};
use std::collections::HashSet;
use watchfire_export::harmless;
use watchfire_store::{Range, Scope};

/// What became of a form.
pub(crate) enum Done {
    /// The browser goes on to another page, where a sentence is told.
    Told(Answer, String),
    /// The form is shown once more: something in it is wrong, or more was asked about it.
    Again(Answer),
}

impl From<(Answer, String)> for Done {
    fn from((answer, notice): (Answer, String)) -> Self {
        Self::Told(answer, notice)
    }
}

/// Why a form was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// In a sentence.
    pub(crate) message: String,
    /// The field that has to be looked at, if it is known.
    pub(crate) field: Option<String>,
}

impl Trouble {
    /// Something about one field.
    pub(crate) fn of(field: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), field: Some(field.to_owned()) }
    }

    /// What the API has refused, if a person can do something about it in the form.
    pub(crate) fn from_refusal(error: ApiError) -> Result<Self, ApiError> {
        match error.class {
            ErrorClass::BadRequest | ErrorClass::Conflict => {
                let field = parameter(&error.message).map(str::to_owned);
                Ok(Self { message: harmless(&error.message).into_owned(), field })
            }
            _ => Err(error),
        }
    }
}

/// The parameter that a sentence of the API names.
fn parameter(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" parameter ")?;
    rest.split([' ', '.', ':']).next().filter(|name| !name.is_empty())
}

/// A form with what is in its fields, and what is wrong with them.
pub(crate) struct Form<'a> {
    pub(crate) values: &'a Fields,
    pub(crate) trouble: Option<&'a Trouble>,
}

impl Form<'_> {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name)
    }

    /// What is wrong. It takes the focus, so that who cannot see the page hears of it first.
    pub(crate) fn note(&self) -> Markup {
        html! {
            @if let Some(trouble) = self.trouble {
                p.note.bad #trouble role="alert" tabindex="-1" autofocus {
                    (trouble.message)
                    @if let Some(name) = &trouble.field { " " a href={ "#f-" (name) } { "Go to the field" } }
                }
            }
        }
    }

    fn is_wrong(&self, name: &str) -> bool {
        self.trouble.is_some_and(|trouble| trouble.field.as_deref() == Some(name))
    }

    fn described(&self, name: &str) -> String {
        if self.is_wrong(name) { format!("h-{name} trouble") } else { format!("h-{name}") }
    }

    fn field(&self, name: &str, label: &str, hint: Markup, control: Markup) -> Markup {
        html! {
            div.field.wrong[self.is_wrong(name)] {
                label for={ "f-" (name) } { (label) }
                (control)
                p.hint id={ "h-" (name) } { (hint) }
            }
        }
    }

    /// A line of text; `length` is how many characters the API takes, at least and at most.
    pub(crate) fn line(&self, name: &str, label: &str, length: (usize, usize), hint: Markup) -> Markup {
        let control = html! {
            input type="text" id={ "f-" (name) } name=(name) value=(self.get(name)) required[length.0 > 0]
                minlength=[(length.0 > 0).then_some(length.0)] maxlength=(length.1) autocomplete="off" spellcheck="false"
                aria-describedby=(self.described(name)) aria-invalid=[self.is_wrong(name).then_some("true")];
        };
        self.field(name, label, hint, control)
    }

    /// A whole number between two.
    pub(crate) fn number(&self, name: &str, label: &str, (least, most): (i64, i64), hint: Markup) -> Markup {
        let control = html! {
            input type="number" id={ "f-" (name) } name=(name) value=(self.get(name)) min=(least) max=(most)
                aria-describedby=(self.described(name)) aria-invalid=[self.is_wrong(name).then_some("true")];
        };
        self.field(name, label, hint, control)
    }

    /// A menu of values and their words.
    pub(crate) fn menu<'b>(
        &self,
        name: &str,
        label: &str,
        choices: impl IntoIterator<Item = (&'b str, &'b str)>,
        hint: Markup,
    ) -> Markup {
        let control = html! {
            select id={ "f-" (name) } name=(name) aria-describedby=(self.described(name))
                aria-invalid=[self.is_wrong(name).then_some("true")] {
                @for (value, words) in choices {
                    option value=(value) selected[value == self.get(name)] { (words) }
                }
            }
        };
        self.field(name, label, hint, control)
    }

    /// Lines of text.
    pub(crate) fn text(&self, name: &str, label: &str, rows: usize, hint: Markup) -> Markup {
        let control = html! {
            textarea.mono id={ "f-" (name) } name=(name) rows=(rows) required spellcheck="false" autocapitalize="off"
                aria-describedby=(self.described(name)) aria-invalid=[self.is_wrong(name).then_some("true")] {
                // A first line break would be taken for none.
                "\n" (self.get(name))
            }
        };
        self.field(name, label, hint, control)
    }
}

/// A value that tells a repeated form from a new one: the API makes one thing of both.
pub(crate) fn client_token() -> Result<String, ApiError> {
    Ok(hex(&keys::random::<16>()?))
}

/// A menu's value for an account and region, and back.
pub(crate) fn place_value(account: &str, region: &str) -> String {
    format!("{account}/{region}")
}

/// The account and region of a menu's value.
pub(crate) fn place_of(value: &str) -> (&str, &str) {
    value.split_once('/').unwrap_or((value, ""))
}

/// The detectors whose lists and filters the viewer may set: all that they see, but for members, whose administrator's hold.
pub(crate) async fn settable(viewer: &Viewer) -> Result<Vec<Scope>, ApiError> {
    let range = Range { kind: Administrator::KIND, account: None, region: None, parent: None };
    let members = documents::all::<Administrator>(&viewer.service.store, &range).await?;
    let members: HashSet<(String, String)> =
        members.into_iter().map(|held| (held.key.account, held.key.region)).collect();
    let mut scopes: Vec<Scope> = viewer.detectors().await?.iter().map(scope_of).collect();
    scopes.retain(|scope| !members.contains(&(scope.account.clone(), scope.region.clone())));
    // One's own account first: it is what a new thing is made in unless another is chosen.
    scopes.sort_by_key(|scope| (scope.account != viewer.key.account, scope.account.clone(), scope.region.clone()));
    Ok(scopes)
}

/// Why a form is not shown to who could not send it; `what` are lists or filters.
pub(crate) fn refuse_readers(viewer: &Viewer, what: &str) -> Result<(), ApiError> {
    if viewer.may_change() {
        return Ok(());
    }
    let message = format!("Your key is read-only: an administrator key of this account can change its {what}.");
    Err(ApiError::of(ErrorClass::AccessDenied, message))
}

/// Asks once more before something is deleted. `back` is the way to leave it.
pub(crate) fn ask_to_delete(viewer: &Viewer, path: &str, back: &str, title: &str, lost: Markup) -> Markup {
    html! {
        section.narrow {
            h1 { (title) }
            (lost)
            form.acts method="post" action=(path) {
                (token(viewer))
                button.danger type="submit" name="action" value="delete" { "Delete" }
                a.button href=(back) { "Keep it" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_the_api_complains_of_is_found_in_its_sentence() {
        let of = |error: ApiError| Trouble::from_refusal(error).unwrap().field;
        assert_eq!(of(ApiError::invalid_parameter("location")).as_deref(), Some("location"));
        let missing = ApiError::bad_request("the required parameter name is missing");
        assert_eq!(of(missing).as_deref(), Some("name"));
        assert_eq!(of(ApiError::no_such_resource()), None);
        assert!(Trouble::from_refusal(ApiError::internal("disk full")).is_err(), "not a mistake in the form");
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field_and_escaped() {
        let values = Fields(vec![("name".to_owned(), "\"><b>".to_owned())]);
        let trouble = Trouble::of("name", "no <i>good</i>");
        let form = Form { values: &values, trouble: Some(&trouble) };
        let shown = form.line("name", "Name", (1, 300), html! { "any" }).into_string();
        assert!(shown.contains("aria-invalid=\"true\"") && shown.contains("h-name trouble"), "{shown}");
        assert!(shown.contains("&quot;&gt;&lt;b&gt;"), "{shown}");
        let note = form.note().into_string();
        assert!(note.contains("autofocus") && note.contains("&lt;i&gt;") && note.contains("#f-name"), "{note}");
        let other = form.line("location", "Location", (1, 300), html! {}).into_string();
        assert!(!other.contains("aria-invalid"), "{other}");
    }
}
