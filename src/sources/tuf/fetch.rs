//! How the files of a TUF repository are fetched: through the one way out, to a cap, never from another origin.

use std::sync::{Arc, Mutex, PoisonError};

use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, Repository};

use crate::sources::registry::{DocumentRequest, Documents, RegistryError};

/// A repository behind an address. What went wrong on the way is kept, because the client that asks passes on text alone.
pub(super) struct RemoteRepository {
    pub documents: Arc<Documents>,
    pub mirror: String,
    pub trouble: Arc<Mutex<Option<RegistryError>>>,
}

impl RemoteRepository {
    async fn read(&self, path: &str, cap: u64, optional: bool) -> Result<Option<Vec<u8>>, Error> {
        let url = format!("{}/{path}", self.mirror.trim_end_matches('/'));
        let request = DocumentRequest {
            url: &url,
            what: format!("{path} of the TUF repository"),
            cap,
            accept: None,
            token: None,
            elsewhere: false,
        };
        let unread = |error: RegistryError| {
            let text = error.to_string();
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Error::transport(text)
        };
        let document = self.documents.get(request).await.map_err(unread)?;
        match document.status {
            200 => Ok(Some(document.body)),
            // Object stores answer 403 for what is not there. Only the search for a next root may take that for an end.
            404 => Ok(None),
            403 if optional => Ok(None),
            status => Err(unread(RegistryError::Status {
                host: self.mirror.clone(),
                what: format!("{path} of the TUF repository"),
                status,
                detail: crate::domain::Wording::default(),
            })),
        }
    }
}

impl Repository for RemoteRepository {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(self.read(name, max_length, name.ends_with(".root.json")))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.read(&format!("targets/{path}"), max_length, false).await })
    }
}
