//! Ways in which an answer can go wrong, on purpose.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};

use super::listener::ConnectionCut;
use super::response::{set, status};

/// Something other than an honest answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status with headers and a body.
    Status(u16, Vec<(String, String)>, String),
    /// The beginning of something, then the connection breaks.
    Broken,
    /// Not a byte, then the connection breaks.
    Dropped,
    /// The honest head and half of the honest body, then the connection breaks.
    Truncated,
    /// These bytes instead of the content.
    Bytes(Vec<u8>),
}

impl Fault {
    /// Whether no honest answer is needed for it.
    pub(super) fn is_instead(&self) -> bool {
        !matches!(self, Self::Truncated)
    }

    /// The answer that needs no honest one.
    pub(super) fn instead(self, cut: &ConnectionCut) -> Response {
        match self {
            Self::Status(code, headers, body) => {
                let mut response = status(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
                *response.body_mut() = Body::from(body);
                for (name, value) in headers {
                    set(&mut response, &name, &value);
                }
                response
            }
            Self::Bytes(bytes) => Response::new(Body::from(bytes)),
            Self::Broken => Response::new(breaking(Bytes::from_static(b"{\"schema"), cut)),
            Self::Dropped | Self::Truncated => {
                cut.now();
                status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Spoils an honest answer.
    pub(super) async fn spoil(self, response: Response, cut: &ConnectionCut) -> Response {
        let (mut head, body) = response.into_parts();
        let Ok(whole) = to_bytes(body, usize::MAX).await else {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        head.headers
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| HeaderValue::from(whole.len()));
        let half = whole.slice(..whole.len() / 2);
        Response::from_parts(head, breaking(half, cut))
    }
}

/// A body that ends with the connection.
fn breaking(bytes: Bytes, cut: &ConnectionCut) -> Body {
    let cut = cut.clone();
    let first = stream::once(async move { Ok::<_, std::io::Error>(bytes) });
    let end = stream::once(async move {
        // What came before is on its way when the connection ends.
        tokio::task::yield_now().await;
        cut.now();
        Err(std::io::Error::other("broken on purpose"))
    });
    Body::from_stream(first.chain(end))
}
