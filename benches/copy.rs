//! Copying an image of 200 MiB (2 platforms of 10 layers) with its evidence between two real registries,
//! beside crane, oras and skopeo in the same run: wall time, requests, peak memory. Then an image of one layer of 2 GiB alone, for
//! its peak memory.
//!
//! `cargo bench --bench copy`; needs docker-registry (tests/peers/install), and the others for the comparison.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pindeck::domain::{Digest, Repository};
use pindeck::sources::registry::{CopyRequest, Credentials, Options, Registry};

#[path = "../tests/support/mod.rs"]
pub mod support;

use support::docker_registry::{DockerRegistry, Storage};
use support::peer;

const RUNS: usize = 7;
const LAYER: usize = 10 << 20;
const LAYERS: usize = 10;
/// Bytes of the one layer that is looked at for memory alone.
const LARGE_LAYER: usize = 2 << 30;
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The child process that copies once: a process of its own, so that its peak memory can be told.
const CHILD: &str = "--copy-once";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == CHILD) {
        copy_once(&args[at + 1..]);
        return;
    }
    let Some(program) = peer::find("docker-registry") else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("source");
    let storage = Storage::in_folder(&folder);
    let image = lay(&storage, "shop/app", true);
    lay(&storage, "shop/bare", false);
    std::fs::create_dir_all(&folder).expect("a folder");
    let source = DockerRegistry::start(&program, &folder);
    let from = |name: &str| format!("{}/shop/{name}", source.address);

    let mut walls: Vec<(&str, Vec<Duration>)> = Vec::new();
    for run in 0..RUNS {
        for (name, source, copy) in contestants(&image) {
            let folder = home.path().join(format!("to-{run}-{name}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let registry = DockerRegistry::start(&program, &folder);
            let to = format!("{}/shop/app", registry.address);
            let began = Instant::now();
            let said = copy(home.path(), &from(source), &to);
            let wall = began.elapsed();
            if run == 0 {
                println!("{name}: {}", said.trim());
            }
            match walls.iter_mut().find(|(known, _)| *known == name) {
                Some((_, all)) => all.push(wall),
                None => walls.push((name, vec![wall])),
            }
            drop(registry);
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    let best = walls
        .iter()
        .filter(|(n, _)| !n.starts_with("pindeck"))
        .map(|(_, w)| middle(w))
        .min();
    for (name, wall) in &walls {
        let ratio = best.map_or(1.0, |best| middle(wall).as_secs_f64() / best.as_secs_f64());
        println!(
            "{name:>20}: {:>8.1} ms, {ratio:.2} x the best peer",
            millis(middle(wall))
        );
    }

    let folder = home.path().join("counted");
    std::fs::create_dir_all(&folder).expect("a folder");
    let registry = DockerRegistry::start(&program, &folder);
    for (what, name) in [
        ("image alone", "bare"),
        ("again, all present", "bare"),
        ("with evidence", "app"),
        ("again, all present", "app"),
    ] {
        let to = format!("{}/shop/{name}", registry.address);
        println!(
            "{what} ({name}): {}",
            pindeck(home.path(), &from(name), &to, &image).trim()
        );
    }
    let large = lay_large(&storage, "shop/large");
    let to = format!("{}/shop/large", registry.address);
    println!(
        "one layer of 2 GiB: {}",
        pindeck(home.path(), &from("large"), &to, &large).trim()
    );
}

type Contestant = Box<dyn Fn(&Path, &str, &str) -> String>;
/// The arguments of a copy from one repository to another.
type Words = fn(&str, &str) -> Vec<String>;

/// Name, the repository that is copied, and how. crane and skopeo copy an image alone, oras what refers to it, too.
fn contestants(image: &Digest) -> Vec<(&'static str, &'static str, Contestant)> {
    let digest = *image;
    let ours = || -> Contestant { Box::new(move |home, from, to| pindeck(home, from, to, &digest)) };
    let mut all = vec![("pindeck", "app", ours()), ("pindeck, image alone", "bare", ours())];
    let words: [(&'static str, Words); 3] = [
        ("crane", |from, to| {
            vec!["copy".into(), format!("{from}:v1"), format!("{to}:v1")]
        }),
        ("oras", |from, to| {
            let plain = ["--from-plain-http", "--to-plain-http"].map(str::to_owned);
            let mut all = vec!["cp".to_owned(), "-r".to_owned()];
            all.extend(plain);
            all.extend([format!("{from}:v1"), format!("{to}:v1")]);
            all
        }),
        ("skopeo", |from, to| {
            let plain = ["--src-tls-verify=false", "--dest-tls-verify=false", "--insecure-policy"];
            let mut all = vec!["copy".to_owned(), "--all".to_owned()];
            all.extend(plain.map(str::to_owned));
            all.extend([format!("docker://{from}:v1"), format!("docker://{to}:v1")]);
            all
        }),
    ];
    for (name, words) in words {
        let Some(program) = peer::find(name) else { continue };
        all.push((
            name,
            "app",
            Box::new(move |home, from, to| {
                let mut words = words(from, to);
                if name == "skopeo" {
                    // A global option: before the command.
                    words.retain(|w| w != "--insecure-policy");
                    words.insert(0, "--insecure-policy".to_owned());
                }
                let _ = peer::run(&program, home, words).expect(name);
                String::new()
            }),
        ));
    }
    all
}

fn pindeck(home: &Path, from: &str, to: &str, digest: &Digest) -> String {
    let me: PathBuf = std::env::current_exe().expect("this program");
    let out = Command::new(me)
        .args([CHILD, from, to, &digest.to_string()])
        .current_dir(home)
        .env("HOME", home)
        .env("DOCKER_CONFIG", home)
        .stdin(Stdio::null())
        .output()
        .expect("this program runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// One copy in this process, then what it took.
fn copy_once(args: &[String]) {
    let [from, to, digest, ..] = args else {
        panic!("three words")
    };
    let request = CopyRequest {
        source: Repository::parse(from).expect("a repository"),
        destination: Repository::parse(to).expect("a repository"),
        digest: digest.parse().expect("a digest"),
        tag: Some("v1".to_owned()),
        move_tag: false,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let registry = Registry::new(Options {
        credentials: Credentials::anonymous(),
        ..Options::default()
    })
    .expect("valid options");
    let report = runtime.block_on(registry.copy(&request, None)).expect("a whole copy");
    assert!(report.missing.is_empty() && report.tagged, "{report:?}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("unknown");
    let budget = registry.budget();
    println!(
        "{} requests ({} HEAD, {} GET), {} blobs, {} bytes, {} pieces of evidence, peak memory {}",
        budget.requests,
        budget.head,
        budget.get,
        report.blobs,
        report.bytes,
        report.evidence,
        peak.trim()
    );
}

/// An index of two platforms, and evidence in both layouts that docker-registry knows.
fn lay(storage: &Storage, name: &str, evidence: bool) -> Digest {
    let mut children = Vec::new();
    for (at, arch) in ["amd64", "arm64"].iter().enumerate() {
        let config = format!(r#"{{"os":"linux","architecture":"{arch}","rootfs":{{"type":"layers","diff_ids":[]}}}}"#);
        let layers: Vec<String> = (0..LAYERS)
            .map(|n| {
                let bytes = noise((at * LAYERS + n) as u64);
                let digest = storage.put(name, &bytes);
                format!(
                    r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{digest}","size":{}}}"#,
                    bytes.len()
                )
            })
            .collect();
        let child = image(storage, name, &config, &layers.join(","), "");
        children.push(format!(
            r#"{{"mediaType":"{IMAGE}","digest":"{}","size":{},"platform":{{"os":"linux","architecture":"{arch}"}}}}"#,
            child.0, child.1
        ));
    }
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
        children.join(",")
    );
    let index = storage.put_manifest(name, text.as_bytes());
    storage.tag(name, "v1", &index);
    if evidence {
        let subject = format!(
            r#","subject":{{"mediaType":"{INDEX}","digest":"{index}","size":{}}}"#,
            text.len()
        );
        let listed: Vec<String> = (0..3)
            .map(|n| {
                let (digest, size) = statement(storage, name, &format!("bundle {n}"), &subject);
                format!(r#"{{"mediaType":"{IMAGE}","digest":"{digest}","size":{size}}}"#)
            })
            .collect();
        let listing = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            listed.join(",")
        );
        let listing = storage.put_manifest(name, listing.as_bytes());
        storage.tag(name, &format!("sha256-{}", index.hex()), &listing);
        for suffix in ["sig", "att"] {
            let (digest, _) = statement(storage, name, suffix, "");
            storage.tag(name, &format!("sha256-{}.{suffix}", index.hex()), &digest);
        }
    }
    index
}

/// An image of one large layer.
fn lay_large(storage: &Storage, name: &str) -> Digest {
    let layer = storage.put(name, &vec![0; LARGE_LAYER]);
    let layer =
        format!(r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer}","size":{LARGE_LAYER}}}"#);
    let config = r#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let (digest, _) = image(storage, name, config, &layer, "");
    storage.tag(name, "v1", &digest);
    digest
}

fn statement(storage: &Storage, name: &str, text: &str, subject: &str) -> (Digest, usize) {
    let blob = storage.put(name, text.as_bytes());
    let layer = format!(
        r#"{{"mediaType":"application/vnd.dsse.envelope.v1+json","digest":"{blob}","size":{}}}"#,
        text.len()
    );
    image(storage, name, "{}", &layer, subject)
}

fn image(storage: &Storage, name: &str, config: &str, layers: &str, subject: &str) -> (Digest, usize) {
    let digest = storage.put(name, config.as_bytes());
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{IMAGE}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{}}},"layers":[{layers}]{subject}}}"#,
        config.len()
    );
    (storage.put_manifest(name, text.as_bytes()), text.len())
}

/// Bytes that do not compress, the same in every run.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut out = Vec::with_capacity(LAYER);
    while out.len() < LAYER {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out
}

fn middle(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
