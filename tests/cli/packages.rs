//! What a release consists of, as `.ci/release` packs it: every file is opened, and the program in it is started.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use pindeck::domain::Digest;
use serde_json::Value;

use crate::support::release_steps::{SOURCE, VERSION, done, script, stand_in};
use crate::support::skip::{Want, skipped};
use crate::support::stage::path;

const TARGET: &str = "x86_64-unknown-linux-musl";

fn ran(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output().expect("it runs");
    assert!(out.status.success(), "{program} {args:?}: {out:?}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// It says its version, and what lies beside it is about this program.
fn is_whole(program: &Path, man: &str, completions: [&Path; 3]) {
    assert_eq!(ran(path(program), &["--version"]).trim(), format!("pindeck {VERSION}"));
    assert!(man.contains(".TH pindeck 1") && man.contains("promote"), "{man:.300}");
    for file in completions {
        let text = std::fs::read_to_string(file).expect("completions");
        assert!(
            text.contains("promote") && text.contains("revert"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn every_file_of_a_release_is_whole() {
    let home = tempfile::tempdir().expect("a folder");
    let (home, files) = (home.path(), home.path().join("files"));
    let built = stand_in(&home.join("built"));
    let mut command = script(
        "release",
        &["--target", TARGET, "--binary", path(&built), "--out", path(&files)],
    );
    command.env("CARGO_NET_OFFLINE", "true");
    if !has("dpkg-deb") {
        return skipped(Want::Program, "no dpkg-deb: the Debian package is not made");
    }
    done(command);
    let archive = files.join(format!("pindeck-{VERSION}-{TARGET}.tar.gz"));
    let bytes = std::fs::read(&archive).expect("an archive");

    // The archive,
    ran("tar", &["-xzf", path(&archive), "-C", path(home)]);
    let folder = home.join(format!("pindeck-{VERSION}-{TARGET}"));
    let man = std::fs::read_to_string(folder.join("pindeck.1")).expect("a man page");
    let of = |shell: &str| folder.join("completions").join(format!("pindeck.{shell}"));
    is_whole(&folder.join("pindeck"), &man, [&of("bash"), &of("zsh"), &of("fish")]);
    for file in [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }

    // the package for Debian,
    let package = files.join(format!("pindeck_{VERSION}_amd64.deb"));
    let root = home.join("root");
    ran("dpkg-deb", &["-x", path(&package), path(&root)]);
    let share = root.join("usr/share");
    let man = ran("gzip", &["-dc", path(&share.join("man/man1/pindeck.1.gz"))]);
    is_whole(
        &root.join("usr/bin/pindeck"),
        &man,
        [
            &share.join("bash-completion/completions/pindeck"),
            &share.join("zsh/vendor-completions/_pindeck"),
            &share.join("fish/vendor_completions.d/pindeck.fish"),
        ],
    );
    let field = |name: &str| ran("dpkg-deb", &["-f", path(&package), name]).trim().to_owned();
    assert_eq!(
        (field("Package"), field("Version"), field("Architecture")),
        ("pindeck".to_owned(), VERSION.to_owned(), "amd64".to_owned())
    );
    assert!(field("Depends").contains("git (>= "), "{}", field("Depends"));

    // the formula,
    let formula = std::fs::read_to_string(files.join("pindeck.rb")).expect("a formula");
    assert!(
        formula.contains(&format!("sha256 \"{}\"", Digest::of(&bytes).hex())),
        "{formula}"
    );
    assert!(!formula.contains('@') && formula.contains(TARGET), "{formula}");
    // which names every archive that lies beside it: a release has one for each processor;
    let both = home.join("both");
    std::fs::create_dir(&both).expect("a folder");
    let other = TARGET.replace("x86_64", "aarch64");
    std::fs::write(both.join(format!("pindeck-{VERSION}-{TARGET}.tar.gz")), &bytes).expect("written");
    std::fs::write(both.join(format!("pindeck-{VERSION}-{other}.tar.gz")), b"another").expect("written");
    let whole = done(script("package/formula", &[path(&both)]));
    let whole = String::from_utf8(whole).expect("text");
    for (block, target, content) in [
        ("on_intel", TARGET, bytes.as_slice()),
        ("on_arm", other.as_str(), b"another"),
    ] {
        let named = format!(
            "  {block} do\n    url \"{SOURCE}/releases/download/v{VERSION}/pindeck-{VERSION}-{target}.tar.gz\"\n    sha256 \"{}\"\n  end\n",
            Digest::of(content).hex()
        );
        assert!(whole.contains(&named), "{named}{whole}");
    }
    match has("ruby") {
        true => assert!(ran("ruby", &["-c", path(&files.join("pindeck.rb"))]).contains("Syntax OK")),
        false => skipped(Want::Program, "no ruby: the formula's syntax is not checked"),
    }

    // the list of components,
    let components = std::fs::read_to_string(files.join(format!("pindeck-{VERSION}-{TARGET}.cdx.json")));
    let components: Value = serde_json::from_str(&components.expect("components")).expect("JSON");
    assert_eq!(
        (&components["bomFormat"], &components["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    assert_eq!(
        components["metadata"]["component"]["purl"],
        format!("pkg:cargo/pindeck@{VERSION}")
    );
    let all = components["components"].as_array().expect("components");
    let named = |name: &str| all.iter().find(|one| one["name"] == name);
    assert!(all.len() > 100, "{}", all.len());
    for one in all {
        let (purl, name) = (
            one["purl"].as_str().expect("a purl"),
            one["name"].as_str().expect("a name"),
        );
        assert!(purl.starts_with(&format!("pkg:cargo/{name}@")), "{one}");
        assert!(one["licenses"][0]["expression"].is_string(), "{one}");
        assert_eq!(one["hashes"][0]["content"].as_str().map(str::len), Some(64), "{one}");
    }
    assert!(named("ratatui").is_some() && named("sigstore-verify").is_some());
    assert!(
        named("insta").is_none() && named("cc").is_none(),
        "what only tests and builds need is in no program"
    );

    // and the checksums of all of them.
    let sums = std::fs::read_to_string(files.join("SHA256SUMS")).expect("checksums");
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").expect("a sum and a name");
        let mut content = Vec::new();
        std::fs::File::open(files.join(name))
            .expect("a file")
            .read_to_end(&mut content)
            .expect("read");
        assert_eq!(Digest::of(&content).hex(), sum, "{name}");
    }
    assert_eq!(sums.lines().count(), 4, "{sums}");
}

#[test]
fn the_same_commit_is_packed_to_the_same_bytes() {
    let home = tempfile::tempdir().expect("a folder");
    let built = stand_in(&home.path().join("built"));
    let pack = |name: &str| {
        let files = home.path().join(name);
        let mut command = script(
            "release",
            &["--target", TARGET, "--binary", path(&built), "--out", path(&files)],
        );
        command.env("CARGO_NET_OFFLINE", "true");
        let out = command.output().expect("bash runs");
        let sums = std::fs::read_to_string(files.join("SHA256SUMS"));
        sums.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out.stderr)))
    };
    assert_eq!(pack("first"), pack("second"));
}
