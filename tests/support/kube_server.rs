//! A real kube-apiserver with something in it: `tests/peers/kube-server`, filled by `tests/peers/kube-fill`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::packed::Packed;
use super::peer::find;

/// The running server. It ends when this is dropped, or when this process is gone.
pub struct KubeServer {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for KubeServer {
    fn drop(&mut self) {
        // The script ends with its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl KubeServer {
    /// Starts one in which `viewer` has these roles. `live` is what tests/peers/kube-fill is told of its namespace
    /// `live`: repository, good digest, its configuration, bad digest, commit. `None` after having said that there is no such peer.
    pub fn start(roles: &str, live: &str) -> Option<Self> {
        for program in ["kube-apiserver", "kube-controller-manager", "etcd", "kubectl"] {
            find(program)?;
        }
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("roles.yaml"), roles).expect("written");
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
        let mut child = Command::new(scripts.join("kube-server"))
            .arg(folder.path())
            .args(["sh", "-c", "\"$@\" && exec cat", "sh"])
            .arg(scripts.join("kube-fill"))
            .arg(Packed::Crds.folder())
            .arg(folder.path().join("roles.yaml"))
            .env("LIVE", live)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut said = String::new();
        let out = child.stdout.take().expect("its output");
        let _ = BufReader::new(out).read_line(&mut said);
        let server = Self { child, folder };
        assert_eq!(said, "filled\n", "tests/peers/kube-server said why");
        Some(server)
    }

    /// A file in its folder: `kubeconfig`, `ca.crt` and so on.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a file in its folder.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).expect("a file of the server")
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.text("url").trim().to_owned()
    }

    /// The token of a user of its kubeconfig.
    pub fn token(&self, user: &str) -> String {
        let query = format!("jsonpath={{.users[?(@.name==\"{user}\")].user.token}}");
        self.kubectl(&["config", "view", "--raw", "-o", &query])
    }

    /// Runs kubectl as its administrator.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let out = Command::new(find("kubectl").expect("it was there"))
            .args(args)
            .env("KUBECONFIG", self.file("kubeconfig"))
            .env("HOME", self.folder.path())
            .output()
            .expect("kubectl runs");
        assert!(
            out.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).expect("text")
    }

    /// What `viewer` asked until now, as the server itself wrote it down.
    pub fn audit(&self) -> Vec<Value> {
        let text = self.text("audit.log");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("one event a line"))
            .collect()
    }
}
