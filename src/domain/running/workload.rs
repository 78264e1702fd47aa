//! What keeps Pods running: Deployments, StatefulSets and DaemonSets, as far as they are looked at.

use super::pods::ServiceImages;
use super::rollout::Rollout;
use crate::domain::text::Untrusted;

/// An object of a cluster by name, as inventories list it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedObject {
    /// The API group, without a version: `apps`.
    pub group: String,
    /// The kind: `Deployment`.
    pub kind: String,
    /// The namespace; empty for objects that have none.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl OwnedObject {
    /// The name of a workload of the group `apps`.
    pub fn workload(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: "apps".to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Reads an entry of the inventory of Flux: `NAMESPACE_NAME_GROUP_KIND`.
    pub fn of_inventory(id: &str) -> Option<Self> {
        let (namespace, rest) = id.split_once('_')?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let (name, group) = rest.rsplit_once('_')?;
        Some(Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether it is one of the kinds that keep Pods running.
    pub fn is_workload(&self) -> bool {
        self.group == "apps" && matches!(self.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
    }
}

/// A workload that was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadSeen {
    /// Which one.
    pub object: OwnedObject,
    /// `image` of every container of its template, init containers too.
    pub template: Vec<Untrusted>,
    /// How far its controller is.
    pub rollout: Rollout,
    /// The Helm release of Flux that it belongs to, as `NAMESPACE/NAME`, by its labels.
    pub release: Option<String>,
}

impl WorkloadSeen {
    /// Whether it runs a service.
    pub fn runs(&self, images: &ServiceImages) -> bool {
        self.template.iter().any(|image| images.asked(image).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_an_inventory_is_taken_apart() {
        let read = |id| OwnedObject::of_inventory(id);
        assert_eq!(
            read("shop_web_apps_Deployment"),
            Some(OwnedObject::workload("Deployment", "shop", "web"))
        );
        let role = read("_pindeck__running_rbac.authorization.k8s.io_ClusterRole").expect("a name");
        assert_eq!((role.namespace.as_str(), role.name.as_str()), ("", "pindeck__running"));
        let service = read("shop_web__Service").expect("a name of the core group");
        assert!(service.group.is_empty() && !service.is_workload());
        for wrong in ["", "shop", "shop_web", "shop_web_apps"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
