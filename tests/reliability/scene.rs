//! What stands beside the registry and the remote where an operation needs more: a pin by tag, a cluster.

use serde_json::{Value, json};

use pindeck::domain::Digest;

use super::faults::{Fault, RegistryFault, cluster_answer};
use crate::support::api_requests::named;
use crate::support::fake::{Fake, IMAGE};
use crate::support::server::{Reply, Seen, Server};
use crate::support::signed_world::API;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Two environments, and nothing else.
    Plain,
    /// A third environment pins by tag, so that a watch has something to say whatever fails.
    Drifting,
    /// Production runs in a cluster, which runs another digest than is pinned there.
    Clustered,
    /// The same, and what fails is the cluster; the registry is well.
    ClusterFails,
}

impl Scene {
    pub fn of(operation: &str) -> Self {
        match operation {
            "watch" => Self::Drifting,
            "running" => Self::Clustered,
            "cluster" => Self::ClusterFails,
            _ => Self::Plain,
        }
    }

    pub fn has_cluster(self) -> bool {
        matches!(self, Self::Clustered | Self::ClusterFails)
    }

    /// What fails at the registry.
    pub fn at_registry(self, fault: Fault) -> Option<RegistryFault> {
        match fault {
            Fault::Registry(fault) if self != Self::ClusterFails => Some(fault),
            _ => None,
        }
    }

    /// What fails at the cluster.
    pub fn at_cluster(self, fault: Fault) -> Option<RegistryFault> {
        match fault {
            Fault::Registry(fault) if self == Self::ClusterFails => Some(fault),
            _ => None,
        }
    }
}

/// Where a server is looked for under a fault.
pub fn endpoint(fault: Option<RegistryFault>, server: &Server) -> String {
    let address = server.address;
    match fault {
        // Nobody listens on the port of the discard service here.
        Some(RegistryFault::Refused) => "http://127.0.0.1:9".to_owned(),
        Some(RegistryFault::NoSuchHost) => "https://registry.nowhere.invalid".to_owned(),
        Some(RegistryFault::NoTls) => format!("https://{address}"),
        _ => format!("http://{address}"),
    }
}

/// An image of another configuration than the pinned ones: by that it is known that something else runs.
pub fn other_image(fake: &Fake) -> Digest {
    let (config, layer) = (r#"{"os":"plan9"}"#, "another layer");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": fake.blob(API, config).to_string(), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": fake.blob(API, layer).to_string(), "size": layer.len()}],
    });
    fake.manifest(API, IMAGE, manifest.to_string())
}

/// An API server with one Pod, which asks for this image and runs it.
pub async fn cluster(fault: Option<RegistryFault>, image: &str, digest: Digest, elsewhere: String) -> Server {
    let image = format!("{image}@{digest}");
    Server::start(move |seen| {
        let honest = honest(seen, &image);
        match fault {
            Some(fault) => cluster_answer(fault, seen, honest, &elsewhere),
            None => honest,
        }
    })
    .await
}

fn honest(seen: &Seen, image: &str) -> Reply {
    // What may not be asked is a fault of ours, not of the table.
    if let Err(strange) = named(&format!("{} {} HTTP/1.1", seen.method, seen.path)) {
        return Reply::new(500, strange);
    }
    let kind = seen
        .path
        .split('?')
        .next()
        .and_then(|path| path.rsplit('/').next())
        .unwrap_or_default();
    let pods: Vec<Value> = match kind {
        "pods" => vec![json!({
            "metadata": {"name": "api-1"},
            "spec": {"containers": [{"name": "api", "image": image}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "api", "image": "x:v1", "imageID": image, "containerID": "containerd://1", "ready": true,
                "state": {"running": {"startedAt": "2026-11-29T10:00:00Z"}},
            }]},
        })],
        _ => Vec::new(),
    };
    let list = json!({"metadata": {"resourceVersion": "1"}, "items": pods}).to_string();
    Reply::new(200, list).with("Content-Type", "application/json")
}

/// How the person reaches it, and that they mean it: a kubeconfig, and their own configuration.
pub fn reach(address: &str) -> (String, &'static str) {
    let kubeconfig = format!(
        "clusters: [{{name: c, cluster: {{server: '{address}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n\
         contexts: [{{name: eu-viewer, context: {{cluster: c, user: u}}}}]\n"
    );
    (kubeconfig, "[clusters.eu]\ncontext = \"eu-viewer\"\n")
}
