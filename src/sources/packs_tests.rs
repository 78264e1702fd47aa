use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

fn name(n: u32) -> Digest {
    Digest::of(&n.to_le_bytes())
}

fn body(n: u32) -> Vec<u8> {
    vec![n as u8; 1_000 + n as usize]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = packs_in(folder);
    all.sort();
    all
}

#[test]
fn what_one_process_appends_another_one_reads_and_goes_on_with() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("packs");
    for process in 0..5 {
        let packs = Packs::new(folder.clone(), 1 << 30);
        for known in 0..process * 10 {
            assert_eq!(packs.get(&name(known)), Some(body(known)));
        }
        assert_eq!(packs.get(&name(1_000)), None);
        for new in process * 10..process * 10 + 10 {
            packs.put(&name(new), &[&body(new)[..7], &body(new)[7..]]);
            assert_eq!(packs.get(&name(new)), Some(body(new)));
        }
        assert_eq!(packs.size().0, u64::from(process) * 10 + 10);
    }
    assert_eq!(files(&folder).len(), 1, "one pack is filled after the other");
    assert_eq!(Packs::new(folder.clone(), 1 << 30).clear().expect("clears").0, 50);
    assert_eq!(files(&folder).len(), 0);
}

#[test]
fn two_at_once_have_a_pack_each_and_the_last_entry_of_a_name_counts() {
    let home = tempfile::tempdir().expect("a folder");
    let (one, two) = (
        Packs::new(home.path().into(), 1 << 30),
        Packs::new(home.path().into(), 1 << 30),
    );
    for n in 0..50 {
        one.put(&name(n), &[&body(n)]);
        two.put(&name(n), &[&body(n)]);
    }
    assert_eq!(files(home.path()).len(), 2);
    assert_eq!((one.size().0, two.size().0), (50, 50));
    one.put(&name(3), &[b"another"]);
    assert_eq!(one.get(&name(3)).as_deref(), Some(&b"another"[..]));
    one.forget(&name(3));
    one.put(&name(3), &[b"a third"]);
    assert_eq!(one.get(&name(3)).as_deref(), Some(&b"a third"[..]));
}

#[test]
fn its_bytes_are_bounded_and_the_newest_stay() {
    let home = tempfile::tempdir().expect("a folder");
    let packs = Packs::new(home.path().into(), 100_000);
    for n in 0..300 {
        packs.put(&name(n), &[&body(n)]);
        assert!(packs.size().1 <= 110_000, "{:?} after {n}", packs.size());
        assert_eq!(packs.get(&name(n)), Some(body(n)));
    }
    assert_eq!(packs.get(&name(0)), None);
    // What was removed is not kept open.
    assert!(packs.state().packs.len() <= files(home.path()).len() + 1);
}

#[test]
fn a_pack_that_somebody_removed_is_let_go() {
    let home = tempfile::tempdir().expect("a folder");
    let packs = Packs::new(home.path().into(), 1 << 30);
    packs.put(&name(1), &[b"one"]);
    files(home.path())
        .iter()
        .for_each(|file| fs::remove_file(file).expect("removed"));
    packs.put(&name(2), &[b"two"]);
    assert_eq!(
        Packs::new(home.path().into(), 1 << 30).get(&name(2)).as_deref(),
        Some(&b"two"[..])
    );
    assert_eq!(packs.size().0, 1);
}

#[test]
fn half_an_entry_is_none_and_hides_nothing_that_is_written_later() {
    let home = tempfile::tempdir().expect("a folder");
    let packs = Packs::new(home.path().into(), 1 << 30);
    packs.put(&name(1), &[&body(1)]);
    packs.put(&name(2), &[&body(2)]);
    drop(packs);
    let file = files(home.path()).remove(0);
    let length = fs::metadata(&file).expect("there").len();
    File::options()
        .write(true)
        .open(&file)
        .expect("opens")
        .set_len(length - 5)
        .expect("cut");
    let packs = Packs::new(home.path().into(), 1 << 30);
    assert_eq!((packs.get(&name(1)), packs.get(&name(2))), (Some(body(1)), None));
    packs.put(&name(3), &[&body(3)]);
    let packs = Packs::new(home.path().into(), 1 << 30);
    assert_eq!((packs.get(&name(1)), packs.get(&name(2))), (Some(body(1)), None));
    assert_eq!(packs.get(&name(3)), Some(body(3)));
    assert_eq!(files(home.path()), [file]);
}

#[test]
fn only_plain_files_are_packs() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("packs");
    fs::create_dir_all(folder.join("folder.pack")).expect("made");
    fs::write(folder.join("thesis.txt"), "mine").expect("written");
    symlink("/dev/zero", folder.join("link.pack")).expect("a link");
    let elsewhere = home.path().join("elsewhere");
    fs::write(&elsewhere, "mine").expect("written");
    symlink(&elsewhere, folder.join("other.pack")).expect("a link");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.join("fifo.pack"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    File::create(folder.join("huge.pack"))
        .expect("made")
        .set_len(1 << 40)
        .expect("sparse");
    let packs = Packs::new(folder.clone(), 1 << 30);
    assert_eq!(packs.get(&name(1)), None);
    packs.put(&name(1), &[b"one"]);
    assert_eq!(packs.get(&name(1)).as_deref(), Some(&b"one"[..]));
    assert_eq!(fs::read(&elsewhere).expect("there"), b"mine");
    assert!(folder.join("thesis.txt").exists());
}

#[test]
fn a_folder_that_cannot_be_written_keeps_nothing_and_fails_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("packs"), "in the way").expect("written");
    let packs = Packs::new(home.path().join("packs"), 1 << 30);
    packs.put(&name(1), &[b"one"]);
    assert_eq!((packs.get(&name(1)), packs.size()), (None, (0, 0)));
    packs.put(&name(2), &[&vec![0; LONGEST + 1]]);
    assert_eq!(packs.get(&name(2)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to the bytes of the packs: an entry is what was written, other bytes (which a hash or a seal gives
    /// away), or none; and what is written afterwards is there.
    #[test]
    fn damage_costs_entries_and_nothing_else(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in prop::option::of(any::<prop::sample::Index>()),
        tail in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let home = tempfile::tempdir().expect("a folder");
        let packs = Packs::new(home.path().into(), 1 << 30);
        (0..20).for_each(|n| packs.put(&name(n), &[&body(n)]));
        drop(packs);
        let file = files(home.path()).remove(0);
        let mut bytes = fs::read(&file).expect("there");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        bytes.extend(tail);
        fs::write(&file, bytes).expect("written");
        let packs = Packs::new(home.path().into(), 1 << 30);
        for n in 0..20 {
            let _ = packs.get(&name(n));
            packs.put(&name(n), &[&body(n)]);
            prop_assert_eq!(packs.get(&name(n)), Some(body(n)));
        }
        let packs = Packs::new(home.path().into(), 1 << 30);
        for n in 0..20 {
            prop_assert_eq!(packs.get(&name(n)), Some(body(n)));
        }
    }
}

#[test]
fn where_nothing_is_ever_full_packs_are_bounded_by_their_number() {
    let home = tempfile::tempdir().expect("a folder");
    // As where there are no locks: each process makes a pack of its own.
    let all: Vec<Packs> = (0..PACKS + 10)
        .map(|_| Packs::new(home.path().into(), 1 << 30))
        .collect();
    for (n, packs) in (0..).zip(&all) {
        packs.put(&name(n), &[&body(n)]);
        assert!(files(home.path()).len() <= PACKS + 1);
    }
    let last = all.len() as u32 - 1;
    assert_eq!(
        Packs::new(home.path().into(), 1 << 30).get(&name(last)),
        Some(body(last))
    );
}

#[test]
fn a_pack_of_another_s_making_without_an_end_is_not_read() {
    let home = tempfile::tempdir().expect("a folder");
    let packs = Packs::new(home.path().into(), 1 << 30);
    packs.put(&name(1), &[b"one"]);
    drop(packs);
    let file = files(home.path()).remove(0);
    File::options()
        .write(true)
        .open(&file)
        .expect("opens")
        .set_len(1 << 40)
        .expect("sparse");
    assert_eq!(Packs::new(home.path().into(), 1 << 30).get(&name(1)), None);
}
