//! The console: pages for people, on the same server and over the same operations as the API.
//!
//! Pages are made here, and are whole without a script. What a log had a say in is made harmless as it is read
//! (`viewer::tame`) and escaped by the templates. Who signs in hands over an access key; what they may see and change is
//! what the API lets that key do, with one addition: an operator sees all accounts (`viewer`).

mod assets;
mod filters;
mod finding;
mod forms;
mod list;
mod lists;
mod page;
mod sessions;
mod settings;
mod throttle;
mod usage;
mod viewer;
mod web;

use crate::audit::Asker;
use crate::call::Caller;
use crate::error::{ApiError, ErrorClass};
use crate::keys::IssuedKey;
use crate::service::{Answer, Service};
use finding::Named;
use forms::Done;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use maud::{Markup, html};
use page::Tab;
use sessions::{Session, Sessions, is_same_secret};
use std::sync::Arc;
use throttle::Throttle;
use viewer::Viewer;

pub(crate) use web::{Ask, Fields, Inlet};

/// Characters of a key id that the audit log keeps. Source: the longest that `keys import` takes.
const KEY_ID_MAX: usize = 128;

/// What the console remembers between requests.
#[derive(Default)]
pub(crate) struct Console {
    sessions: Sessions,
    throttle: Throttle,
}

/// Whether a request is for the console: everything under `/console`, and the bare address that a person types. A signed
/// `/` is for STS.
pub(crate) fn is_for_console(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> bool {
    if path == "/console" || path.starts_with("/console/") {
        return true;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    path == "/" && reads && query.is_empty() && !headers.contains_key(AUTHORIZATION)
}

/// Answers a request to the console, whatever it is.
pub(crate) async fn answer(service: &Arc<Service>, ask: Ask) -> Answer {
    let mut answer = match route(service, &ask).await {
        Ok(answer) => answer,
        Err(error) => refusal(service, &ask, &error, None),
    };
    web::secure(&mut answer);
    answer
}

/// Answers a request whose form could not be read.
pub(crate) fn refused(service: &Service, error: &ApiError) -> Answer {
    let mut answer = error_page(service, error, "a form of the console", None);
    web::secure(&mut answer);
    answer
}

/// An error page, inside the frame if somebody has signed in.
fn refusal(service: &Service, ask: &Ask, error: &ApiError, viewer: Option<&Viewer>) -> Answer {
    error_page(service, error, &format!("{} {}", ask.method, ask.path), viewer)
}

fn error_page(service: &Service, error: &ApiError, what: &str, viewer: Option<&Viewer>) -> Answer {
    if let Some(cause) = &error.cause {
        service.report(&format!("{what}: {cause}"));
    }
    let status = StatusCode::from_u16(error.class.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let title = match error.class {
        ErrorClass::AccessDenied => "Not allowed",
        ErrorClass::ResourceNotFound | ErrorClass::UnknownOperation => "Not found",
        ErrorClass::InternalServerError => "Something failed here",
        ErrorClass::TooManyRequests => "Too many requests",
        _ => "That did not work",
    };
    let message = match error.class {
        ErrorClass::InternalServerError => "Why is in the server's log. Nothing was changed, or all of it.",
        _ => &error.message,
    };
    let content = page::trouble(title, message);
    let page = match viewer {
        Some(viewer) => page::frame(viewer, Tab::Findings, title, None, content),
        None => page::document(title, html! {}, content),
    };
    web::answer(status, page)
}

async fn route(service: &Arc<Service>, ask: &Ask) -> Result<Answer, ApiError> {
    if let Some(answer) = assets::answer(&ask.path) {
        return Ok(answer);
    }
    let is_change = match ask.method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Err(ApiError::of(ErrorClass::BadRequest, "The console knows GET and POST only.")),
    };
    if is_change && ask.is_from_elsewhere() {
        return Err(ApiError::of(
            ErrorClass::AccessDenied,
            "The form came from another site, and nothing was changed.",
        ));
    }
    if ask.path == "/console/sign-in" {
        return if is_change { sign_in(service, ask).await } else { Ok(sign_in_page(ask, StatusCode::OK, "")) };
    }
    let Some((id, session, viewer)) = signed_in(service, ask).await? else {
        return Ok(not_signed_in(ask, is_change));
    };
    if is_change && !session.is_form_of(ask.form.get("csrf")) {
        let message = "The form is not of your session, and nothing was changed. Open the page again.";
        return Ok(refusal(service, ask, &ApiError::of(ErrorClass::AccessDenied, message), Some(&viewer)));
    }
    if is_change && ask.path == "/console/sign-out" {
        service.console.sessions.close(id);
        let mut answer = web::go_to("/console/sign-in?out=1");
        web::clear_session(&mut answer, ask.is_secure());
        return Ok(answer);
    }
    let outcome = match is_change {
        false => {
            let notice = service.console.sessions.take_notice(id);
            show(&viewer, ask, notice.as_deref()).await
        }
        true => change(&viewer, ask).await.map(|done| match done {
            Done::Told(answer, notice) => {
                service.console.sessions.leave_notice(id, notice);
                answer
            }
            Done::Again(answer) => answer,
        }),
    };
    Ok(outcome.unwrap_or_else(|error| refusal(service, ask, &error, Some(&viewer))))
}

/// A page.
async fn show(viewer: &Viewer, ask: &Ask, notice: Option<&str>) -> Result<Answer, ApiError> {
    let segments: Vec<&str> = ask.path.split('/').skip(1).collect();
    match segments.as_slice() {
        [""] | ["console"] | ["console", ""] => Ok(web::go_to("/console/findings")),
        ["console", "findings"] => list::show(viewer, ask, notice).await,
        ["console", "findings", account, region, id] => {
            finding::show(viewer, ask, &Named { account, region, id }, notice).await
        }
        ["console", "findings", account, region, id, "json"] => {
            finding::document(viewer, &Named { account, region, id }).await
        }
        ["console", "settings"] => settings::show(viewer, ask, notice).await,
        ["console", "lists"] => lists::show(viewer, ask, notice).await,
        ["console", "lists", "new"] => lists::show_new(viewer, ask).await,
        ["console", "lists", account, region, kind, id] => {
            lists::show_one(viewer, (account, region, kind, id), notice).await
        }
        ["console", "lists", account, region, kind, id, "edit"] => {
            lists::show_edit(viewer, (account, region, kind, id)).await
        }
        ["console", "lists", account, region, kind, id, "delete"] => {
            lists::show_delete(viewer, (account, region, kind, id)).await
        }
        ["console", "filters"] => filters::show(viewer, ask, notice).await,
        ["console", "filters", "new"] => filters::show_new(viewer, ask).await,
        ["console", "filters", account, region, name] => filters::show_one(viewer, (account, region, name)).await,
        ["console", "filters", account, region, name, "delete"] => {
            filters::show_delete(viewer, (account, region, name)).await
        }
        ["console", "usage"] => usage::show(viewer, ask, notice).await,
        _ => Err(no_page()),
    }
}

/// What a form asks for.
async fn change(viewer: &Viewer, ask: &Ask) -> Result<Done, ApiError> {
    let segments: Vec<&str> = ask.path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["console", "findings"] => list::change(viewer, ask).await.map(Done::from),
        ["console", "findings", account, region, id] => {
            finding::change(viewer, ask, &Named { account, region, id }).await.map(Done::from)
        }
        ["console", "settings"] => settings::change(viewer, ask).await.map(Done::from),
        ["console", "lists"] => lists::change(viewer, ask).await.map(Done::from),
        ["console", "lists", "new"] => lists::create(viewer, ask).await,
        ["console", "lists", account, region, kind, id, "edit"] => {
            lists::edit(viewer, ask, (account, region, kind, id)).await
        }
        ["console", "lists", account, region, kind, id, "delete"] => {
            lists::delete(viewer, (account, region, kind, id)).await
        }
        ["console", "filters", "new"] => filters::create(viewer, ask).await,
        ["console", "filters", account, region, name] => filters::change(viewer, ask, (account, region, name)).await,
        ["console", "filters", account, region, name, "delete"] => {
            filters::delete(viewer, (account, region, name)).await
        }
        _ => Err(no_page()),
    }
}

fn no_page() -> ApiError {
    ApiError::of(ErrorClass::ResourceNotFound, "There is no such page.")
}

/// The session of a request, if it has one whose key still works. Each request asks for the key anew, so that a session
/// ends with it.
async fn signed_in<'a>(service: &Arc<Service>, ask: &'a Ask) -> Result<Option<(&'a str, Session, Viewer)>, ApiError> {
    let sessions = &service.console.sessions;
    let now = service.clock.now().as_millisecond();
    let Some(id) = ask.session_id() else { return Ok(None) };
    let Some(session) = sessions.find(id, now) else { return Ok(None) };
    let Some(issued) = service.keys.find(&session.access_key_id).await? else {
        sessions.close(id);
        return Ok(None);
    };
    if !service.admits(&issued.key.id) {
        return Err(ApiError::of(
            ErrorClass::TooManyRequests,
            "Too many requests with this access key; wait a second.",
        ));
    }
    let viewer = Viewer::new(service, issued.key, session.csrf.clone(), ask).await?;
    Ok(Some((id, session, viewer)))
}

/// Who follows a link from another site, a chat for instance, comes without the cookie, which the browser keeps from such
/// requests. The page then asks once more, by itself, and that request is ours.
fn not_signed_in(ask: &Ask, is_change: bool) -> Answer {
    let here = match ask.query.0.is_empty() {
        true => ask.path.clone(),
        false => {
            let query = ask.query.0.iter().filter(|(name, _)| name != "arrived");
            web::address(&ask.path, query.map(|(name, value)| (name.as_str(), value.as_str())))
        }
    };
    let is_first = ask.query.get("arrived").is_empty();
    if !is_change && is_first && ask.session_id().is_none() && ask.header("sec-fetch-site") == Some("cross-site") {
        let sign = if here.contains('?') { '&' } else { '?' };
        let again = format!("0; url={here}{sign}arrived=1");
        return web::answer(
            StatusCode::OK,
            html! {
                (maud::DOCTYPE)
                html lang="en" {
                    head { meta charset="utf-8"; meta http-equiv="refresh" content=(again); title { "Watchfire" } }
                    body { p { a href=(here) { "On to Watchfire" } } }
                }
            },
        );
    }
    let next = if is_change || ask.path == "/" { "" } else { &here };
    web::go_to(&web::address("/console/sign-in", [("next", next)]))
}

fn sign_in_page(ask: &Ask, status: StatusCode, trouble: &str) -> Answer {
    let asked = if ask.method == Method::POST { &ask.form } else { &ask.query };
    let next = web::way_back(asked.get("next"), "/console/findings");
    web::answer(status, page::document("Sign in", html! {}, sign_in_form(asked, next, trouble)))
}

fn sign_in_form(asked: &Fields, next: &str, trouble: &str) -> Markup {
    html! {
        section.narrow {
            h1 { "Sign in" }
            @if !trouble.is_empty() { p.note.bad role="alert" #trouble { (trouble) } }
            @else if !asked.get("out").is_empty() { p.note role="status" { "You have signed out." } }
            form.sign-in method="post" action="/console/sign-in" {
                input type="hidden" name="next" value=(next);
                label { "Access key ID"
                    input type="text" name="key" value=(asked.get("key")) required autocomplete="username"
                        autocapitalize="off" spellcheck="false" autofocus[asked.get("key").is_empty()]
                        aria-describedby=[(!trouble.is_empty()).then_some("trouble")];
                }
                label { "Secret access key"
                    input type="password" name="secret" required autocomplete="current-password"
                        autofocus[!asked.get("key").is_empty()];
                }
                button.main type="submit" { "Sign in" }
            }
            p.dim { "With a key of this server, as "
                code { "watchfire keys create" } " makes them. You stay signed in for 12 hours at most, and for half an \
                hour without a request." }
        }
    }
}

async fn sign_in(service: &Arc<Service>, ask: &Ask) -> Result<Answer, ApiError> {
    let (key, secret, peer) = (ask.form.get("key").trim(), ask.form.get("secret").trim(), ask.peer());
    let console = &service.console;
    let now = service.clock.now().as_millisecond();
    if let Err(seconds) = console.throttle.begin(key, &peer, now) {
        let trouble = format!("Too many attempts. Wait {seconds} seconds, then try again.");
        let mut answer = sign_in_page(ask, StatusCode::TOO_MANY_REQUESTS, &trouble);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(answer);
    }
    let begin = service.clock.now();
    let issued = service.keys.find(key).await?.filter(|issued| is_same_secret(&issued.secret, secret));
    let caller = issued.as_ref().map(|IssuedKey { key, .. }| Caller {
        account: key.account.clone(),
        access_key_id: key.id.clone(),
        policy: key.policy,
    });
    let error = issued.is_none().then_some(ErrorClass::AccessDenied);
    let asker = Asker {
        caller,
        access_key_id: Some(key.chars().take(KEY_ID_MAX).collect()),
        is_sign_in: true,
        ..Asker::default()
    };
    service.tell_of_console((ask.inlet.peer, ask.user_agent()), &asker, begin, error);
    let Some(issued) = issued else {
        let trouble = "No key of this server has this ID and this secret.";
        return Ok(sign_in_page(ask, StatusCode::FORBIDDEN, trouble));
    };
    console.throttle.succeeded(key, &peer);
    if let Some(old) = ask.session_id() {
        console.sessions.close(old);
    }
    let id = console.sessions.open(&issued.key.id, now)?;
    let mut answer = web::go_to(web::way_back(ask.form.get("next"), "/console/findings"));
    web::set_session(&mut answer, &id, ask.is_secure());
    Ok(answer)
}
