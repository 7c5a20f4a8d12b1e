//! Compose files.
//!
//! Source: <https://docs.docker.com/reference/compose-file/services/>.

use super::launch::{FactKind, Launch, expand, file_name, folder, image_name, join, line_of};
use super::{dotenv, yaml};
use serde_json::Value;

/// Whether this is a compose file.
pub(crate) fn is_compose(path: &str) -> bool {
    let name = file_name(path);
    (name.starts_with("docker-compose") || name.starts_with("compose"))
        && (name.ends_with(".yml") || name.ends_with(".yaml"))
}

/// The services of a compose file. `known` are the variables of the `.env` file beside it.
/// `other` gives the text of another file of the workspace.
pub(super) fn read<'f>(
    path: &str,
    text: &str,
    known: &[(String, String)],
    other: &dyn Fn(&str) -> Option<&'f str>,
) -> Result<Vec<Launch>, String> {
    let mut documents = yaml::documents(text)?;
    documents.iter_mut().for_each(|document| put_in(document, known));
    let services = documents.iter().filter_map(|document| document.get("services")?.as_object()).flatten();
    let whole = |(name, service): (&String, &Value)| (name.clone(), extended(path, service, &documents, other));
    let services: Vec<(String, Value)> = services.map(whole).collect();
    let mut launches: Vec<Launch> =
        services.iter().map(|(name, service)| one(path, text, name, service, known, other)).collect();
    for (name, service) in &services {
        share(&mut launches, text, name, service);
    }
    Ok(launches)
}

/// Puts the values of variables into all texts.
fn put_in(value: &mut Value, known: &[(String, String)]) {
    match value {
        Value::String(text) if text.contains('$') => *text = expand(text, known),
        Value::Array(all) => all.iter_mut().for_each(|value| put_in(value, known)),
        Value::Object(all) => all.values_mut().for_each(|value| put_in(value, known)),
        _ => {}
    }
}

/// A service with what it takes over from another one, of its own file or of another: one step, as compose has it for
/// services that extend nothing themselves.
fn extended<'f>(path: &str, service: &Value, own: &[Value], other: &dyn Fn(&str) -> Option<&'f str>) -> Value {
    let base = || {
        let extends = service.get("extends")?;
        let name = yaml::scalar(extends).or_else(|| yaml::scalar(extends.get("service")?))?;
        let of = |documents: &[Value]| documents.iter().find_map(|found| found.get("services")?.get(&name).cloned());
        match extends.get("file").and_then(yaml::scalar) {
            Some(file) => of(&yaml::documents(other(&join(folder(path), &file)?)?).ok()?),
            None => of(own),
        }
    };
    let (Some(Value::Object(mut whole)), Value::Object(service)) = (base(), service) else { return service.clone() };
    for (key, value) in service {
        let merged = match (key.as_str(), whole.get(key), value) {
            ("environment", Some(Value::Object(base)), Value::Object(more)) => {
                let mut both = base.clone();
                both.extend(more.clone());
                Value::Object(both)
            }
            ("environment", Some(Value::Array(base)), Value::Array(more)) => {
                Value::Array(base.iter().chain(more).cloned().collect())
            }
            _ => value.clone(),
        };
        whole.insert(key.clone(), merged);
    }
    Value::Object(whole)
}

/// The variables of the files that a service names for its environment.
fn of_files<'f>(path: &str, service: &Value, other: &dyn Fn(&str) -> Option<&'f str>) -> Vec<(String, String)> {
    let named = match service.get("env_file") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let name = |entry: &Value| yaml::scalar(entry).or_else(|| yaml::scalar(entry.get("path")?));
    let texts = named.iter().filter_map(name).filter_map(|file| other(&join(folder(path), &file)?));
    texts.flat_map(dotenv::read).collect()
}

fn one<'f>(
    path: &str,
    text: &str,
    name: &str,
    service: &Value,
    known: &[(String, String)],
    other: &dyn Fn(&str) -> Option<&'f str>,
) -> Launch {
    let mut launch = Launch::new(path);
    let start = line_of(text, &format!("{name}:"), 0);
    launch.line = start;
    launch.hosts.push(name.to_owned());
    launch
        .hosts
        .extend(["container_name", "hostname"].iter().filter_map(|key| service.get(*key).and_then(yaml::scalar)));
    launch.hosts.extend(aliases(service));
    launch.image = service.get("image").and_then(yaml::scalar).unwrap_or_default();
    let at = |needle: &str| line_of(text, needle, start.saturating_sub(1) as usize);
    launch.names.push(name.to_owned());
    launch.names.extend(service.get("container_name").and_then(yaml::scalar));
    launch.names.extend(service.get("image").and_then(yaml::scalar).map(|image| image_name(&image).to_owned()));
    build(path, service, &mut launch);
    let own = environment(service.get("environment"), known);
    for (name, value) in of_files(path, service, other) {
        if !own.iter().any(|(known, _)| *known == name) {
            launch.say(at("env_file"), FactKind::Common(name, value));
        }
    }
    for (name, value) in own {
        launch.say(at(&name), FactKind::Variable(name, value));
    }
    for word in ["entrypoint", "command"] {
        if let Some(command) = service.get(word).and_then(yaml::line) {
            let line = at(&format!("{word}:"));
            launch.say(line, FactKind::Command(command, word.to_owned()));
        }
    }
    launch
}

fn build(path: &str, service: &Value, launch: &mut Launch) {
    let Some(build) = service.get("build") else { return };
    let context =
        yaml::scalar(build).or_else(|| build.get("context").and_then(yaml::scalar)).unwrap_or_else(|| ".".to_owned());
    let Some(context) = join(folder(path), &context) else { return };
    let file = build.get("dockerfile").and_then(yaml::scalar).unwrap_or_else(|| "Dockerfile".to_owned());
    launch.dockerfile = join(&context, &file);
    launch.context = Some(context);
}

/// Further names of a service in its networks.
fn aliases(service: &Value) -> Vec<String> {
    let networks = service.get("networks").and_then(Value::as_object);
    let named =
        networks.into_iter().flat_map(|all| all.values()).filter_map(|network| network.get("aliases")?.as_array());
    named.flatten().filter_map(yaml::scalar).collect()
}

/// `environment` as a map or as a list of `NAME=value`; a name alone has the value that it has where compose runs.
fn environment(value: Option<&Value>, known: &[(String, String)]) -> Vec<(String, String)> {
    let given = |name: &str| known.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    match value {
        Some(Value::Object(map)) => {
            let value = |name: &str, value: &Value| yaml::scalar(value).or_else(|| given(name)).unwrap_or_default();
            map.iter().map(|(name, text)| (name.clone(), value(name, text))).collect()
        }
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(yaml::scalar)
            .filter_map(|item| match item.split_once('=') {
                Some((name, value)) => Some((name.to_owned(), value.to_owned())),
                None => given(&item).map(|value| (item, value)),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A container in the process namespace of another, or of the host, may trace it.
fn share(launches: &mut [Launch], text: &str, name: &str, service: &Value) {
    let (Some(pid), Some(image)) =
        (service.get("pid").and_then(yaml::scalar), service.get("image").and_then(yaml::scalar))
    else {
        return;
    };
    let line = line_of(text, &image, 0);
    let target = pid.strip_prefix("service:");
    for launch in launches.iter_mut() {
        let own = launch.names.first().is_some_and(|own| own == name);
        let sure = target.is_some_and(|target| launch.names.first().is_some_and(|own| own == target));
        if !own && (sure || pid == "host") {
            launch.say(line, FactKind::Neighbour(image.clone(), sure));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read() {
        let text = "services:\n  cart:\n    build:\n      context: ./src\n      dockerfile: cart/Dockerfile\n    environment:\n      - A=1\n    command: [\"a\", \"b\"]\n  probe:\n    image: x/probe:1\n    pid: \"service:cart\"\n";
        let launches = read("deploy/compose.yaml", text, &[], &|_| None).expect("reads");
        assert_eq!(launches[0].dockerfile.as_deref(), Some("deploy/src/cart/Dockerfile"));
        assert_eq!(launches[0].facts.len(), 3);
        assert_eq!(launches[0].facts[0].line, 7);
        assert!(launches[1].facts.is_empty());
        assert!(read("compose.yaml", "services: [", &[], &|_| None).is_err());
    }

    #[test]
    fn variables_come_from_files_and_extended_services() {
        let text = "services:\n  cart:\n    extends:\n      file: base.yaml\n      service: all\n    env_file: [till.env]\n    environment:\n      A: own\n";
        let other = |path: &str| match path {
            "base.yaml" => {
                Some("services:\n  all:\n    image: x/cart\n    environment:\n      A: base\n      B: base\n")
            }
            "till.env" => Some("A=file\nC=file\n"),
            _ => None,
        };
        let launches = read("compose.yaml", text, &[], &other).expect("reads");
        let found: Vec<(&str, &str)> = launches[0]
            .facts
            .iter()
            .filter_map(|fact| match &fact.kind {
                FactKind::Variable(name, value) | FactKind::Common(name, value) => {
                    Some((name.as_str(), value.as_str()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(found, [("C", "file"), ("A", "own"), ("B", "base")]);
        assert_eq!(launches[0].image, "x/cart");
    }
}
