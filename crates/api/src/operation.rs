//! What the generated list of operations is made of, and which operation a request is for.

use crate::generated::Operation;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The input or the output of an operation that has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nothing {}

/// An operation with the types that go in and come out.
pub(crate) trait Typed {
    /// What a request holds: labels of the path, parameters of the query and members of the body alike.
    type Input: DeserializeOwned + Send;
    /// What an answer holds.
    type Output: Serialize + Send;
}

/// How an operation is called.
pub(crate) struct Route {
    /// The operation.
    pub(crate) operation: Operation,
    /// `GET`, `POST`, …
    pub(crate) method: &'static str,
    /// The path, with `{Label}` for a segment that the caller chooses.
    pub(crate) path: &'static str,
    /// The status of a successful answer.
    pub(crate) status: u16,
    /// The shape of the request in the service model; empty if there is none.
    pub(crate) input: &'static str,
}

/// Makes the enumeration, the routes and a marker type for each operation.
macro_rules! operations {
    ($($name:ident { $method:literal $path:literal $status:literal $shape:literal, $input:ty => $output:ty })*) => {
        /// Every operation of the service model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Operation { $($name),* }

        impl Operation {
            /// All of them, by name.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            /// The name, as the service model has it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// How it is called.
            pub(crate) fn route(self) -> &'static $crate::operation::Route {
                match self {
                    $(Self::$name => {
                        &$crate::operation::Route {
                            operation: Self::$name, method: $method, path: $path, status: $status, input: $shape,
                        }
                    })*
                }
            }
        }

        /// One type for each operation, to find the types of its input and output by.
        #[allow(dead_code, reason = "those of operations that no resource answers yet")]
        pub(crate) mod marker {
            $(pub(crate) enum $name {})*
        }

        $(impl $crate::operation::Typed for marker::$name {
            type Input = $input;
            type Output = $output;
        })*
    };
}
pub(crate) use operations;

impl Operation {
    /// Whether it changes nothing: what a read-only key may call.
    pub(crate) fn is_read(self) -> bool {
        ["Get", "List", "Describe"].iter().any(|verb| self.name().starts_with(verb))
    }

    /// Whether its path names a detector.
    pub(crate) fn is_of_a_detector(self) -> bool {
        self.route().path.contains("{DetectorId}")
    }
}

/// Labels of a path, with their decoded values.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// The operation of a method and a path, still encoded: a `/` inside a label is `%2F` there, and must not divide it.
///
/// A segment that is spelt out wins over a label. `None` also for a label that is empty or no UTF-8.
pub(crate) fn recognise(method: &str, raw_path: &str) -> Option<(Operation, Labels)> {
    let routes = Operation::ALL.iter().map(|operation| operation.route()).filter(|route| route.method == method);
    let fits = routes.filter_map(|route| Some((route, labels(route.path, raw_path)?)));
    let (route, labels) = fits.min_by_key(|(_, labels)| labels.len())?;
    Some((route.operation, labels))
}

fn labels(template: &'static str, raw_path: &str) -> Option<Labels> {
    let mut found = Vec::new();
    let (mut given, mut wanted) = (raw_path.split('/'), template.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
                Some(label) => {
                    let value = percent_decode_str(given).decode_utf8().ok().filter(|value| !value.is_empty())?;
                    found.push((label, value.into_owned()));
                }
                None if wanted == given => {}
                None => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_leads_to_its_own_operation() {
        for &operation in Operation::ALL {
            let route = operation.route();
            let path: Vec<&str> =
                route.path.split('/').map(|part| if part.starts_with('{') { "x1" } else { part }).collect();
            let (found, _) = recognise(route.method, &path.join("/")).unwrap();
            assert_eq!(found, operation);
        }
    }

    #[test]
    fn a_slash_inside_a_label_does_not_divide_it() {
        let (operation, labels) = recognise("GET", "/tags/arn%3Aaws%3Aguardduty%3Ax%3A1%3Adetector%2Fab").unwrap();
        assert_eq!(operation, Operation::ListTagsForResource);
        assert_eq!(labels, [("ResourceArn", "arn:aws:guardduty:x:1:detector/ab".to_owned())]);
    }

    #[test]
    fn what_is_no_operation_is_none() {
        for (method, path) in
            [("PUT", "/detector"), ("GET", "/detectors"), ("GET", "/"), ("GET", "/detector/"), ("GET", "/detector/%FF")]
        {
            assert!(recognise(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn a_read_only_key_may_read() {
        let reads: Vec<&str> = Operation::ALL.iter().filter(|one| one.is_read()).map(|one| one.name()).collect();
        assert!(reads.contains(&"GetFindings") && reads.contains(&"DescribeMalwareScans"));
        assert!(
            !reads.iter().any(|name| name.contains("Create") || name.contains("Update") || name.contains("Delete"))
        );
    }
}
