//! Kubernetes API servers: lists of a few kinds, and nothing else (docs/adr/0011-cluster-client.md).
//!
//! [`ClusterClient`] has one request, a GET of a list of one of the kinds that [`Listed`] names: there is no way to
//! write, to read a secret or to ask for a kind that is not named. What comes back is read into structs that skip
//! everything that is not asked about.

mod client;
mod error;
mod exec;
mod kubeconfig;
mod objects;
mod reconciler_objects;
mod reconcilers;
#[cfg(test)]
mod recorded_tests;
mod secret;
mod seen;
#[cfg(test)]
pub(crate) mod server_tests;
mod token_file;
mod watch;

pub use client::{ClusterClient, ClusterLimits, Listed, ListedObjects};
pub use error::ClusterError;
pub use kubeconfig::{ClusterAccount, Kubeconfig};
pub use reconcilers::see_reconcilers;
pub use seen::see;
