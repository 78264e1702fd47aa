//! Programs that a kubeconfig names for credentials (client.authentication.k8s.io/v1).
//!
//! They run without the terminal: no standard input, what they print is read, and when their time is over everything
//! that they started ends with them. One that has to ask a person is not run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::secret::{SecretBytes, SecretText};

/// The most that is read of what a program prints.
const OUTPUT_CAP: u64 = 1 << 20;

/// How much of a program's complaint is repeated.
const WORDS_CAP: usize = 500;

/// A program for credentials, as a kubeconfig names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecPlugin {
    api_version: String,
    command: String,
    #[serde(default)]
    args: Option<Vec<String>>,
    #[serde(default)]
    env: Option<Vec<PluginVariable>>,
    interactive_mode: Option<String>,
    #[serde(default)]
    provide_cluster_info: bool,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
struct PluginVariable {
    name: String,
    value: String,
}

/// What a program gives.
pub(super) struct PluginCredential {
    /// A bearer token.
    pub token: Option<SecretText>,
    /// Certificate and key, PEM.
    pub identity: Option<SecretBytes>,
}

#[derive(Deserialize)]
struct ExecCredential {
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl ExecPlugin {
    /// The same, with relative commands below the folder of the kubeconfig.
    pub(super) fn within(&self, folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..self.clone()
        }
    }

    /// Runs the program and takes its credential.
    ///
    /// # Errors
    /// What went wrong, in words; the program's own words are part of them.
    pub(super) async fn credential(&self, limit: Duration) -> Result<PluginCredential, String> {
        if self.interactive_mode.as_deref() == Some("Always") {
            return Err(format!(
                "{:?} asks a person, and there is nobody to ask here",
                self.command
            ));
        }
        if self.provide_cluster_info {
            return Err(format!(
                "{:?} wants `provideClusterInfo`, which is not handled",
                self.command
            ));
        }
        let output = tokio::time::timeout(limit, self.run()).await;
        let output = output.map_err(|_| format!("{:?} did not end within {} s", self.command, limit.as_secs()))??;
        let credential: ExecCredential = serde_json::from_slice(&output)
            .map_err(|error| format!("{:?} printed no ExecCredential: {error}", self.command))?;
        let status = credential
            .status
            .ok_or_else(|| format!("{:?} printed no credential", self.command))?;
        let identity = status.client_certificate_data.zip(status.client_key_data);
        let given = PluginCredential {
            token: status.token.filter(|token| !token.is_empty()).map(SecretText),
            identity: identity.map(|(certificate, key)| SecretBytes(format!("{certificate}\n{key}").into_bytes())),
        };
        match given.token.is_none() && given.identity.is_none() {
            true => Err(format!("{:?} printed neither a token nor a certificate", self.command)),
            false => Ok(given),
        }
    }

    async fn run(&self) -> Result<Vec<u8>, String> {
        // A command with a slash is a file beside the kubeconfig; any other is looked for in PATH.
        let program = match self.command.contains('/') {
            true => self.folder.join(&self.command),
            false => PathBuf::from(&self.command),
        };
        let info = json!({
            "apiVersion": self.api_version, "kind": "ExecCredential", "spec": { "interactive": false },
        });
        let mut command = tokio::process::Command::new(&program);
        command
            .args(self.args.iter().flatten())
            .envs(self.env.iter().flatten().map(|one| (&one.name, &one.value)))
            .env("KUBERNETES_EXEC_INFO", info.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{:?} cannot be started: {error}", self.command))?;
        // Whatever ends this, a time limit too, ends the program and all that it started.
        let mut group = Group(child.id());
        let (stdout, stderr) = tokio::join!(capped(child.stdout.take()), capped(child.stderr.take()));
        let status = child
            .wait()
            .await
            .map_err(|error| format!("{:?}: {error}", self.command))?;
        group.0 = None;
        if !status.success() {
            let words = String::from_utf8_lossy(&stderr);
            let words = words.trim();
            let words = &words[..words.floor_char_boundary(WORDS_CAP)];
            return Err(format!("{:?} ended with {status}: {words}", self.command));
        }
        Ok(stdout)
    }
}

async fn capped(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(OUTPUT_CAP).read_to_end(&mut bytes).await;
    }
    bytes
}

/// A process group that ends when it is dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self
            .0
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
