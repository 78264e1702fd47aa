//! Reading large blobs as streams that are hashed on the way, by `oci-client`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{DigestError, OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::RegistryTokenType;
use oci_client::{Client, Reference, RegistryOperation};
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};

use super::super::auth::Access;
use super::super::blob_streams::StreamClientKey;
use super::super::client::RegistryClient;
use super::super::endpoint::{authority, is_loopback};
use super::super::error::{RegistryError, named};
use super::super::lock::locked;
use super::super::manifest::Descriptor;
use crate::domain::{Digest, Repository, Wording};
use crate::sources::error_text::with_causes;

/// Why a stream ended before its time.
#[derive(Debug, Clone)]
pub(super) struct BrokenStream {
    /// It is whole, and hashes to this instead.
    pub(super) actual: Option<Digest>,
    /// Why, as part of a sentence.
    pub(super) why: String,
}

impl BrokenStream {
    fn of(error: &std::io::Error) -> Self {
        let verdict = error.get_ref().and_then(|inner| inner.downcast_ref::<DigestError>());
        let actual = match verdict {
            Some(DigestError::VerificationError { actual, .. }) => actual.parse().ok(),
            _ => None,
        };
        Self {
            actual,
            why: error.to_string(),
        }
    }
}

/// What never goes through a proxy.
const NO_PROXY: &str = "127.0.0.0/8,::1,localhost";

/// Where blobs are streamed from.
pub(super) struct BlobSource {
    access: Access,
    base: Url,
}

impl BlobSource {
    pub(super) fn new(client: &RegistryClient, repository: &Repository) -> Result<Self, RegistryError> {
        Ok(Self {
            access: client.pull(repository)?,
            base: client.url(repository, "")?,
        })
    }

    /// A blob's bytes. The last item is an error unless they hash to its digest and are as many as
    /// the descriptor says.
    pub(super) async fn open(
        &self,
        client: &RegistryClient,
        blob: &Descriptor,
    ) -> Result<BoxStream<'static, Result<Bytes, BrokenStream>>, RegistryError> {
        let repository = &self.access.repository;
        let what = named("blob", repository, blob.digest);
        let host = authority(&self.base);
        let header = client.authorization(&self.access).await?;
        let streamer = self.streamer(client, header).await?;
        let text = blob.digest.to_string();
        let reference = self.reference(text.clone());
        client.transport.throttle(&self.base, &what).await?;
        client.transport.meter.count(&Method::GET);
        let opened = streamer.pull_blob_stream(&reference, text.as_str()).await;
        let status = match &opened {
            Ok(_) => 200,
            Err(error) => status_of(error),
        };
        client.transport.meter.note_status(status);
        let opened = opened.map_err(|error| {
            let detail = Wording::of_another(words(error));
            match status {
                0 => RegistryError::Connection { host, what, detail },
                404 => RegistryError::NotFound {
                    what,
                    authoritative: false,
                },
                401 | 403 => RegistryError::Denied { host, what, detail },
                status => RegistryError::Status {
                    host,
                    what,
                    status,
                    detail,
                },
            }
        })?;
        let size = blob.size;
        let mut so_far = 0u64;
        let counted = opened.stream.map(move |chunk| {
            let chunk = chunk.map_err(|error| BrokenStream::of(&error))?;
            so_far += chunk.len() as u64;
            if so_far > size {
                let why = format!("the blob is longer than the {size} bytes of its descriptor");
                return Err(BrokenStream { actual: None, why });
            }
            Ok(chunk)
        });
        Ok(held_back(counted.boxed()))
    }

    fn reference(&self, digest: String) -> Reference {
        let path = self.access.repository.path();
        // An endpoint may have a path of its own before `/v2/`.
        let before = self
            .base
            .path()
            .strip_suffix(&format!("/v2/{path}/"))
            .unwrap_or_default();
        Reference::with_digest(format!("{}{before}", authority(&self.base)), path.to_owned(), digest)
    }

    async fn streamer(&self, client: &RegistryClient, header: Option<HeaderValue>) -> Result<Client, RegistryError> {
        let key = StreamClientKey {
            plain: self.base.scheme() == "http",
            loopback: is_loopback(&self.base),
            ca: self.access.ca.clone(),
            authorization: header.clone().map(|header| (authority(&self.base), header)),
        };
        if let Some(known) = locked(&client.streams.clients).get(&key) {
            return Ok(known.clone());
        }
        // With a proxy in the environment, one that loopback addresses never use takes its place.
        let around = (key.loopback && proxied()).then_some(NO_PROXY);
        let config = ClientConfig {
            http_proxy: around.map(|_| "http://127.0.0.1:9".to_owned()),
            no_proxy: around.map(str::to_owned),
            protocol: if key.plain {
                ClientProtocol::Http
            } else {
                ClientProtocol::Https
            },
            extra_root_certificates: self
                .access
                .ca
                .iter()
                .map(|pem| Certificate {
                    encoding: CertificateEncoding::Pem,
                    data: pem.as_bytes().to_vec(),
                })
                .collect(),
            connect_timeout: Some(client.transport.limits.connect),
            read_timeout: Some(client.transport.limits.idle),
            user_agent: concat!("pindeck/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let streamer = Client::try_from(config).map_err(|error| RegistryError::Settings {
            registry: self.access.repository.registry().to_owned(),
            detail: words(error),
        })?;
        self.introduce(&streamer, header.as_ref()).await;
        let mut clients = locked(&client.streams.clients);
        // Tokens come and go; what was used with an old one is not needed again.
        clients.retain(|old, _| {
            old.authorization.is_none()
                || old.authorization.as_ref().map(|a| &a.0) != key.authorization.as_ref().map(|a| &a.0)
        });
        clients.insert(key, streamer.clone());
        Ok(streamer)
    }

    /// Hands over the authorization as it is: the client must not ask for its own.
    async fn introduce(&self, streamer: &Client, header: Option<&HeaderValue>) {
        let Some(header) = header.and_then(|header| header.to_str().ok()) else {
            return;
        };
        let reference = self.reference(String::new());
        let registry = reference.resolve_registry();
        if let Some(token) = header.strip_prefix("Bearer ") {
            streamer
                .store_auth_if_needed(registry, &RegistryAuth::Bearer(token.to_owned()))
                .await;
        } else if let Some(text) = header.strip_prefix("Basic ").and_then(|raw| STANDARD.decode(raw).ok())
            && let Ok(text) = String::from_utf8(text)
            && let Some((user, password)) = text.split_once(':')
        {
            streamer.store_auth_if_needed(registry, &RegistryAuth::Anonymous).await;
            let basic = RegistryTokenType::Basic(user.to_owned(), password.to_owned());
            streamer.tokens.insert(&reference, RegistryOperation::Pull, basic).await;
        }
    }
}

/// Hands every chunk on only when the next one, or the verified end, has come. So a blob that does
/// not hash to its digest never arrives whole at the other side.
fn held_back(
    content: BoxStream<'static, Result<Bytes, BrokenStream>>,
) -> BoxStream<'static, Result<Bytes, BrokenStream>> {
    stream::unfold((content, None), |(mut content, mut held)| async move {
        loop {
            match content.next().await {
                Some(Ok(chunk)) => match held.replace(chunk) {
                    Some(earlier) => return Some((Ok(earlier), (content, held))),
                    None => continue,
                },
                Some(Err(broken)) => return Some((Err(broken), (content, None))),
                None => return held.take().map(|last| (Ok(last), (content, None))),
            }
        }
    })
    .boxed()
}

/// Whether the environment names a proxy.
fn proxied() -> bool {
    [
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
    ]
    .iter()
    .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The HTTP status behind an error of `oci-client`; 0 where no answer came.
fn status_of(error: &OciDistributionError) -> u16 {
    match error {
        OciDistributionError::ServerError { code, .. } => *code,
        OciDistributionError::UnauthorizedError { .. } => 401,
        OciDistributionError::RegistryError { envelope, .. } => match envelope.errors.first().map(|e| &e.code) {
            Some(OciErrorCode::BlobUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound) => 404,
            Some(OciErrorCode::Unauthorized) => 401,
            Some(OciErrorCode::Denied) => 403,
            Some(OciErrorCode::Toomanyrequests) => 429,
            _ => 400,
        },
        _ => 0,
    }
}

/// What went wrong, without URLs: a signed one is a secret.
fn words(error: OciDistributionError) -> String {
    match error {
        OciDistributionError::RequestError(error) => with_causes(&error.without_url()),
        OciDistributionError::ServerError { code, .. } => format!("status {code}"),
        OciDistributionError::UnauthorizedError { .. } => String::new(),
        OciDistributionError::RegistryError { envelope, .. } => {
            let codes: Vec<String> = envelope
                .errors
                .iter()
                .take(3)
                .map(|e| format!("{:?}", e.code))
                .collect();
            codes.join(", ")
        }
        other => other.to_string().chars().take(300).collect(),
    }
}
