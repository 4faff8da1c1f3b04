//! What the console reads of a request and how it answers: cookies, forms, addresses, and the headers that make a browser
//! keep to its own server.

use crate::service::{Answer, with_body};
use bytes::Bytes;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN,
    REFERRER_POLICY, SET_COOKIE, USER_AGENT, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, StatusCode};
use maud::Markup;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::{IpAddr, Ipv6Addr};

/// Nothing from anywhere but this server, nothing written into a page, no page inside another.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What needs no encoding in a query. Source: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The name of the cookie over TLS. Browsers let nobody but this very host set a cookie of such a name. Source: RFC 6265bis,
/// section 4.1.3.2.
const SECURE_COOKIE: &str = "__Host-watchfire";

/// The name without TLS.
const PLAIN_COOKIE: &str = "watchfire";

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inlet {
    /// Who is at the other end of the connection.
    pub(crate) peer: IpAddr,
    /// Whether the connection has TLS.
    pub(crate) is_tls: bool,
}

impl Default for Inlet {
    fn default() -> Self {
        Self { peer: IpAddr::V6(Ipv6Addr::UNSPECIFIED), is_tls: false }
    }
}

/// A request to the console.
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// As it stands in the request line; nothing that the console names needs encoding.
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: Fields,
    pub(crate) headers: HeaderMap,
    /// The fields of the form, decoded.
    pub(crate) form: Fields,
    pub(crate) inlet: Inlet,
}

/// Names and values, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// Reads a query or a form, in which a `+` is a blank.
    pub(crate) fn read(encoded: &str) -> Self {
        Self(crate::sigv4::pairs(&encoded.replace('+', " ")))
    }

    /// The first value of a name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let mut named = self.0.iter().filter(|(other, _)| other == name);
        named.next().map_or("", |(_, value)| value)
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl Ask {
    /// A header, if it is text.
    pub(crate) fn header(&self, name: impl hyper::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What the browser calls itself.
    pub(crate) fn user_agent(&self) -> &str {
        self.header(USER_AGENT).unwrap_or_default()
    }

    /// The id of the session that the browser claims.
    pub(crate) fn session_id(&self) -> Option<&str> {
        let cookies = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs: Vec<(&str, &str)> =
            cookies.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('=')).collect();
        let named = |wanted: &str| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        // Without TLS anybody between could have set the plain one; over TLS it counts for nothing.
        named(SECURE_COOKIE).or_else(|| named(PLAIN_COOKIE).filter(|_| !self.is_secure()))
    }

    /// Whether the browser speaks TLS, to us or to what stands before us. A proxy says so in no header that could be
    /// trusted, but a browser says it itself with each form, in `Origin`; and with a name only TLS lets it keep.
    pub(crate) fn is_secure(&self) -> bool {
        self.inlet.is_tls || self.header(ORIGIN).is_some_and(|origin| origin.starts_with("https://"))
    }

    /// Whether another site made the browser ask. Browsers say so in `Sec-Fetch-Site`, and where they do not (plain HTTP to
    /// another machine), in `Origin`. What says neither is no browser, and has no cookies that others could misuse.
    pub(crate) fn is_from_elsewhere(&self) -> bool {
        match (self.header("sec-fetch-site"), self.header(ORIGIN)) {
            (Some(site), _) => !matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => origin.split_once("://").map(|(_, host)| host) != self.header(HOST),
            (None, None) => false,
        }
    }

    /// Who is counted when signing in fails: an address, of version 6 the network, which one subscriber has whole.
    pub(crate) fn peer(&self) -> String {
        match self.inlet.peer.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [one, two, three, four, ..] = address.segments();
                format!("{one:x}:{two:x}:{three:x}:{four:x}::/64")
            }
        }
    }
}

/// A page.
pub(crate) fn answer(status: StatusCode, markup: Markup) -> Answer {
    with_body(status, "text/html; charset=utf-8", Bytes::from(markup.into_string()))
}

/// Sends the browser on, after a form or to a better address.
pub(crate) fn go_to(path: &str) -> Answer {
    let mut answer = with_body(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/console/findings"));
    answer.headers_mut().insert(LOCATION, path);
    answer
}

/// Hands the browser its session.
pub(crate) fn set_session(answer: &mut Answer, id: &str, is_secure: bool) {
    set_cookie(answer, id, is_secure, "");
}

/// Takes the session from the browser.
pub(crate) fn clear_session(answer: &mut Answer, is_secure: bool) {
    set_cookie(answer, "", is_secure, "; Max-Age=0");
}

/// It has no date: browsers forget it when they end, and the server before that.
fn set_cookie(answer: &mut Answer, id: &str, is_secure: bool, more: &str) {
    let (name, secure) = if is_secure { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    let cookie = format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// The headers that every answer of the console has.
pub(crate) fn secure(answer: &mut Answer) {
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // Not `no-referrer`: with that, browsers hide the origin of our own forms from us.
    set(REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    set(CACHE_CONTROL, "no-store");
}

/// A text as a part of a query or of a path.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// An address with a query, without the parameters that are empty.
pub(crate) fn address<'a>(path: &str, query: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    let mut sign = '?';
    for (name, value) in query.into_iter().filter(|(_, value)| !value.is_empty()) {
        address.push(sign);
        address.push_str(&encoded(name));
        address.push('=');
        address.push_str(&encoded(value));
        sign = '&';
    }
    address
}

/// Where a form asked to be sent on to, if it is a page of the console: nobody is sent to another site.
pub(crate) fn way_back<'a>(wanted: &'a str, otherwise: &'a str) -> &'a str {
    let is_plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if wanted.starts_with("/console/") && is_plain { wanted } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(headers: &[(&'static str, &str)]) -> Ask {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Ask {
            method: Method::POST,
            path: "/console/findings".to_owned(),
            query: Fields::default(),
            headers: map,
            form: Fields::default(),
            inlet: Inlet::default(),
        }
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(ask(&[("cookie", "a=b; watchfire=abc;c=d")]).session_id(), Some("abc"));
        assert_eq!(ask(&[("cookie", "a=b"), ("cookie", "watchfire=abc")]).session_id(), Some("abc"));
        assert_eq!(ask(&[("cookie", "xwatchfire=abc; watchfire")]).session_id(), None);
    }

    #[test]
    fn over_tls_a_cookie_that_plain_http_could_have_set_counts_for_nothing() {
        let mut both = ask(&[("cookie", "watchfire=forged; __Host-watchfire=own")]);
        assert_eq!(both.session_id(), Some("own"));
        both = ask(&[("cookie", "watchfire=forged")]);
        both.inlet.is_tls = true;
        assert_eq!(both.session_id(), None);
        let mut answer = go_to("/console/findings");
        set_session(&mut answer, "abc", true);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie, "__Host-watchfire=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
    }

    #[test]
    fn a_request_that_another_site_made_is_told() {
        let elsewhere = |headers: &[(&'static str, &str)]| ask(headers).is_from_elsewhere();
        assert!(elsewhere(&[("sec-fetch-site", "cross-site")]));
        assert!(elsewhere(&[("sec-fetch-site", "same-site")]), "another port of the same host is not us");
        assert!(!elsewhere(&[("sec-fetch-site", "same-origin"), ("origin", "https://proxy.example")]));
        assert!(elsewhere(&[("host", "10.0.0.1:4580"), ("origin", "http://evil.example")]));
        assert!(elsewhere(&[("host", "10.0.0.1:4580"), ("origin", "null")]));
        assert!(!elsewhere(&[("host", "10.0.0.1:4580"), ("origin", "http://10.0.0.1:4580")]));
        assert!(!elsewhere(&[]));
    }

    #[test]
    fn who_has_a_network_of_version_6_is_counted_as_one() {
        let peer = |address: &str| {
            let mut ask = ask(&[]);
            ask.inlet.peer = address.parse().unwrap();
            ask.peer()
        };
        assert_eq!(peer("2001:db8:1:2::1"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"), "the same address, on a socket of both versions");
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for wanted in
            ["https://evil.example/", "//evil.example", "/\\evil.example", "/console/\\a", "/console/a\r\nb", ""]
        {
            assert_eq!(way_back(wanted, "/console/findings"), "/console/findings", "{wanted:?}");
        }
        assert_eq!(way_back("/console/findings?type=a", "/"), "/console/findings?type=a");
    }

    proptest! {
        #[test]
        fn what_is_written_into_an_address_is_read_back(pairs in proptest::collection::vec((".{1,8}", ".{1,20}"), 0..5)) {
            let written = address("/console/findings", pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic()));
            let query = written.split_once('?').map_or("", |(_, query)| query);
            prop_assert_eq!(Fields::read(query).0, pairs);
        }
    }
}
