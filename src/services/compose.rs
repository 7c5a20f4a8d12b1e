//! Compose files: who starts whom.

use super::ManifestFile;
use super::launch::{FactKind, Launch, image_name};
use crate::deploy::compose::{Composition, Service, hosts};
use crate::ir::{LineIndex, Span};
use crate::yaml::Node;

/// A compose file with what lies around it.
struct Project<'f> {
    path: &'f str,
    lines: LineIndex,
    composition: Composition<'f>,
}

/// The services of a compose file; `other` gives another file of the workspace.
pub(super) fn read<'f>(
    file: &'f ManifestFile,
    other: &'f dyn Fn(&str) -> Option<&'f ManifestFile>,
) -> Result<Vec<Launch>, String> {
    let lines = LineIndex::new(file.text.as_bytes());
    let project = Project { path: &file.path, lines, composition: Composition::new(file, other) };
    let services = project.composition.services()?;
    let mut launches: Vec<Launch> = services.iter().map(|service| project.launch(service)).collect();
    for service in &services {
        project.share(&mut launches, &service.name.text, &service.node);
    }
    Ok(launches)
}

fn text<'n>(service: &'n Node, key: &str) -> Option<&'n str> {
    service.get(key).and_then(Node::text)
}

impl<'f> Project<'f> {
    fn line(&self, span: Span) -> u32 {
        self.lines.line(span.start)
    }

    fn launch(&self, found: &Service) -> Launch {
        let Service { name, node: service, .. } = found;
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
        self.variables(found, &mut launch);
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
        if let Some((dockerfile, context)) = self.composition.build(service) {
            launch.dockerfile = Some(dockerfile);
            launch.context = Some(context);
        }
    }

    /// The environment: what the service says itself goes before the files that it names.
    fn variables(&self, service: &Service, launch: &mut Launch) {
        let is_map = service.node.get("environment").is_some_and(Node::is_map);
        let all = self.composition.environment(service);
        for given in &all {
            let is_own = |other: &&crate::deploy::Given| !other.is_common && other.name == given.name;
            let (name, line) = (given.name.clone(), self.line(given.span));
            match &given.value {
                Some(_) if given.is_common && all.iter().any(|other| is_own(&other)) => {}
                Some(value) if given.is_common => launch.say(line, FactKind::Common(name, value.clone())),
                Some(value) => launch.say(line, FactKind::Variable(name, value.clone())),
                None if is_map => launch.say(line, FactKind::Variable(name, String::new())),
                None => {}
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn launches(path: &str, text: &str) -> Result<Vec<Launch>, String> {
        read(&ManifestFile::new(path, text), &|_| None)
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
        let found = read(&ManifestFile::new("compose.yaml", text), &other).expect("reads");
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
