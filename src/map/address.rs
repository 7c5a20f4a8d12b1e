//! The address of a service: of a URL, a target of a remote call, or a host with its port.

/// Whom an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The host, in lower case.
    pub host: String,
    /// The port, where one stands.
    pub port: Option<u16>,
}

impl std::fmt::Display for Address {
    /// The host and the port, without a path and without what proves who somebody is.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(out, "{}:{port}", self.host),
            None => out.write_str(&self.host),
        }
    }
}

impl Address {
    /// Reads `http://host:80/path`, `dns:///host:80`, `lb://host`, `host:80`, `host`; `None` for a path, and for a text
    /// whose host is not written out.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(['"', '\'']);
        let text = in_connection(text).unwrap_or(text);
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-:".contains(c)) => {
                // Only those of the name server have a third slash before the host.
                if scheme.starts_with("http") { rest } else { rest.trim_start_matches('/') }
            }
            Some(_) => return None,
            None => text.strip_prefix("dns:").unwrap_or(text),
        };
        if rest.starts_with('/') {
            return None;
        }
        let authority = rest.split(['/', '?', '#', ',']).next()?;
        let authority = authority.rsplit('@').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        // The dot of the root, which code may leave behind where a domain is not set.
        let host = host.strip_suffix('.').unwrap_or(host);
        let written = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let is_host = !host.is_empty() && host.len() < 254 && host.chars().all(written);
        let has_letter = host.chars().any(|c| c.is_ascii_alphabetic());
        (is_host && has_letter)
            .then(|| Self { host: host.to_ascii_lowercase(), port: port.and_then(|port| port.parse().ok()) })
    }

    /// The host without the domain that a cluster puts behind it: `cart.shop.svc.cluster.local` is `cart`.
    pub fn short(&self) -> &str {
        let inner = [".svc", ".local", ".internal", ".cluster"];
        if inner.iter().any(|part| self.host.contains(part)) || self.host.matches('.').count() == 1 && !self.is_public()
        {
            return self.host.split('.').next().unwrap_or(&self.host);
        }
        &self.host
    }

    /// Whether the host is this very machine.
    pub fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "host.docker.internal") || self.host.starts_with("127.")
    }

    /// Whether the host is one of the public net, by its top-level domain.
    pub fn is_public(&self) -> bool {
        const INNER: &[&str] = &["local", "internal", "svc", "cluster", "lan", "localdomain", "test", "consul"];
        // Country codes, and those under which services are found.
        const PUBLIC: &[&str] = &["com", "org", "net", "dev", "app", "cloud", "gov", "edu", "info", "tech"];
        self.host
            .rsplit_once('.')
            .is_some_and(|(_, top)| !INNER.contains(&top) && (top.len() == 2 || PUBLIC.contains(&top)))
    }
}

/// The host in what a driver is told in words: `Host=db;Username=me`, `host=db port=5432`.
pub(crate) fn in_connection(text: &str) -> Option<&str> {
    const HOST: &[&str] = &["host", "server"];
    if text.contains("://") {
        return None;
    }
    let pairs = text.split([';', ' ']).filter_map(|part| part.split_once('='));
    let mut hosts = pairs.filter(|(key, _)| HOST.contains(&key.to_ascii_lowercase().as_str()));
    hosts.next().map(|(_, host)| host.strip_prefix("tcp:").unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn read(text: &str) -> Option<(String, Option<u16>)> {
        Address::parse(text).map(|address| (address.host, address.port))
    }

    #[test]
    fn hosts_are_read_from_all_forms() {
        let cart = |port| Some(("cart".to_owned(), port));
        assert_eq!(read("http://cart./items"), cart(None));
        assert_eq!(read("http://cart:7070/items"), cart(Some(7070)));
        assert_eq!(read("cart:7070"), cart(Some(7070)));
        assert_eq!(read("lb://cart"), cart(None));
        assert_eq!(read("dns:///cart:80"), cart(Some(80)));
        assert_eq!(read("https://user:x@CART/a?b"), cart(None));
        assert_eq!(read("Host=cart;Username=me"), cart(None));
        assert_eq!(read("user=me host=cart port=1"), cart(None));
        assert_eq!(read("Server=tcp:cart,1433;Database=x"), cart(None));
        assert_eq!(read("a=b"), None);
        assert_eq!((read("/items"), read("http:///items")), (None, None));
        assert_eq!(read("http://…/x"), None);
        assert_eq!(read("8080"), None);
    }

    #[test]
    fn hosts_of_a_cluster_are_short() {
        let short = |text: &str| Address::parse(text).map(|address| address.short().to_owned());
        assert_eq!(short("cart.shop.svc.cluster.local:80").as_deref(), Some("cart"));
        assert_eq!(short("cart.shop").as_deref(), Some("cart"));
        assert_eq!(short("api.example.com").as_deref(), Some("api.example.com"));
    }
}
