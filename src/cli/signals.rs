//! Interrupts: 130 for SIGINT, 143 for SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::outcome::{FAILED, Failure};

/// The status of an interrupted command: 128 and the signal's number.
async fn interrupted() -> Result<u8, Failure> {
    let listen = |kind| signal(kind).map_err(|e| Failure::new(FAILED, format!("signals cannot be received: {e}"), ""));
    let (mut int, mut term) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut hup = listen(SignalKind::hangup())?;
    Ok(tokio::select! {
        _ = int.recv() => 130,
        _ = term.recv() => 143,
        _ = hup.recv() => 129,
    })
}

/// A read, ended by a signal.
///
/// # Errors
/// As the read's.
pub async fn or_interrupted(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    tokio::select! {
        biased;
        status = interrupted() => status,
        result = work => result,
    }
}

/// Turns true at the first signal: for writes, which end only where nothing is half done.
pub fn cancel() -> watch::Receiver<bool> {
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        if interrupted().await.is_ok() {
            let _ = tell.send(true);
            // Keeps the channel open: a closed one says nothing.
            tell.closed().await;
        }
    });
    told
}
