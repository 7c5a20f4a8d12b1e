//! What the processes of each unit are given, for the rules on code: which values a variable or setting has where the service
//! runs.

use super::workloads::{may_be_secret, without_secrets};
use super::{Image, ManifestFile, Unit, is_dockerfile};
use crate::deploy::Deployment;
use crate::facts::{Variable, Workload, plain};
use crate::paths::{file_name, folder};
use crate::yaml::Node;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// How many processes are looked at for the values of one text.
const MAX_PROCESSES: usize = 32;

/// The environments of a workspace's processes.
#[derive(Debug, Default)]
pub struct Environments {
    /// Those that deployment files start.
    processes: Vec<Workload>,
    /// What images and files of variables give to a unit where no deployment file says something else.
    defaults: Vec<Workload>,
    /// The processes and defaults that set a variable, by its plain name.
    setters: FxHashMap<String, Setters>,
    /// The hosts under which the workspace's own services are reached from outside.
    doors: BTreeSet<String>,
    /// The names under which processes are reached that run code of the workspace, in lower case.
    own: BTreeSet<String>,
}

/// Who sets one variable, by their places in the lists.
#[derive(Debug, Default)]
struct Setters {
    processes: Vec<usize>,
    defaults: Vec<usize>,
}

impl Environments {
    /// Those that the files of a workspace give to the processes that they start, and to its units.
    pub fn new(files: &[ManifestFile], units: &[Unit], processes: &[Workload], deployment: &Deployment) -> Self {
        // What is built here runs the workspace's code, in whatever language.
        let built = deployment.containers.iter().filter(|found| found.dockerfile.is_some());
        let run = processes.iter().filter(|found| !found.runs.is_empty() || found.image.is_empty());
        let own = built.flat_map(|found| &found.hosts).chain(run.flat_map(|found| &found.hosts));
        let mut out = Self {
            processes: processes.to_vec(),
            defaults: units.iter().flat_map(|unit| defaults(files, unit)).collect(),
            setters: FxHashMap::default(),
            doors: files.iter().filter(|file| file.is_yaml()).flat_map(doors).collect(),
            own: own.map(|host| host.to_ascii_lowercase()).collect(),
        };
        for (at, process) in out.processes.iter().enumerate() {
            for variable in &process.environment {
                out.setters.entry(plain(&variable.name)).or_default().processes.push(at);
            }
        }
        for (at, found) in out.defaults.iter().enumerate() {
            for variable in &found.environment {
                out.setters.entry(plain(&variable.name)).or_default().defaults.push(at);
            }
        }
        out
    }

    /// The processes that run a unit, by its root, and are given one of these variables or settings; where there are none,
    /// what its image and its file of variables give it; else the processes of which it is not seen what they run.
    pub fn of(&self, root: &str, names: &[&str]) -> Vec<&Workload> {
        let setters: Vec<&Setters> = names.iter().filter_map(|name| self.setters.get(&plain(name))).collect();
        let processes = || setters.iter().flat_map(|found| &found.processes).filter_map(|at| self.processes.get(*at));
        let defaults = setters.iter().flat_map(|found| &found.defaults).filter_map(|at| self.defaults.get(*at));
        let runs = |workload: &&Workload| workload.runs.iter().any(|own| own == root);
        let own: Vec<&Workload> = processes().filter(runs).take(MAX_PROCESSES).collect();
        if !own.is_empty() {
            return own;
        }
        let own: Vec<&Workload> = defaults.filter(runs).take(MAX_PROCESSES).collect();
        if own.is_empty() {
            processes().filter(|found| found.runs.is_empty()).take(MAX_PROCESSES).collect()
        } else {
            own
        }
    }

    /// Whether a process of the workspace is reached under a host.
    pub fn has_host(&self, host: &str) -> bool {
        self.processes.iter().flat_map(|process| &process.hosts).any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether a process that is reached under a host runs code of the workspace.
    pub fn runs_code(&self, host: &str) -> bool {
        self.own.contains(&host.to_ascii_lowercase())
    }

    /// Whether the workspace has a door to the outside under the domain of a host.
    pub fn has_door(&self, host: &str) -> bool {
        self.doors.iter().any(|door| domain(door) == domain(host))
    }
}

/// What the image of a unit and the file of variables in its folder set.
fn defaults(files: &[ManifestFile], unit: &Unit) -> Vec<Workload> {
    let of_unit = |file: &&ManifestFile| {
        is_dockerfile(&file.path) && unit.launchers.contains(&file.path)
            || file_name(&file.path) == ".env" && folder(&file.path) == unit.root
    };
    let found = files.iter().filter(of_unit).map(|file| {
        let variables = match is_dockerfile(&file.path) {
            true => {
                let image = Image::read(&file.path, &file.text);
                image.environment.into_iter().map(|(name, value, _)| (name, value)).collect()
            }
            false => super::variables_of(&file.text),
        };
        let shown = variables.into_iter().filter(|(name, _)| !may_be_secret(name));
        let environment =
            shown.map(|(name, value)| Variable { name, value: without_secrets(&value), common: false, line: 1 });
        Workload {
            path: file.path.clone(),
            line: 1,
            name: unit.name.clone(),
            runs: vec![unit.root.clone()],
            environment: environment.collect(),
            ..Workload::default()
        }
    });
    found.filter(|found| !found.environment.is_empty()).collect()
}

/// The hosts under which an object of Kubernetes lets others in from outside.
///
/// Sources: <https://kubernetes.io/docs/reference/kubernetes-api/networking-resources/ingress-v1/>,
/// <https://gateway-api.sigs.k8s.io/reference/api-spec/main/spec/#httproute>.
fn doors(file: &ManifestFile) -> Vec<String> {
    const KINDS: &[&str] = &["Ingress", "HTTPRoute", "GRPCRoute", "VirtualService"];
    if !KINDS.iter().any(|kind| file.text.contains(kind)) {
        return Vec::new();
    }
    let documents = file.documents().unwrap_or_default().iter();
    let of_kind =
        documents.filter(|found| found.get("kind").and_then(Node::text).is_some_and(|kind| KINDS.contains(&kind)));
    let hosts = of_kind.filter_map(|found| found.get("spec")).flat_map(|spec| {
        let rules = spec.get("rules").map(Node::items).unwrap_or_default().iter().filter_map(|rule| rule.get("host"));
        let named = ["hosts", "hostnames"].into_iter().filter_map(|key| spec.get(key)).flat_map(Node::items);
        rules.chain(named).filter_map(Node::text)
    });
    hosts.map(|host| host.trim_start_matches("*.").to_ascii_lowercase()).filter(|host| host.contains('.')).collect()
}

/// The part of a host by which it belongs to somebody: `shop.example` of `api.shop.example`, `shop.co.uk` of `www.shop.co.uk`.
pub fn domain(host: &str) -> &str {
    let dots: Vec<usize> = host.match_indices('.').map(|(at, _)| at).collect();
    let [.., before, last] = dots.as_slice() else { return host };
    // Below a country, short names are those of kinds of owners.
    let is_kind = host.len() - last == 3 && last - before <= 4;
    let start = match is_kind {
        true => dots.len().checked_sub(3).and_then(|at| dots.get(at)).map_or(0, |at| at + 1),
        false => before + 1,
    };
    host.get(start..).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(root: &str, name: &str, value: &str) -> Workload {
        let variable = Variable { name: name.to_owned(), value: value.to_owned(), ..Variable::default() };
        let runs = Some(root.to_owned()).filter(|root| !root.is_empty()).into_iter().collect();
        Workload { runs, environment: vec![variable], ..Workload::default() }
    }

    #[test]
    fn the_own_process_goes_before_the_image_and_that_before_strangers() {
        let mut unit = Unit::loose(crate::ir::Language::Go);
        "till".clone_into(&mut unit.root);
        let files = [ManifestFile::new("till/.env", "BOOKS_URL=http://a\nONLY=http://b\nAPI_TOKEN=x\n")];
        let all = [process("till", "BOOKS_URL", "http://c"), process("", "BOOKS_URL", "d"), process("", "LATE", "e")];
        let found = Environments::new(&files, &[unit], &all, &Deployment::default());
        let values = |name: &str| {
            let all = found.of("till", &[name]).into_iter().flat_map(|one| &one.environment);
            all.filter(|one| one.name == name).map(|one| one.value.clone()).collect::<Vec<_>>()
        };
        assert_eq!((values("BOOKS_URL"), values("ONLY")), (vec!["http://c".to_owned()], vec!["http://b".to_owned()]));
        assert_eq!((values("LATE"), values("API_TOKEN")), (vec!["e".to_owned()], Vec::new()));
    }

    #[test]
    fn doors_are_told_by_their_domain() {
        let text = "kind: Ingress\nspec:\n  rules:\n  - host: www.shop.example\n";
        let found = Environments::new(&[ManifestFile::new("a.yaml", text)], &[], &[], &Deployment::default());
        assert!(found.has_door("api.shop.example") && !found.has_door("api.mail.example"));
        assert_eq!(
            (domain("a.b.shop.co.uk"), domain("shop.example"), domain("x")),
            ("shop.co.uk", "shop.example", "x")
        );
        assert_eq!(domain("a.till.io"), "till.io");
    }
}
