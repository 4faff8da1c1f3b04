//! The style sheet, the script and the icon: files of the program, named after their content, so that browsers keep them
//! until there are others.

use crate::service::{Answer, with_body};
use crate::sigv4::hex;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use ring::digest::{SHA256, digest};
use std::sync::OnceLock;
use watchfire_export::BASE_STYLE;

/// A file that pages ask for.
pub(crate) struct Asset {
    name: &'static str,
    content_type: &'static str,
    /// In this order.
    parts: &'static [&'static str],
    path: OnceLock<String>,
}

/// Colours and type, as in the HTML report, and what the console has besides.
pub(crate) static STYLE: Asset =
    Asset::new("console.css", "text/css; charset=utf-8", &[BASE_STYLE, include_str!("console.css")]);

/// Short cuts; every page works without it.
pub(crate) static SCRIPT: Asset =
    Asset::new("console.js", "text/javascript; charset=utf-8", &[include_str!("console.js")]);

/// The flame.
pub(crate) static ICON: Asset = Asset::new("icon.svg", "image/svg+xml", &[include_str!("icon.svg")]);

impl Asset {
    const fn new(name: &'static str, content_type: &'static str, parts: &'static [&'static str]) -> Self {
        Self { name, content_type, parts, path: OnceLock::new() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        self.path.get_or_init(|| {
            let hash = hex(digest(&SHA256, self.parts.concat().as_bytes()).as_ref());
            format!("/console/assets/{}/{}", &hash[..16], self.name)
        })
    }
}

/// The file at a path, if there is one.
pub(crate) fn answer(path: &str) -> Option<Answer> {
    let asset = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.path() == path)?;
    let mut answer = with_body(StatusCode::OK, asset.content_type, Bytes::from(asset.parts.concat()));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    answer.headers_mut().insert(CACHE_CONTROL, forever);
    Some(answer)
}
