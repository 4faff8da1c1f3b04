//! How a group of operations is told to the server: one file in `resources`, and one line in its list.

use crate::call::Call;
use crate::error::ApiError;
use crate::generated::Operation;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;

/// A group of operations on one kind of thing.
pub(crate) struct Resource {
    /// Its operations, each with its handler. See [`handlers!`](crate::resource::handlers).
    pub(crate) operations: &'static [(Operation, Handler)],
    /// Which of its documents can be tagged.
    pub(crate) tagged: &'static [Tagged],
}

/// Documents that can be tagged: their bodies have a member `tags`, a [`Tags`](crate::tags::Tags), to which the
/// operations on tags write, so that `Get` shows what they set. It moves the document's version: what clients see as a
/// version of their own must be counted in the body.
pub(crate) struct Tagged {
    /// What stands before the id in the ARN: `…:detector/<detector>/<segment>/<id>`, or `…:<segment>/<id>` where there is
    /// no detector.
    pub(crate) segment: &'static str,
    /// The documents' kind.
    pub(crate) kind: &'static str,
    /// Whether the documents hang on a detector.
    pub(crate) is_of_a_detector: bool,
}

/// A handler without its types.
pub(crate) type Handler = for<'a> fn(&'a Call, Value) -> Answer<'a>;

/// The answer to come.
pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send + 'a>>;

/// `handlers! { CreateDetector => create, … }`: a handler is an
/// `async fn(&Call, types::CreateDetectorRequest) -> Result<types::CreateDetectorResponse, ApiError>`; the compiler holds
/// it to the types of its operation.
macro_rules! handlers {
    ($($operation:ident => $handler:path),* $(,)?) => {
        &[$((
            $crate::generated::Operation::$operation,
            {
                fn erased<'a>(call: &'a $crate::call::Call, input: serde_json::Value) -> $crate::resource::Answer<'a> {
                    Box::pin(async move {
                        type Marker = $crate::generated::marker::$operation;
                        let input = $crate::call::decoded::<Marker>(input)?;
                        $crate::call::encoded::<Marker>($handler(call, input).await?)
                    })
                }
                erased as $crate::resource::Handler
            },
        )),*]
    };
}
pub(crate) use handlers;
