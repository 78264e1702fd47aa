//! Interrupts: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP.

use crate::cli::exit::Exit;
use crate::domain::failure::Failure;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The status of an interrupted command: 128 and the signal's number.
async fn interrupted() -> Result<Exit, Failure> {
    let listen = |kind| signal(kind).map_err(|e| Failure::failed(format!("signals cannot be received: {e}")));
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hup = listen(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = int.recv() => Exit::Signal(2),
        _ = term.recv() => Exit::Signal(15),
        _ = hup.recv() => Exit::Signal(1),
    })
}

/// Runs a read and gives it up when a signal asks for the end.
///
/// # Errors
/// As the read's.
pub(crate) async fn or_interrupted(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    tokio::select! {
        biased;
        status = interrupted() => status,
        result = work => result,
    }
}

/// The first signal of a write. What only looks is ended by it; what writes is told, and ends where
/// nothing is half done.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    first: watch::Receiver<Option<Exit>>,
    cancel: watch::Receiver<bool>,
}

impl Interrupts {
    /// Listens from now on, as long as the program runs.
    pub(crate) fn listen() -> Self {
        let (tell_first, first) = watch::channel(None);
        let (tell_cancel, cancel) = watch::channel(false);
        tokio::spawn(async move {
            if let Ok(status) = interrupted().await {
                let _ = tell_first.send(Some(status));
                let _ = tell_cancel.send(true);
            }
            // A closed channel says nothing: they stay open while anybody listens.
            tell_first.closed().await;
            tell_cancel.closed().await;
        });
        Self { first, cancel }
    }

    /// The status of the signal, if one has come.
    pub(crate) fn status(&self) -> Option<Exit> {
        *self.first.borrow()
    }

    /// Turns true at the signal.
    pub(crate) fn cancel(&self) -> watch::Receiver<bool> {
        self.cancel.clone()
    }

    /// The answer of work that may be dropped anywhere; `Err` with the status if a signal comes first.
    ///
    /// # Errors
    /// The status.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Exit> {
        let mut first = self.first.clone();
        let came = async {
            match first.wait_for(Option::is_some).await.map(|status| *status) {
                Ok(Some(status)) => status,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            status = came => Err(status),
            answer = work => Ok(answer),
        }
    }
}
