//! Attacks on the price of a large board: whoever may push must not make a status look at everything for everything.
//!
//! What is counted are requests, and rows and cells that were compared in search of the one that an answer is about.

use std::path::Path;

use pindeck::domain::Digest;
use pindeck::domain::board::Board;
use pindeck::engine::{Engine, OpenOptions};

use super::presence::serve;
use crate::support::fake::{Fake, Ways};
use crate::support::peer::git;
use crate::support::signed_world::API;
use crate::support::stage::path;
use crate::{Attack, on_a_runtime};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "thousands-of-services",
        tries: "thousands of services in one repository are each searched for among all of them",
        attempt: || on_a_runtime(thousands_of_services()),
    },
    Attack {
        name: "one-image-by-thousands-of-tags",
        tries: "one file that names an image by hundreds of tags has each compared with all of them",
        attempt: || on_a_runtime(one_image_by_many_tags()),
    },
    Attack {
        name: "one-image-by-thousands-of-digests",
        tries: "one file that pins an image by thousands of digests has each searched for among all of them",
        attempt: || on_a_runtime(one_image_by_many_digests()),
    },
];

/// Images of one file.
const IN_A_FILE: usize = 1_000;

/// A repository whose manifests name these images, in one environment.
struct Clone(tempfile::TempDir);

impl Clone {
    fn of(images: &[String]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        for (file, images) in images.chunks(IN_A_FILE).enumerate() {
            let containers: Vec<String> = images
                .iter()
                .enumerate()
                .map(|(n, image)| format!("  - {{name: c{n}, image: \"{image}\"}}\n"))
                .collect();
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{file}}}\nspec:\n  containers:\n{}",
                containers.concat()
            );
            std::fs::write(home.path().join(format!("pods-{file}.yaml")), text).expect("written");
        }
        let run = |args: &[&str]| {
            let folder = ["-C", path(home.path())];
            git(home.path(), folder.iter().chain(args).copied())
        };
        run(&["init", "-q", "-b", "main"]);
        run(&["add", "-A"]);
        run(&["commit", "-q", "-m", "pins"]);
        Self(home)
    }

    async fn board(&self, offline: bool) -> Board {
        let options = OpenOptions {
            dir: Path::new(path(self.0.path())).to_path_buf(),
            offline,
            ..OpenOptions::default()
        };
        let engine = Engine::open(options).expect("a repository");
        engine.board().await.expect("a status")
    }
}

fn cells(board: &Board) -> usize {
    board.services.iter().map(|row| row.cells.len()).sum()
}

async fn thousands_of_services() {
    let mut compared = Vec::new();
    for services in [1_500, 3_000] {
        let images: Vec<String> = (0..services)
            .map(|n| format!("registry.example.com/shop/s{n}@{}", digest(n)))
            .collect();
        let board = Clone::of(&images).board(true).await;
        assert_eq!((board.services.len(), cells(&board)), (services, services));
        compared.push(board.compared());
        println!("{services} services: {} rows and cells compared", board.compared());
        // Of each: its commit, whether it skipped an environment, its candidate and its verdict.
        assert!(board.compared() <= 5 * services as u64, "{compared:?}");
    }
    assert!(compared[1] <= 2 * compared[0], "{compared:?}");
}

async fn one_image_by_many_tags() {
    for tags in [150usize, 300] {
        let fake = Fake::new(Ways::default());
        let image = fake.image(API, "linux", None);
        (0..tags).for_each(|n| fake.tag(API, &format!("t{n}"), image));
        let server = serve(&fake).await;
        let images: Vec<String> = (0..tags).map(|n| format!("{}/{API}:t{n}", server.address)).collect();
        let board = Clone::of(&images).board(false).await;
        assert_eq!((board.services.len(), cells(&board)), (1, tags));
        // The list of tags, and each tag once.
        let requests = server.total();
        println!(
            "{tags} tags of one image: {requests} requests, {} compared",
            board.compared()
        );
        assert!(requests <= tags + 3, "{requests} requests for {tags} tags");
        assert!(board.compared() <= 5 * tags as u64, "{}", board.compared());
    }
}

async fn one_image_by_many_digests() {
    let digests = 3_000;
    let images: Vec<String> = (0..digests)
        .map(|n| format!("registry.example.com/{API}@{}", digest(n)))
        .collect();
    let board = Clone::of(&images).board(true).await;
    assert_eq!((board.services.len(), cells(&board)), (1, digests));
    println!("{digests} digests of one image: {} compared", board.compared());
    assert!(board.compared() <= 5 * digests as u64, "{}", board.compared());
}

fn digest(n: usize) -> Digest {
    Digest::of(&n.to_be_bytes())
}
