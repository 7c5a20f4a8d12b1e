//! Which version of the collector a file fetches: the address of a download, the image that another one is built from or
//! that a script runs, the chart that installs it.

use super::known;
use crate::paths::file_name;
use crate::yaml::Node;
use ustr::Ustr;

/// A version of the collector that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The file.
    pub path: Ustr,
    /// The version as written, which may be a variable.
    pub version: String,
}

/// The versions that a file names outside of what is read as containers.
pub(super) fn read(path: Ustr, text: &str) -> Vec<Pin> {
    let pin = |version: &str| Pin { path, version: version.to_owned() };
    let mut out: Vec<Pin> = downloads(text).map(pin).collect();
    if file_name(&path).to_ascii_lowercase().contains("dockerfile") {
        out.extend(bases(text).map(pin));
    }
    if crate::services::is_script(&path) {
        out.extend(runs(text).map(pin));
    }
    out
}

/// The tags of the collector's images in a script that runs containers.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let is_meant = ["docker", "podman", "nerdctl"].iter().any(|program| text.contains(&format!("{program} run")));
    let lines = text.lines().filter(move |line| is_meant && !line.trim_start().starts_with('#'));
    let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"'`;".contains(c)));
    words.filter_map(tag)
}

/// The tag of an image of the collector.
fn tag(image: &str) -> Option<&str> {
    let name = image.split('@').next()?.rsplit('/').next()?;
    let (name, tag) = name.split_once(':').unwrap_or((name, "latest"));
    known().versioned_images.iter().any(|known| known == name).then_some(tag)
}

/// The versions of the collector that charts install which a document names: as a dependency of a chart, as the source of a
/// release (Flux, Argo CD, helmfile), or as the chart itself.
///
/// Sources: <https://helm.sh/docs/topics/charts/#the-chartyaml-file>,
/// <https://fluxcd.io/flux/components/helm/helmreleases/#chart-template>,
/// <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>.
pub(super) fn of_charts(path: Ustr, document: &Node, out: &mut Vec<Pin>) {
    document.walk(&mut |node| {
        let text = |key: &str| node.get(key).and_then(Node::text);
        let names = ["chart", "name"].into_iter().filter_map(text);
        let chart = names.filter_map(|name| known().chart.iter().find(|chart| chart.name == file_name(name))).next();
        let Some((chart, version)) = chart.zip(text("version").or_else(|| text("targetRevision"))) else { return };
        let itself = text("apiVersion").and_then(|_| text("appVersion"));
        let installed = itself.or_else(|| chart.installs(version)).unwrap_or_default();
        out.push(Pin { path, version: installed.to_owned() });
    });
}

/// The path segments that follow the known addresses.
fn downloads(text: &str) -> impl Iterator<Item = &str> {
    let found = known().versioned_downloads.iter().flat_map(move |address| text.match_indices(address.as_str()));
    found.filter_map(move |(at, address)| text.get(at + address.len()..)?.split(['/', '"', '\'', ' ', '\n']).next())
}

/// The tags of the collector's images in `FROM` lines.
fn bases(text: &str) -> impl Iterator<Item = &str> {
    let images = text.lines().filter_map(|line| {
        let line = line.trim();
        let rest = line.strip_prefix("FROM ").or_else(|| line.strip_prefix("from "))?;
        rest.split_whitespace().find(|word| !word.starts_with("--"))
    });
    images.filter_map(tag)
}

#[cfg(test)]
mod tests {
    use super::read;
    use ustr::Ustr;

    #[test]
    fn versions_are_read_from_charts() {
        let versions = |text: &str| -> Vec<String> {
            let mut out = Vec::new();
            let documents = crate::yaml::documents(text).expect("reads");
            documents.iter().for_each(|document| super::of_charts(Ustr::from("Chart.yaml"), document, &mut out));
            out.into_iter().map(|pin| pin.version).collect()
        };
        let of = |version: &str| format!("dependencies:\n- name: opentelemetry-collector\n  version: {version}\n");
        assert_eq!(
            (versions(&of("0.97.1")), versions(&of("0.x.x"))),
            (vec!["0.104.0".to_owned()], vec![String::new()])
        );
        assert_eq!(versions("spec: {source: {chart: opentelemetry-collector, targetRevision: 0.68.0}}"), ["0.85.0"]);
        let own = "apiVersion: v2\nname: opentelemetry-collector\nversion: 9.9.9\nappVersion: 0.120.0\n";
        assert_eq!(versions(own), ["0.120.0"]);
    }

    #[test]
    fn versions_are_read_from_downloads_and_bases() {
        let versions = |path: &str, text: &str| -> Vec<String> {
            read(Ustr::from(path), text).into_iter().map(|pin| pin.version).collect()
        };
        let address = "https://github.com/open-telemetry/opentelemetry-collector-releases/releases/download";
        assert_eq!(versions("start.sh", &format!("wget {address}/v0.92.0/otelcol.tar.gz")), ["v0.92.0"]);
        assert_eq!(versions("start.sh", &format!("wget {address}/v${{V}}/otelcol.tar.gz")), ["v${V}"]);
        let from = "FROM --platform=linux/amd64 otel/opentelemetry-collector-contrib:0.90.1 AS base\nFROM redis:7";
        assert_eq!(versions("otel/Dockerfile", from), ["0.90.1"]);
        assert!(versions("notes.txt", from).is_empty());
        let run = "tmux split \"docker run -v $PWD/a.yaml:/a.yaml otel/opentelemetry-collector-contrib:0.50.0\"\n# docker run otel/opentelemetry-collector:0.1.0\n";
        assert_eq!(versions("start.sh", run), ["0.50.0"]);
        assert!(versions("start.sh", "docker pull otel/opentelemetry-collector:0.1.0").is_empty());
    }
}
