//! OpenSSH's own server on a loopback port, for one user, without anything of the system: keys, account
//! and configuration are files in a folder. Nothing of it needs to be root; as root it steps down first,
//! because it would ask for an account of the system otherwise.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::peer::find;

/// Who it runs as where the test is root.
const NOBODY: u32 = 65_534;

/// A running server; ends when dropped.
pub struct Sshd {
    child: Child,
    /// The configuration with which `ssh` reaches it under the name `gitops`.
    pub config: PathBuf,
}

impl Sshd {
    /// Starts it over a folder; `None` (said loudly) where there is no `sshd`.
    pub fn serve(folder: &Path) -> Option<Self> {
        let program = find("sshd")?;
        let home = folder.join("sshd");
        fs::create_dir_all(&home).unwrap();
        for key in ["host", "me"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(home.join(key))
                .status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        let is_root = rustix::process::getuid().is_root();
        let me = if is_root {
            NOBODY
        } else {
            rustix::process::getuid().as_raw()
        };
        let at = home.display();
        fs::write(home.join("passwd"), format!("git:x:{me}:{me}:git:{at}:/bin/sh\n")).unwrap();
        fs::write(home.join("group"), format!("git:x:{me}:\n")).unwrap();
        let port = free_port();
        let conf = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host\nAuthorizedKeysFile {at}/me.pub\nStrictModes no\n\
             UsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        );
        fs::write(home.join("sshd_config"), conf).unwrap();
        let host_key = fs::read_to_string(home.join("host.pub")).unwrap();
        fs::write(home.join("known_hosts"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        let config = home.join("config");
        let of_client = format!(
            "Host gitops\n  HostName 127.0.0.1\n  Port {port}\n  User git\n  IdentityFile {at}/me\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {at}/known_hosts\n  StrictHostKeyChecking yes\n"
        );
        fs::write(&config, of_client).unwrap();
        let mut command = Command::new(program);
        if is_root {
            // The way in, and the host's key, which it reads after it stepped down.
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
            std::os::unix::fs::chown(home.join("host"), Some(me), Some(me)).unwrap();
            command.uid(me).gid(me);
        }
        let mut child = command
            .args(["-D", "-e", "-f"])
            .arg(home.join("sshd_config"))
            .env("NSS_WRAPPER_PASSWD", home.join("passwd"))
            .env("NSS_WRAPPER_GROUP", home.join("group"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sshd starts");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        while !seen
            .last()
            .is_some_and(|line: &String| line.contains("Server listening"))
        {
            let Some(Ok(line)) = log.next() else {
                panic!("sshd ended before it listened:\n{}", seen.join("\n"));
            };
            seen.push(line);
        }
        // Its log must be read on, or it would stop at a full pipe.
        std::thread::spawn(move || log.for_each(drop));
        Some(Self { child, config })
    }

    /// Gives a bare repository to the account it runs as.
    pub fn owns(&self, repository: &Path) {
        if !rustix::process::getuid().is_root() {
            return;
        }
        let mut all = vec![repository.to_owned()];
        while let Some(path) = all.pop() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
            if path.is_dir() {
                all.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            }
        }
    }

    /// The URL of a repository.
    pub fn url(&self, repository: &Path) -> String {
        format!("ssh://gitops{}", repository.display())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    held.local_addr().expect("bound").port()
}
