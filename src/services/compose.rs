//! Compose files: who starts whom.

use super::launch::{FactKind, Launch, expand, image_name};
use super::{ManifestFile, dotenv};
use crate::deploy::compose::{environment, hosts, services};
use crate::ir::{LineIndex, Span};
use crate::paths::{folder, join};
use crate::yaml::{Key, Node, Value};

/// Variables with their values.
type Variables = [(String, String)];

/// A compose file with what lies around it.
struct Project<'f> {
    path: &'f str,
    lines: LineIndex,
    /// The variables of the `.env` file beside it.
    known: &'f Variables,
    /// Another file of the workspace.
    other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>,
}

/// The services of a compose file. `known` are the variables of the `.env` file beside it; `other` gives another file of
/// the workspace.
pub(super) fn read<'f>(
    file: &'f ManifestFile,
    known: &'f Variables,
    other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>,
) -> Result<Vec<Launch>, String> {
    let mut documents = file.documents()?.to_vec();
    documents.iter_mut().for_each(|document| document.walk_mut(&mut |node| put_in(node, known)));
    let project = Project { path: &file.path, lines: LineIndex::new(file.text.as_bytes()), known, other };
    let own = || documents.iter().flat_map(services);
    let services: Vec<(&Key, Node)> =
        own().map(|(name, service)| (name, project.extended(service, &documents))).collect();
    let mut launches: Vec<Launch> = services.iter().map(|(name, service)| project.launch(name, service)).collect();
    for (name, service) in &services {
        project.share(&mut launches, &name.text, service);
    }
    Ok(launches)
}

/// Puts the values of variables into a text.
fn put_in(node: &mut Node, known: &Variables) {
    if let Value::Scalar(text) = &mut node.value
        && text.contains('$')
    {
        *text = expand(text, known);
    }
}

fn text<'n>(service: &'n Node, key: &str) -> Option<&'n str> {
    service.get(key).and_then(Node::text)
}

impl<'f> Project<'f> {
    fn line(&self, span: Span) -> u32 {
        self.lines.line(span.start)
    }

    /// Another file, by its path from this one.
    fn beside(&self, path: &str) -> Option<&'f ManifestFile> {
        (self.other)(&join(folder(self.path), path)?)
    }

    /// A service with what it takes over from another one, of its own file or of another: one step, as compose has it for
    /// services that extend nothing themselves.
    fn extended(&self, service: &Node, own: &[Node]) -> Node {
        let base = || self.base(service.get("extends")?, own).filter(Node::is_map);
        let Some(mut whole) = base().filter(|_| service.is_map()) else { return service.clone() };
        for (key, value) in service.entries() {
            let merged = match whole.get(&key.text) {
                Some(base) if key.text == "environment" => both(base, value),
                _ => value.clone(),
            };
            whole.put(key.clone(), merged);
        }
        whole
    }

    /// The service that another one extends. What stands in another file has its place where it is asked for.
    fn base(&self, extends: &Node, own: &[Node]) -> Option<Node> {
        let name = extends.text().or_else(|| text(extends, "service"))?;
        let of = |documents: &[Node]| documents.iter().find_map(|found| found.at(&["services", name])).cloned();
        let Some(file) = text(extends, "file") else { return of(own) };
        let mut found = of(self.beside(file)?.documents().ok()?)?;
        found.pin(extends.span);
        Some(found)
    }

    fn launch(&self, name: &Key, service: &Node) -> Launch {
        let mut launch = Launch::new(self.path);
        launch.line = self.line(name.span);
        launch.hosts = hosts(name, service);
        launch.names.push(name.text.clone());
        launch.names.extend(text(service, "container_name").map(str::to_owned));
        if let Some(image) = text(service, "image") {
            launch.names.push(image_name(image).to_owned());
            launch.image = image.to_owned();
        }
        self.build(service, &mut launch);
        self.variables(service, &mut launch);
        for word in ["entrypoint", "command"] {
            if let Some((key, value)) = service.entry(word)
                && let Some(command) = value.line()
            {
                launch.say(self.line(key.span), FactKind::Command(command, word.to_owned()));
            }
        }
        launch
    }

    fn build(&self, service: &Node, launch: &mut Launch) {
        let Some(build) = service.get("build") else { return };
        let context = build.text().or_else(|| text(build, "context")).unwrap_or(".");
        let Some(context) = join(folder(self.path), context) else { return };
        launch.dockerfile = join(&context, text(build, "dockerfile").unwrap_or("Dockerfile"));
        launch.context = Some(context);
    }

    /// The environment: what the service says itself goes before the files that it names.
    fn variables(&self, service: &Node, launch: &mut Launch) {
        let given =
            |name: &str| self.known.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let is_map = service.get("environment").is_some_and(Node::is_map);
        let own: Vec<(Span, String, String)> = environment(service)
            .into_iter()
            .filter_map(|entry| {
                let value = entry.value.map(str::to_owned).or_else(|| given(entry.name));
                Some((entry.span, entry.name.to_owned(), value.or_else(|| is_map.then(String::new))?))
            })
            .collect();
        for (span, name, value) in self.of_files(service) {
            if !own.iter().any(|(_, known, _)| *known == name) {
                launch.say(self.line(span), FactKind::Common(name, value));
            }
        }
        for (span, name, value) in own {
            launch.say(self.line(span), FactKind::Variable(name, value));
        }
    }

    /// The variables of the files that a service names for its environment.
    fn of_files(&self, service: &Node) -> Vec<(Span, String, String)> {
        let Some(named) = service.get("env_file") else { return Vec::new() };
        let named = if let Value::List(items) = &named.value { items.as_slice() } else { std::slice::from_ref(named) };
        let files = named.iter().filter_map(|entry| {
            let file = self.beside(entry.text().or_else(|| text(entry, "path"))?)?;
            Some((entry.span, file))
        });
        let variables = |(span, file): (Span, &ManifestFile)| {
            dotenv::read(&file.text).into_iter().map(move |(name, value)| (span, name, value))
        };
        files.flat_map(variables).collect()
    }

    /// A container in the process namespace of another, or of the host, may trace it.
    fn share(&self, launches: &mut [Launch], name: &str, service: &Node) {
        let (Some(pid), Some(image)) = (text(service, "pid"), service.get("image")) else { return };
        let Some(program) = image.text() else { return };
        let target = pid.strip_prefix("service:");
        for launch in launches.iter_mut() {
            let is = |other: &str| launch.names.first().is_some_and(|own| own == other);
            let sure = target.is_some_and(is);
            if !is(name) && (sure || pid == "host") {
                launch.say(self.line(image.span), FactKind::Neighbour(program.to_owned(), sure));
            }
        }
    }
}

/// Two environments of one form together: the second goes before the first. Of two forms, the second.
fn both(base: &Node, more: &Node) -> Node {
    let mut out = base.clone();
    match (&mut out.value, &more.value) {
        (Value::Map(_), Value::Map(more)) => more.iter().for_each(|(key, value)| out.put(key.clone(), value.clone())),
        (Value::List(all), Value::List(more)) => all.extend(more.iter().cloned()),
        _ => return more.clone(),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launches(path: &str, text: &str) -> Result<Vec<Launch>, String> {
        read(&ManifestFile::new(path, text), &[], &|_| None)
    }

    #[test]
    fn services_are_read() {
        let text = "services:\n  cart:\n    build:\n      context: ./src\n      dockerfile: cart/Dockerfile\n    environment:\n      - A=1\n    command: [\"a\", \"b\"]\n  probe:\n    image: x/probe:1\n    pid: \"service:cart\"\n";
        let found = launches("deploy/compose.yaml", text).expect("reads");
        assert_eq!(found[0].dockerfile.as_deref(), Some("deploy/src/cart/Dockerfile"));
        assert_eq!(found[0].facts.len(), 3);
        assert_eq!(found[0].facts[0].line, 7);
        assert!(found[1].facts.is_empty());
        assert!(launches("compose.yaml", "services: [").is_err());
    }

    #[test]
    fn each_service_is_cited_by_its_own_lines() {
        let text = "x-all: &all\n  C: 0\nservices:\n  till-api:\n    environment: &own\n      - A=1\n    depends_on: [till]\n  till:\n    environment:\n      - A=2\n      - NOT_A=3\n    command: a\n  cart:\n    command: b\n    environment: {A: 3, B: 4}\n  copy:\n    environment: *own\n  merged:\n    environment:\n      <<: *all\n      A: 5\n";
        let found = launches("compose.yaml", text).expect("reads");
        let lines = |at: usize| found[at].facts.iter().map(|fact| fact.line).collect::<Vec<_>>();
        assert_eq!(found.iter().map(|launch| launch.line).collect::<Vec<_>>(), [4, 8, 13, 16, 18]);
        assert_eq!((lines(0), lines(1), lines(2)), (vec![6], vec![10, 11, 12], vec![15, 15, 14]));
        // What is written elsewhere is cited where it is asked for.
        assert_eq!((lines(3), lines(4)), (vec![17], vec![21, 20]));
    }

    #[test]
    fn variables_come_from_files_and_extended_services() {
        let text = "services:\n  cart:\n    extends:\n      file: base.yaml\n      service: all\n    env_file: [till.env]\n    environment:\n      A: own\n";
        let base = ManifestFile::new(
            "base.yaml",
            "\n\n\n\n\n\nservices:\n  all:\n    image: x/cart\n    environment:\n      A: base\n      B: base\n",
        );
        let variables = ManifestFile::new("till.env", "A=file\nC=file\n");
        let other = |path: &str| [&base, &variables].into_iter().find(|file| file.path == path);
        let found = read(&ManifestFile::new("compose.yaml", text), &[], &other).expect("reads");
        let said: Vec<(&str, &str, u32)> = found[0]
            .facts
            .iter()
            .filter_map(|fact| match &fact.kind {
                FactKind::Variable(name, value) | FactKind::Common(name, value) => {
                    Some((name.as_str(), value.as_str(), fact.line))
                }
                _ => None,
            })
            .collect();
        assert_eq!(said, [("C", "file", 6), ("A", "own", 8), ("B", "base", 4)]);
        assert_eq!(found[0].image, "x/cart");
    }
}
