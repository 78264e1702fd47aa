//! The output of a git process, read piece by piece while the process runs: a history of any length never
//! lies in memory whole, and whoever has heard enough ends the process by dropping the stream.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::error::GitError;
use super::program::GitProgram;

/// Pieces that are read ahead of whoever takes them.
const READ_AHEAD: usize = 64;

/// Most bytes of one piece.
const MAX_PIECE: u64 = 256 << 20;

/// Cuts one piece from the output; `None` at its end.
type CutPiece<T> = fn(&mut BufReader<ChildStdout>) -> std::io::Result<Option<T>>;

/// A running git and the pieces of its output.
#[derive(Debug)]
pub(super) struct GitStream<T> {
    command: String,
    child: Child,
    pieces: Receiver<std::io::Result<T>>,
    stdin: Option<ChildStdin>,
    stderr: Option<std::thread::JoinHandle<String>>,
    limit: Duration,
}

impl<T: Send + 'static> GitStream<T> {
    /// Starts git. No piece may take longer than `limit`.
    ///
    /// # Errors
    /// If git cannot be started.
    pub(crate) fn start(git: &GitProgram, args: &[&str], cut: CutPiece<T>, limit: Duration) -> Result<Self, GitError> {
        let mut child = git.spawn(args)?;
        let (tx, pieces) = sync_channel(READ_AHEAD);
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut stdout = BufReader::new(stdout);
                // Nobody listens any more: the rest is not read either.
                while let Some(piece) = cut(&mut stdout).transpose() {
                    let ends = piece.is_err();
                    if tx.send(piece).is_err() || ends {
                        break;
                    }
                }
            });
        }
        let stderr = child.stderr.take().map(|stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                // A broken pipe ends the words; the status tells the rest.
                let _ = stderr.take(1 << 20).read_to_end(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        Ok(Self {
            command: args.first().copied().unwrap_or("").to_owned(),
            stdin: child.stdin.take(),
            child,
            pieces,
            stderr,
            limit,
        })
    }

    /// Gives git a line of input.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn ask(&mut self, line: &str) -> Result<(), GitError> {
        let written = match &mut self.stdin {
            Some(stdin) => stdin
                .write_all(format!("{line}\n").as_bytes())
                .and_then(|()| stdin.flush()),
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|_| self.failed())
    }

    /// Gives git all its input.
    ///
    /// # Errors
    /// If it has ended.
    pub(crate) fn ask_all(&mut self, lines: &[String]) -> Result<(), GitError> {
        for line in lines {
            self.ask(line)?;
        }
        self.stdin = None;
        Ok(())
    }

    /// The next piece; `None` when git has ended well.
    ///
    /// # Errors
    /// If git fails or takes too long.
    pub(crate) fn next(&mut self) -> Result<Option<T>, GitError> {
        match self.pieces.recv_timeout(self.limit) {
            Ok(Ok(piece)) => Ok(Some(piece)),
            Ok(Err(_)) => Err(self.failed()),
            Err(RecvTimeoutError::Timeout) => Err(GitError::TimedOut {
                command: self.command.clone(),
                seconds: self.limit.as_secs(),
            }),
            Err(RecvTimeoutError::Disconnected) => match self.child.wait() {
                Ok(status) if status.success() => Ok(None),
                _ => Err(self.failed()),
            },
        }
    }

    fn failed(&mut self) -> GitError {
        let _ = self.child.kill();
        let status = self.child.wait().ok().and_then(|status| status.code());
        let words = self
            .stderr
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        GitError::Failed {
            command: self.command.clone(),
            status,
            words: words.trim().into(),
        }
    }
}

impl<T> Drop for GitStream<T> {
    fn drop(&mut self) {
        self.stdin = None;
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cuts what `-z` prints: pieces that end with a NUL.
pub(super) fn up_to_nul(output: &mut BufReader<ChildStdout>) -> std::io::Result<Option<Vec<u8>>> {
    up_to(output, 0)
}

/// Cuts a line.
pub(super) fn line(output: &mut BufReader<ChildStdout>) -> std::io::Result<Option<String>> {
    let piece = up_to(output, b'\n')?;
    Ok(piece.map(|piece| String::from_utf8_lossy(&piece).into_owned()))
}

/// Cuts a piece that ends with a byte.
fn up_to(output: &mut BufReader<ChildStdout>, end: u8) -> std::io::Result<Option<Vec<u8>>> {
    let mut piece = Vec::new();
    output.by_ref().take(MAX_PIECE).read_until(end, &mut piece)?;
    match piece.pop() {
        None => Ok(None),
        Some(last) if last == end => Ok(Some(piece)),
        Some(_) => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The type of an object, and its bytes.
pub(super) type TypedObject = (String, Vec<u8>);

/// Cuts what `cat-file --batch` prints about one object: its type and bytes, or `None` if it is missing.
pub(super) fn object(output: &mut BufReader<ChildStdout>) -> std::io::Result<Option<Option<TypedObject>>> {
    let mut header = Vec::new();
    output.by_ref().take(4096).read_until(b'\n', &mut header)?;
    if header.is_empty() {
        return Ok(None);
    }
    let header = String::from_utf8_lossy(&header).into_owned();
    let words: Vec<&str> = header.split_whitespace().collect();
    let [_, kind, size] = words.as_slice() else {
        return Ok(Some(None));
    };
    let size: u64 = size
        .parse()
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData))?;
    if size > MAX_PIECE {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    output.by_ref().take(size + 1).read_to_end(&mut bytes)?;
    match bytes.pop() {
        Some(b'\n') if bytes.len() as u64 == size => Ok(Some(Some(((*kind).to_owned(), bytes)))),
        _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}
