//! Maven modules, with what they inherit from the parents in the workspace.
//!
//! Source: <https://maven.apache.org/pom.html>.

use super::launch::{FactKind, Launch};
use super::{Dependency, ManifestFile, Scope, Unit};
use crate::ir::Language;
use crate::paths::{file_name, folder, join};
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use std::collections::BTreeMap;

const MAX_DEPTH: usize = 64;
const MAX_PARENTS: usize = 16;

/// One `pom.xml` as it stands.
#[derive(Debug, Default)]
struct Pom {
    group: String,
    artifact: String,
    version: String,
    packaging: String,
    name: String,
    parent: Option<Coordinates>,
    relative_path: Option<String>,
    properties: BTreeMap<String, String>,
    dependencies: Vec<Coordinates>,
    managed: Vec<Coordinates>,
    arguments: Vec<(u32, String)>,
}

/// A reference to another project.
#[derive(Debug, Default, Clone)]
struct Coordinates {
    group: String,
    artifact: String,
    version: String,
    scope: String,
    line: u32,
}

/// The units of all poms that are not mere parents, and the agents that their plugins load.
pub(super) fn read(files: &[&ManifestFile], skipped: &mut Vec<(String, String)>) -> (Vec<Unit>, Vec<Launch>) {
    let mut poms: BTreeMap<&str, Pom> = BTreeMap::new();
    for file in files.iter().filter(|file| file_name(&file.path) == "pom.xml") {
        match parse(&file.text) {
            Ok(pom) => {
                poms.insert(&file.path, pom);
            }
            Err(error) => skipped.push((file.path.clone(), error)),
        }
    }
    let units = poms.keys().filter(|path| poms[*path].packaging != "pom").map(|path| unit(path, &poms)).collect();
    (units, poms.iter().map(|(path, pom)| launch(path, pom)).collect())
}

fn launch(path: &str, pom: &Pom) -> Launch {
    let mut launch = Launch::new(path);
    launch.is_local = true;
    for (line, text) in &pom.arguments {
        launch.say(*line, FactKind::Arguments(text.clone()));
    }
    launch
}

fn unit(path: &str, poms: &BTreeMap<&str, Pom>) -> Unit {
    let chain = parents(path, poms);
    let own = &poms[path];
    let group = chain.iter().map(|path| &poms[path].group).find(|group| !group.is_empty());
    let mut properties = BTreeMap::new();
    for path in chain.iter().rev() {
        properties.extend(poms[path].properties.clone());
    }
    let top = chain.iter().filter_map(|path| Some((path, poms[path].parent.as_ref()?))).next_back();
    for (name, value) in [
        ("project.groupId", group),
        ("project.version", Some(&own.version)),
        ("project.artifactId", Some(&own.artifact)),
    ] {
        properties.insert(name.to_owned(), value.cloned().unwrap_or_default());
    }
    let mut dependencies: Vec<Dependency> = Vec::new();
    for path in &chain {
        for coordinates in &poms[path].dependencies {
            let dependency = resolve(path, coordinates, &chain, poms, &properties);
            if !dependencies.iter().any(|known| known.name == dependency.name) {
                dependencies.push(dependency);
            }
        }
        for list in poms[path].managed.iter().filter(|managed| managed.scope == "import") {
            dependencies.push(Dependency { scope: Scope::Build, ..resolve(path, list, &chain, poms, &properties) });
        }
    }
    if let Some((path, parent)) = top {
        dependencies.push(Dependency { scope: Scope::Build, ..resolve(path, parent, &chain, poms, &properties) });
    }
    let name = [&own.artifact, &own.name].into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
    Unit {
        name,
        root: folder(path).to_owned(),
        language: Language::Java,
        module: group.cloned().unwrap_or_default(),
        dependencies,
        stacks: Vec::new(),
        launchers: Vec::new(),
        starts: Vec::new(),
        settings: super::Settings::default(),
        logging: super::Logging::default(),
        may_be_named: false,
        not_installed: Default::default(),
        not_asked: Default::default(),
    }
}

fn resolve(
    path: &str,
    wanted: &Coordinates,
    chain: &[&str],
    poms: &BTreeMap<&str, Pom>,
    properties: &BTreeMap<String, String>,
) -> Dependency {
    let (group, artifact) = (fill(&wanted.group, properties), fill(&wanted.artifact, properties));
    let managed = chain
        .iter()
        .flat_map(|path| &poms[path].managed)
        .find(|m| m.artifact == wanted.artifact && (m.group == wanted.group || fill(&m.group, properties) == group));
    let pick = |own: &str, other: Option<&String>| {
        if own.is_empty() { other.cloned().unwrap_or_default() } else { own.to_owned() }
    };
    let version = pick(&wanted.version, managed.map(|m| &m.version));
    let scope = match pick(&wanted.scope, managed.map(|m| &m.scope)).as_str() {
        "test" => Scope::Test,
        "optional" => Scope::Optional,
        _ => Scope::Direct,
    };
    Dependency {
        name: format!("{group}:{artifact}"),
        version: fill(&version, properties),
        path: path.to_owned(),
        line: wanted.line,
        scope,
    }
}

/// `${name}` replaced by its property, a few levels deep.
fn fill(text: &str, properties: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for _ in 0..4 {
        let Some(start) = out.find("${") else { break };
        let Some(end) = out[start..].find('}').map(|end| start + end) else { break };
        let Some(value) = properties.get(&out[start + 2..end]) else { break };
        out.replace_range(start..=end, value);
        if out.len() > 1024 {
            break;
        }
    }
    out
}

/// The pom itself, its parent, and so on, as far as the workspace has them.
fn parents<'a>(path: &'a str, poms: &BTreeMap<&'a str, Pom>) -> Vec<&'a str> {
    let mut chain = vec![path];
    while let Some(next) = chain.last().and_then(|last| parent_of(last, poms)) {
        if chain.contains(&next) || chain.len() > MAX_PARENTS {
            break;
        }
        chain.push(next);
    }
    chain
}

fn parent_of<'a>(path: &str, poms: &BTreeMap<&'a str, Pom>) -> Option<&'a str> {
    let pom = &poms[path];
    let parent = pom.parent.as_ref()?;
    let relative = pom.relative_path.as_deref().unwrap_or("../pom.xml");
    let relative = if relative.ends_with(".xml") { relative.to_owned() } else { format!("{relative}/pom.xml") };
    let near = join(folder(path), &relative)
        .and_then(|near| poms.get_key_value(near.as_str()))
        .filter(|(_, pom)| pom.artifact == parent.artifact);
    let same = |pom: &Pom| pom.artifact == parent.artifact && (pom.group.is_empty() || pom.group == parent.group);
    near.map(|(path, _)| *path).or_else(|| poms.iter().find(|(_, pom)| same(pom)).map(|(path, _)| *path))
}

fn parse(text: &str) -> Result<Pom, String> {
    let mut reader = Reader::from_str(text);
    let mut pom = Pom::default();
    let mut stack: Vec<String> = Vec::new();
    let mut open = Coordinates::default();
    let mut optional = false;
    let (mut line, mut read_to) = (1u32, 0usize);
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let end = (reader.buffer_position() as usize).min(text.len());
        let start_line = line;
        line += text.as_bytes()[read_to..end].iter().filter(|b| **b == b'\n').count() as u32;
        read_to = end;
        match event {
            Event::Start(tag) => {
                stack.push(tag.local_name().as_ref().to_owned());
                if stack.len() > MAX_DEPTH {
                    return Err("nested too deeply".to_owned());
                }
                if matches!(stack.last().map(String::as_str), Some("dependency" | "parent")) {
                    open = Coordinates { line, ..Coordinates::default() };
                    optional = stack.iter().any(|name| name == "profile");
                }
            }
            Event::Text(part) => put(&mut pom, &mut open, &mut optional, &stack, part.trim(), start_line),
            Event::CData(part) => put(&mut pom, &mut open, &mut optional, &stack, part.trim(), start_line),
            Event::Empty(tag) if tag.local_name().as_ref() == "relativePath" => {
                pom.relative_path = Some("//".to_owned())
            }
            Event::End(_) => {
                close(&mut pom, &open, optional, &stack);
                stack.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if stack.is_empty() { Ok(pom) } else { Err("an element is not closed".to_owned()) }
}

fn put(pom: &mut Pom, open: &mut Coordinates, optional: &mut bool, stack: &[String], text: &str, line: u32) {
    if text.is_empty() {
        return;
    }
    let path: Vec<&str> = stack.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["project", "groupId"] => pom.group = text.to_owned(),
        ["project", "artifactId"] => pom.artifact = text.to_owned(),
        ["project", "version"] => pom.version = text.to_owned(),
        ["project", "packaging"] => pom.packaging = text.to_owned(),
        ["project", "name"] => pom.name = text.to_owned(),
        ["project", "parent", "relativePath"] => pom.relative_path = Some(text.to_owned()),
        ["project", "properties", name] => {
            pom.properties.insert((*name).to_owned(), text.to_owned());
        }
        [.., "dependency" | "parent", "groupId"] => open.group = text.to_owned(),
        [.., "dependency" | "parent", "artifactId"] => {
            open.artifact = text.to_owned();
            open.line = line;
        }
        [.., "dependency" | "parent", "version"] => open.version = text.to_owned(),
        [.., "dependency", "scope"] => open.scope = text.to_owned(),
        [.., "dependency", "optional"] => *optional |= text == "true",
        [.., "agents", "agent"] => pom.arguments.push((line, format!("-javaagent:{text}"))),
        [.., "argLine"] => {}
        _ if text.contains("-javaagent:") => pom.arguments.push((line, text.to_owned())),
        _ => {}
    }
}

fn close(pom: &mut Pom, open: &Coordinates, optional: bool, stack: &[String]) {
    let path: Vec<&str> = stack.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["project", "parent"] => pom.parent = Some(open.clone()),
        ["project", .., "dependencyManagement", "dependencies", "dependency"] => pom.managed.push(open.clone()),
        ["project", "dependencies", "dependency"]
        | ["project", "profiles", "profile", "dependencies", "dependency"] => {
            let mut found = open.clone();
            if optional && found.scope != "test" {
                found.scope = "optional".to_owned();
            }
            pom.dependencies.push(found);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ManifestFile {
        ManifestFile::new(path, text)
    }

    #[test]
    fn parents_are_inherited_from() {
        let files = [
            file(
                "pom.xml",
                "<project><groupId>g</groupId><artifactId>p</artifactId><packaging>pom</packaging><properties><v>1.2</v></properties><dependencyManagement><dependencies><dependency><groupId>x</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>x</groupId><artifactId>b</artifactId><scope>test</scope></dependency></dependencies></project>",
            ),
            file(
                "m/pom.xml",
                "<project>\n<parent><groupId>g</groupId><artifactId>p</artifactId></parent>\n<artifactId>m</artifactId>\n<dependencies>\n<dependency>\n<groupId>x</groupId><artifactId>a</artifactId></dependency></dependencies></project>",
            ),
        ];
        let (units, _) = read(&files.iter().collect::<Vec<_>>(), &mut Vec::new());
        assert_eq!(units.len(), 1);
        assert_eq!((units[0].name.as_str(), units[0].module.as_str()), ("m", "g"));
        let found: Vec<_> =
            units[0].dependencies.iter().map(|d| (d.name.as_str(), d.version.as_str(), d.scope, d.line)).collect();
        assert_eq!(found[0], ("x:a", "1.2", Scope::Direct, 6));
        assert_eq!(found[1].2, Scope::Test);
    }

    #[test]
    fn broken_and_circular_poms_are_survived() {
        let files = [
            file("a/pom.xml", "<project><a>"),
            file(
                "b/pom.xml",
                "<project><parent><artifactId>b</artifactId></parent><artifactId>b</artifactId><properties><v>${v}${v}</v></properties><dependencies><dependency><artifactId>${v}</artifactId></dependency></dependencies></project>",
            ),
        ];
        let mut skipped = Vec::new();
        let (units, _) = read(&files.iter().collect::<Vec<_>>(), &mut skipped);
        assert_eq!((units.len(), skipped.len()), (1, 1));
    }

    #[test]
    fn agents_of_plugins_are_found() {
        let pom = parse("<project><build><plugin><configuration><agents>\n<agent>x.jar</agent></agents><argLine>-javaagent:no</argLine><jvmFlag>-javaagent:y.jar</jvmFlag></configuration></plugin></build></project>").expect("reads");
        assert_eq!(pom.arguments, [(2, "-javaagent:x.jar".to_owned()), (2, "-javaagent:y.jar".to_owned())]);
    }
}
