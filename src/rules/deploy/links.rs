//! Who of the containers calls whom, by the addresses in their environment.

use crate::deploy::{Container, Deployment};
use crate::map::Address;
use crate::paths::folder;

/// The containers that name one of a container's hosts in a variable which is none of tracing, in the same folder.
pub(super) fn callers<'a>(deployment: &'a Deployment, called: &Container) -> impl Iterator<Item = &'a Container> {
    let (path, name, hosts) = (called.path, called.name.clone(), called.hosts.clone());
    let near = move |other: &&Container| folder(&other.path) == folder(&path) && other.name != name;
    deployment.containers.iter().filter(near).filter(move |other| calls(other, &hosts))
}

fn calls(caller: &Container, hosts: &[String]) -> bool {
    // What a container is given with others it need not use.
    let own = caller.variables.iter().filter(|variable| !variable.is_common);
    own.filter(|variable| !crate::services::is_of_tracing(&variable.name)).any(|variable| {
        let Some(address) = variable.value.as_deref().and_then(address) else { return false };
        hosts.iter().any(|host| *host == address.host || host == address.short())
    })
}

/// The address in a value: with a port, or of a URL. A lone word may be anything.
fn address(value: &str) -> Option<Address> {
    let found = Address::parse(value)?;
    (found.port.is_some() || value.contains("://")).then_some(found)
}
