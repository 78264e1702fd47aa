//! What every command is given: the global options, the preferences of the user, and the engine that they open.

use crate::config::{UserConfig, user};
use crate::domain::failure::{Failure, shell_word};
use crate::domain::rotation::AgeLimits;
use crate::engine::{Engine, OpenOptions};

use super::args::Global;
use super::exit::Exit;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct CommandContext {
    /// The options that stand before or after any subcommand.
    pub global: Global,
    /// The person's own configuration file, already read.
    pub user: UserConfig,
}

impl CommandContext {
    /// Reads the user's preferences.
    ///
    /// # Errors
    /// If they are wrong.
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        Ok(Self {
            global,
            user: user::load()?,
        })
    }

    /// How the engine is opened here.
    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            dir: self.global.dir.clone(),
            config: self.global.config.clone(),
            approved_registries: self.user.approved_registries.clone(),
            approved_repositories: self.user.approved_repositories.clone(),
            clusters: (self.user.clusters.iter())
                .map(|(name, access)| (name.get_ref().clone(), access.clone()))
                .collect(),
            offline: self.global.offline,
            no_fetch: self.global.no_fetch,
            read_only: self.global.read_only,
            cache_dir: user::cache_dir(),
            cache_bytes: self.user.cache_mib << 20,
            state_dir: user::state_dir(),
            data_dir: user::data_dir(),
            age_limits: AgeLimits::default(),
        }
    }

    /// The engine, on the repository of this place.
    ///
    /// # Errors
    /// If there is no usable repository.
    pub(crate) fn engine(&self) -> Result<Engine, Failure> {
        if let Some(dir) = user::cache_dir()
            && let Err(error) = std::fs::create_dir_all(&dir)
        {
            super::output::warn(&format!(
                "nothing is cached, everything is fetched each time: {} cannot be used: {error}; \
                 correct it, or name another folder with PINDECK_CACHE_DIR",
                crate::domain::Clean::from_untrusted(&dir.display().to_string())
            ));
        }
        let engine = Engine::open(self.options())?;
        engine.leave_scans();
        if engine.has_left() {
            super::output::warn(
                "a write was interrupted here; `pindeck resume` says what stands, and finishes or drops it",
            );
        }
        Ok(engine)
    }

    /// The exit status of an answer: what a failed fetch left out of date is no certain answer.
    pub(crate) fn with_freshness(&self, engine: &Engine, exit: Exit) -> Exit {
        self.tell_of_roots(engine);
        self.with_fetch(engine, exit)
    }

    /// The same where the roots were told of already.
    pub(crate) fn with_fetch(&self, engine: &Engine, exit: Exit) -> Exit {
        match engine.fetch_failure() {
            Some(why) => {
                super::output::warn(&format!("the newest commit is not known: {}", why.clean()));
                Exit::heaviest([exit, Exit::Unknown])
            }
            None => exit,
        }
    }

    /// Tells of trusted roots that are old or do not count. A command that is run once refreshes none by itself, so
    /// that two pipelines on one commit come to the same.
    pub(crate) fn tell_of_roots(&self, engine: &Engine) {
        super::root_warnings::tell_problems(&engine.roots_told());
    }

    /// What to put after `pindeck` in a command that does the same here: `-C DIR`, `--config FILE`.
    pub(crate) fn global_arguments(&self) -> String {
        let mut words = Vec::new();
        if self.global.dir != std::path::Path::new(".") {
            words.push(format!("-C {}", shell_word(&self.global.dir.display().to_string())));
        }
        if let Some(file) = &self.global.config {
            words.push(format!("--config {}", shell_word(&file.display().to_string())));
        }
        words.join(" ")
    }
}
