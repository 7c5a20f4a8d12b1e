//! Kubernetes workloads.
//!
//! Sources: <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>,
//! <https://opentelemetry.io/docs/platforms/kubernetes/operator/automatic/> (annotations count on the pod template).

use super::cluster::Cluster;
use super::launch::{FactKind, Launch, image_name, line_of};
use super::yaml;
use serde_json::Value;

/// The containers of the workloads in a file, or why it could not be read. `cluster` is what other files say of them.
pub(super) fn read(path: &str, text: &str, cluster: &Cluster) -> Result<Vec<Launch>, String> {
    if !is_workload(text) {
        return Ok(Vec::new());
    }
    Ok(yaml::documents(text)?
        .iter()
        .filter_map(|document| pod(document))
        .flat_map(|(document, pod)| containers(path, text, document, pod, cluster))
        .collect())
}

/// The cheap test whether a YAML file may hold a workload.
pub(super) fn is_workload(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"kind:").is_some()
        && memchr::memmem::find(text.as_bytes(), b"apiVersion:").is_some()
        && memchr::memmem::find(text.as_bytes(), b"containers:").is_some()
}

/// The document and its pod template (or the pod itself), which has `metadata` and `spec`.
fn pod(document: &Value) -> Option<(&Value, &Value)> {
    let spec = document.get("spec")?;
    let template = spec.get("template").or_else(|| spec.get("jobTemplate")?.get("spec")?.get("template"));
    let pod = template.unwrap_or(document);
    pod.get("spec")?.get("containers")?.as_array()?;
    Some((document, pod))
}

fn containers(path: &str, text: &str, document: &Value, pod: &Value, cluster: &Cluster) -> Vec<Launch> {
    let empty = Vec::new();
    let all = pod["spec"]["containers"].as_array().unwrap_or(&empty);
    let workload = document["metadata"].get("name").and_then(yaml::scalar);
    let start =
        workload.as_deref().map_or(1, |name| line_of(text, &format!("name: {name}"), 0)).saturating_sub(1) as usize;
    let on_node = document.get("kind").is_some_and(|kind| kind == "DaemonSet");
    let mut out = Vec::new();
    for container in all {
        let mut launch = one(path, text, start, container);
        if let Some(name) = workload.as_ref().filter(|_| all.len() == 1) {
            launch.title.clone_from(name);
        }
        launch.hosts.extend(cluster.services_of(path, pod, container));
        given(&mut launch, text, start, container, cluster);
        if all.len() == 1 {
            launch.names.extend(workload.clone());
        }
        annotate(&mut launch, text, start, pod);
        for image in all
            .iter()
            .filter(|other| *other != container && !on_node)
            .filter_map(|other| yaml::scalar(other.get("image")?))
        {
            launch.say(line_of(text, &image, start), FactKind::Neighbour(image, true));
        }
        out.push(launch);
    }
    out
}

fn one(path: &str, text: &str, start: usize, container: &Value) -> Launch {
    let mut launch = Launch::new(path);
    let image = container.get("image").and_then(yaml::scalar);
    launch.line = start as u32 + 1;
    launch.names.extend(image.as_deref().map(|image| image_name(image).to_owned()));
    launch.image = image.unwrap_or_default();
    launch.names.extend(container.get("name").and_then(yaml::scalar));
    for entry in container.get("env").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(value)) =
            (entry.get("name").and_then(yaml::scalar), entry.get("value").and_then(yaml::scalar))
        {
            launch.say(line_of(text, &name, start), FactKind::Variable(name, value));
        }
    }
    let parts: Vec<String> =
        ["command", "args"].iter().filter_map(|key| container.get(*key).and_then(yaml::line)).collect();
    if !parts.is_empty() {
        let key = if container.get("command").is_some() { "command" } else { "args" };
        launch.say(line_of(text, &format!("{key}:"), start), FactKind::Command(parts.join(" "), key.to_owned()));
    }
    launch
}

/// What a container's environment takes from maps of settings; never what it takes from secrets.
fn given(launch: &mut Launch, text: &str, start: usize, container: &Value, cluster: &Cluster) {
    let list = |key: &str| container.get(key).and_then(Value::as_array).into_iter().flatten();
    let mut found: Vec<(u32, FactKind)> = Vec::new();
    for source in list("envFrom") {
        let Some(name) = source.get("configMapRef").and_then(|from| yaml::scalar(from.get("name")?)) else { continue };
        let prefix = source.get("prefix").and_then(yaml::scalar).unwrap_or_default();
        let line = line_of(text, &format!("name: {name}"), start);
        let entries = cluster.settings(&launch.path, &name).into_iter().flatten();
        found.extend(entries.map(|(key, value)| (line, FactKind::Common(format!("{prefix}{key}"), value.clone()))));
    }
    for entry in list("env") {
        let taken = || {
            let from = entry.get("valueFrom")?.get("configMapKeyRef")?;
            let (map, key) = (yaml::scalar(from.get("name")?)?, yaml::scalar(from.get("key")?)?);
            cluster.settings(&launch.path, &map)?.get(&key).cloned()
        };
        if let (Some(name), Some(value)) = (entry.get("name").and_then(yaml::scalar), taken()) {
            found.push((line_of(text, &name, start), FactKind::Variable(name, value)));
        }
    }
    // What the container says itself goes before what it takes as a whole.
    let own = |name: &str| {
        launch.facts.iter().any(|fact| matches!(&fact.kind, FactKind::Variable(known, _) if known == name))
    };
    found.retain(|(_, kind)| !matches!(kind, FactKind::Common(name, _) if own(name)));
    found.into_iter().for_each(|(line, kind)| launch.say(line, kind));
}

fn annotate(launch: &mut Launch, text: &str, start: usize, pod: &Value) {
    for group in ["annotations", "labels"] {
        for (name, value) in pod["metadata"].get(group).and_then(Value::as_object).into_iter().flatten() {
            let value = yaml::scalar(value).unwrap_or_default();
            launch.say(line_of(text, name, start), FactKind::Annotation(name.clone(), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\n  annotations:\n    a/outer: \"true\"\nspec:\n  template:\n    metadata:\n      annotations:\n        a/inner: \"true\"\n    spec:\n      containers:\n      - name: server\n        image: r/cart:1\n        env:\n        - name: OPTS\n          value: \"x\"\n        args: [\"run\"]\n";

    #[test]
    fn only_the_annotations_of_the_template_count() {
        let launches = read("k.yaml", DEPLOYMENT, &Cluster::default()).expect("reads");
        let names: Vec<_> = launches[0]
            .facts
            .iter()
            .filter_map(|fact| {
                if let FactKind::Annotation(name, _) = &fact.kind { Some((name.as_str(), fact.line)) } else { None }
            })
            .collect();
        assert_eq!(names, [("a/inner", 11)]);
        assert_eq!(launches[0].names, ["cart", "server", "cart"]);
    }

    #[test]
    fn other_yaml_is_left_alone() {
        assert!(read("x.yaml", "a: [", &Cluster::default()).expect("not looked at").is_empty());
        assert!(read("x.yaml", "kind: a\napiVersion: b\ncontainers: [", &Cluster::default()).is_err());
    }
}
