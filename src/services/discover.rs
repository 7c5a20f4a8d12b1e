//! From the files of a workspace to its units.

use super::attribute::Units;
use super::launch::{Fact, FactKind, Launch};
use super::manifest::is_yaml;
use super::stacks::{Compiled, compiled};
use super::{
    Dependency, ManifestFile, Mode, Scope, StackUse, Unit, Workspace, asked, cluster, compose, docker, dotenv,
    evidence, golang, gradle, helm, kubernetes, loads, logging, maven, process, python, resource, sections, settings,
    shell, values, workloads,
};
use crate::deploy::is_compose;
use crate::ir::Language;
use crate::knowledge;
use crate::paths::{file_name, folder};
use crate::yaml::is_template;
use globset::Candidate;
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::collections::BTreeMap;

const ALL: &[Language] = &[Language::Go, Language::Python, Language::Java];

/// Whether [`discover`] wants to see the file with this path (relative, `/` separated).
pub fn is_manifest(path: &str) -> bool {
    let name = file_name(path);
    matches!(name, "go.mod" | "go.work" | "pom.xml")
        || python::is_manifest(path)
        || python::is_lock(path)
        || gradle::is_manifest(path)
        || docker::is_dockerfile(path)
        || shell::is_script(path)
        || crate::deploy::process::is_process(path)
        || crate::deploy::tasks::is_task(path)
        || crate::deploy::terraform::is_terraform(path)
        || crate::hcl::is_values(path)
        || dotenv::is_dotenv(path)
        || settings::is_settings(path)
        || settings::is_resource(path)
        || logging::is_logging(path)
        || is_yaml(path)
        || crate::deploy::is_wanted(path)
}

/// Whether a file says how services are deployed, wherever it lies, and not how they are built.
pub fn is_deployment(path: &str) -> bool {
    docker::is_dockerfile(path)
        || dotenv::is_dotenv(path)
        || is_yaml(path)
        || crate::deploy::process::is_process(path)
        || crate::deploy::tasks::is_task(path)
        || crate::deploy::terraform::is_terraform(path)
        || crate::deploy::is_wanted(path)
}

/// Finds the units of a workspace and the stacks that its files show.
///
/// Reads nothing but its argument; the order of the files makes no difference.
pub fn discover(files: &[ManifestFile]) -> Workspace {
    let mut files: Vec<&ManifestFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut skipped = Vec::new();
    let Built { mut units, gathering, mut launches, reached } = build_units(&files, &mut skipped);
    launches.extend(deployments(&files, &mut skipped));
    add_dockerfile_projects(&mut units, &launches);
    units.sort_by(|a, b| (&a.root, a.language).cmp(&(&b.root, b.language)));
    // Before units are named after what deploys them.
    loads::attach(&mut units, &files);
    asked::attach(&mut units, &files);
    attach(&mut units, &gathering, &mut launches);
    for unit in &mut units {
        let of_build = of_plugins(unit);
        unit.stacks.extend(of_dependencies(&unit.dependencies, unit.language));
        unit.stacks.extend(of_build);
        unit.stacks.dedup();
        if unit.name.is_empty() {
            unit.name = if unit.root.is_empty() { "workspace".to_owned() } else { file_name(&unit.root).to_owned() };
        }
    }
    give_to_modules(&mut units, &reached);
    sections::attach(&mut units, &files);
    settings::attach(&mut units, &files);
    logging::attach(&mut units, &files);
    let names: Vec<&str> = compiled().iter().flat_map(|stack| &stack.page.names_service).map(String::as_str).collect();
    let may_be_named = files.iter().any(|file| names.iter().any(|name| file.text.contains(name)));
    units.iter_mut().for_each(|unit| unit.may_be_named = may_be_named);
    units.iter_mut().for_each(|unit| fetch_settings(unit, &files));
    units.iter_mut().for_each(switch_off);
    skipped.sort();
    let workloads = workloads::workloads(&units, &gathering, &launches);
    Workspace { units, skipped, workloads, ..Workspace::default() }
}

/// Takes note of the stacks that would configure themselves, and that the application's own settings switch off.
fn switch_off(unit: &mut Unit) {
    let Unit { stacks, settings, .. } = unit;
    for found in stacks.iter_mut().filter(|found| found.mode == Mode::AutoConfiguration) {
        let page = compiled().iter().map(|stack| stack.page).find(|page| page.id == found.stack);
        let names = page.map(|page| page.refused_by.as_slice()).unwrap_or_default();
        found.active &= !names.iter().any(|name| settings.refuses_everywhere(name));
    }
}

/// Completes the settings of a unit that fetches some of them when it starts.
fn fetch_settings(unit: &mut Unit, files: &[&ManifestFile]) {
    let fetching = compiled().iter().find(|stack| {
        let fetches = |d: &Dependency| d.is_running() && stack.page.fetches_settings.contains(&d.name);
        unit.stacks.iter().any(|found| found.stack == stack.page.id)
            && (unit.settings.import_unseen(&stack.page.imports_settings, files)
                || unit.dependencies.iter().any(fetches))
    });
    if let Some(stack) = fetching {
        unit.settings.fetch(&stack.page.application_name, files);
    }
}

/// What the build files of a workspace say.
struct Built {
    units: Vec<Unit>,
    /// Roots that only gather other modules.
    gathering: Vec<String>,
    /// What build files say about the start.
    launches: Vec<Launch>,
    /// The roots of the modules that each Java module is built with, by its own.
    reached: Reached,
}

/// Roots of modules, by the root of the module that is built with them.
type Reached = FxHashMap<String, Vec<String>>;

/// Units of all build systems.
fn build_units(files: &[&ManifestFile], skipped: &mut Vec<(String, String)>) -> Built {
    let mut units: Vec<Unit> = files
        .iter()
        .filter(|file| file_name(&file.path) == "go.mod")
        .map(|file| golang::read(&file.path, &file.text))
        .collect();
    for (root, project) in python::read(files, skipped) {
        units.push(Unit {
            name: project.name.unwrap_or_default(),
            root,
            dependencies: project.dependencies,
            ..Unit::loose(Language::Python)
        });
    }
    let (mut java, mut launches) = maven::read(files, skipped);
    let (modules, more) = gradle::read(files, skipped);
    launches.extend(more);
    let gathering = modules.iter().filter(|module| module.gathers).map(|module| module.unit.root.clone()).collect();
    let mut uses: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for module in modules {
        if !java.iter().any(|unit| unit.root == module.unit.root) {
            uses.insert(module.unit.root.clone(), module.uses);
            java.push(module.unit);
        }
    }
    let reached = reach_through(&mut java, uses);
    units.extend(java);
    Built { units, gathering, launches, reached }
}

/// Gives each Java unit the dependencies of the workspace's own modules that it uses.
fn reach_through(units: &mut [Unit], mut uses: FxHashMap<String, Vec<String>>) -> Reached {
    let by_name: FxHashMap<String, String> =
        units.iter().map(|unit| (format!("{}:{}", unit.module, unit.name), unit.root.clone())).collect();
    // A module that only a profile of the build puts into a program is a part of it all the same.
    let mut by_profile: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for unit in units.iter() {
        let named = |scope: &dyn Fn(&Dependency) -> bool| -> Vec<String> {
            let found = unit.dependencies.iter().filter(|d| scope(d));
            found.filter_map(|d| by_name.get(&d.name).cloned()).collect()
        };
        uses.entry(unit.root.clone()).or_default().extend(named(&|d| d.is_running()));
        by_profile.insert(unit.root.clone(), named(&|d| d.scope == Scope::Optional));
    }
    let own: BTreeMap<String, Vec<Dependency>> =
        units.iter().map(|unit| (unit.root.clone(), unit.dependencies.clone())).collect();
    let mut all = Reached::default();
    for unit in units {
        let reached = closure(&unit.root, &[&uses]);
        for dependency in
            reached[1..].iter().filter_map(|root| own.get(root)).flatten().filter(|d| d.scope == Scope::Direct)
        {
            if !unit.dependencies.iter().any(|known| known.name == dependency.name && known.is_running()) {
                unit.dependencies.push(Dependency { scope: Scope::Workspace, ..dependency.clone() });
            }
        }
        all.insert(unit.root.clone(), closure(&unit.root, &[&uses, &by_profile]).split_off(1));
    }
    all
}

/// A module and all that it leads to, by these ways.
fn closure(root: &str, ways: &[&FxHashMap<String, Vec<String>>]) -> Vec<String> {
    let mut reached = vec![root.to_owned()];
    let mut seen: FxHashSet<String> = reached.iter().cloned().collect();
    let mut at = 0;
    while let Some(from) = reached.get(at).cloned() {
        for next in ways.iter().filter_map(|way| way.get(&from)).flatten() {
            if seen.insert(next.clone()) {
                reached.push(next.clone());
            }
        }
        at += 1;
    }
    reached
}

/// A Java module that nothing starts and that says nothing of tracing runs in the programs that are built with it: what
/// traces all of them traces it.
fn give_to_modules(units: &mut [Unit], reached: &Reached) {
    // Whoever is built with a module that is built with another one is built with that one as well.
    let parts: FxHashSet<&str> = reached.values().flatten().map(String::as_str).collect();
    let mut programs: FxHashMap<&str, Vec<&Unit>> = FxHashMap::default();
    let is_program = |unit: &&Unit| unit.language == Language::Java && !parts.contains(unit.root.as_str());
    for unit in units.iter().filter(is_program) {
        for root in reached.get(&unit.root).into_iter().flatten() {
            programs.entry(root).or_default().push(unit);
        }
    }
    let mut given: Vec<(usize, Vec<StackUse>)> = Vec::new();
    for (at, module) in units.iter().enumerate() {
        if module.language != Language::Java || !module.stacks.is_empty() || !module.launchers.is_empty() {
            continue;
        }
        let Some((first, others)) = programs.get(module.root.as_str()).and_then(|found| found.split_first()) else {
            continue;
        };
        let in_all = |found: &&StackUse| {
            let same = |own: &StackUse| own.stack == found.stack && own.active;
            found.active && others.iter().all(|unit| unit.stacks.iter().any(same))
        };
        let shared = first.stacks.iter().filter(in_all).map(|found| StackUse {
            evidence: format!("{}, which is built with it, {}", first.name, found.evidence),
            ..found.clone()
        });
        given.push((at, shared.collect()));
    }
    for (at, stacks) in given {
        units[at].stacks = stacks;
    }
}

fn deployments(files: &[&ManifestFile], skipped: &mut Vec<(String, String)>) -> Vec<Launch> {
    let charts = helm::Charts::new(files);
    let filled: Vec<Cow<'_, ManifestFile>> = files.iter().map(|file| charts.filled(file)).collect();
    let mut cluster = cluster::Cluster::default();
    filled.iter().filter(|file| file.is_yaml()).for_each(|file| cluster.add(file));
    let mut out = Vec::new();
    for file in &filled {
        match launches(file, files, &cluster) {
            Ok(launches) => out.extend(launches),
            Err(reason) => skipped.push((file.path.clone(), reason)),
        }
    }
    out
}

/// What a deployment file starts, or why it could not be read.
fn launches(file: &ManifestFile, all: &[&ManifestFile], cluster: &cluster::Cluster) -> Result<Vec<Launch>, String> {
    let path = file.path.as_str();
    if docker::is_dockerfile(path) {
        Ok(vec![docker::read(path, &file.text)])
    } else if shell::is_script(path) {
        Ok(vec![shell::read(path, &file.text)])
    } else if crate::deploy::process::is_process(path) {
        Ok(process::of_machine(file))
    } else if crate::deploy::tasks::is_task(path) {
        process::of_tasks(file)
    } else if crate::deploy::terraform::is_terraform(path) {
        process::of_terraform(file, all)
    } else if !file.is_yaml() {
        Ok(Vec::new())
    } else if is_compose(path) {
        compose::read(file, &|path| all.iter().copied().find(|file| file.path == path))
    } else {
        Ok([
            kubernetes::read(file, cluster)?,
            resource::read(file)?,
            of_template(file)?,
            values::read(file).into_iter().collect(),
        ]
        .concat())
    }
}

/// The tasks in a template of CloudFormation.
fn of_template(file: &ManifestFile) -> Result<Vec<Launch>, String> {
    if file.text.contains("AWS::ECS::TaskDefinition") { process::of_tasks(file) } else { Ok(Vec::new()) }
}

/// A folder whose image runs Python is a project even without a manifest.
fn add_dockerfile_projects(units: &mut Vec<Unit>, launches: &[Launch]) {
    for launch in launches.iter().filter(|launch| docker::is_dockerfile(&launch.path)) {
        let root = folder(&launch.path);
        let python =
            launch.facts.iter().any(|fact| matches!(&fact.kind, FactKind::Command(text, _) if runs_python(text)));
        let able: Vec<&Unit> = units.iter().filter(|unit| unit.language == Language::Python).collect();
        let near = able
            .iter()
            .any(|unit| !unit.root.is_empty() && crate::paths::is_below(root, &unit.root) || unit.root == root);
        let known = Units { units, gathering: &[] };
        if python && !near && known.of(launch, &[Language::Python]).is_empty() {
            let (name, root) = (String::new(), root.to_owned());
            units.push(Unit { name, root, ..Unit::loose(Language::Python) });
        }
    }
}

fn runs_python(command: &str) -> bool {
    command.split_whitespace().any(|word| word.ends_with(".py") || knowledge::runs_python(file_name(word)))
}

/// Gives each launch, and what it shows, to its units; names units after their deployment.
fn attach(units: &mut [Unit], gathering: &[String], launches: &mut [Launch]) {
    let images: BTreeMap<String, Launch> = launches
        .iter()
        .filter(|launch| docker::is_dockerfile(&launch.path))
        .map(|launch| (launch.path.clone(), launch.clone()))
        .collect();
    let mut names: Vec<Vec<String>> = vec![Vec::new(); units.len()];
    for launch in launches.iter_mut() {
        let image = launch.dockerfile.as_ref().and_then(|path| images.get(path));
        if let Some(image) = image {
            launch.mentions.clone_from(&image.mentions);
            launch.fetches.clone_from(&image.fetches);
            launch.is_local = true;
        } else if launch.context.as_deref().is_some_and(|context| !context.is_empty()) {
            launch.is_local = true;
        }
    }
    // A Dockerfile that a compose file builds is read with the context that the compose file gives.
    let contexts: BTreeMap<String, String> =
        launches.iter().filter_map(|launch| Some((launch.dockerfile.clone()?, launch.context.clone()?))).collect();
    for launch in launches.iter_mut().filter(|launch| launch.dockerfile.is_none() && launch.context.is_none()) {
        launch.context = contexts.get(&launch.path).cloned();
    }
    let mut strays = Vec::new();
    for launch in launches.iter() {
        let known = Units { units, gathering };
        let all = known.of(launch, ALL);
        let shown: Vec<(Vec<usize>, StackUse)> = evidence::of(launch, &launch.fetches)
            .into_iter()
            .map(|found| (known.of(launch, found.languages), found.used))
            .collect();
        let is_sure = all.first().is_some_and(|at| known.is_sure(launch, *at));
        for at in &all {
            let starts = launch.facts.iter().any(is_start) || !launch.is_local;
            if starts && !units[*at].launchers.contains(&launch.path) {
                units[*at].launchers.push(launch.path.clone());
            }
            let commands = launch.facts.iter().filter(|fact| matches!(fact.kind, FactKind::Command(..)));
            units[*at].starts.extend(commands.map(|fact| (launch.path.clone(), fact.line)));
        }
        if let ([at], Some(name)) = (all.as_slice(), launch.names.first())
            && !docker::is_dockerfile(&launch.path)
            && is_sure
        {
            names[*at].push(name.clone());
        }
        for (whose, used) in shown {
            if whose.is_empty() && used.active && used.mode == Mode::Launcher {
                strays.push(used.clone());
            }
            for at in whose {
                if !units[at].stacks.contains(&used) {
                    units[at].stacks.push(used.clone());
                }
            }
        }
    }
    give_strays(units, &strays);
    for (unit, mut names) in units.iter_mut().zip(names) {
        names.sort();
        names.dedup();
        if let [name] = names.as_slice()
            && !is_template(name)
        {
            unit.name.clone_from(name);
        }
    }
}

/// Gives what starts services that no name tells (a chart fills them in) to the units that depend on it: they have the
/// launcher for that start.
fn give_strays(units: &mut [Unit], strays: &[StackUse]) {
    for used in strays {
        for unit in units.iter_mut() {
            let depends = of_dependencies(&unit.dependencies, unit.language).iter().any(|own| own.stack == used.stack);
            if depends && !unit.stacks.iter().any(|own| own.stack == used.stack && own.active) {
                unit.stacks.push(used.clone());
            }
        }
    }
}

fn is_start(fact: &Fact) -> bool {
    !matches!(fact.kind, FactKind::Build(_))
}

/// What the declared dependencies alone show.
fn of_dependencies(dependencies: &[Dependency], language: Language) -> Vec<StackUse> {
    let running: Vec<(&Dependency, Candidate<'_>)> =
        dependencies.iter().filter(|d| d.is_running()).map(|d| (d, Candidate::new(&d.name))).collect();
    compiled()
        .iter()
        .filter(|stack| stack.page.languages.contains(&language))
        .filter_map(|stack| of_stack(stack, &running, &|group| platform(dependencies, group)))
        .collect()
}

/// The stacks that a plugin of the build puts into the program.
fn of_plugins(unit: &Unit) -> Vec<StackUse> {
    let mut out = Vec::new();
    for stack in compiled().iter().filter(|stack| stack.page.languages.contains(&unit.language)) {
        let plugin = unit.dependencies.iter().find(|d| stack.page.build_plugins.contains(&d.name));
        let declares = |d: &Dependency| d.is_running() && stack.dependencies.is_match(&d.name);
        if let Some(found) = plugin.filter(|_| !unit.dependencies.iter().any(declares)) {
            let name = found.name.split(':').next().unwrap_or_default();
            out.push(StackUse {
                stack: stack.page.id.clone(),
                mode: if stack.page.auto_configuration { Mode::AutoConfiguration } else { Mode::Code },
                active: stack.page.auto_configuration,
                path: found.path.clone(),
                line: found.line,
                evidence: format!("built with {name}"),
            });
        }
    }
    out
}

/// The major and minor version of the dependencies of a group, where all that say one agree.
fn platform(dependencies: &[Dependency], group: &str) -> Option<(u32, u32)> {
    let of_group = |found: &&Dependency| found.name.strip_prefix(group).is_some_and(|rest| rest.starts_with(':'));
    let told = dependencies.iter().filter(of_group).filter(|found| !found.version.is_empty());
    let mut found = told.map(|found| crate::study::minor(&found.version));
    let first = found.next()??;
    found.all(|other| other == Some(first)).then_some(first)
}

/// The dependency that brings a stack with the version of the framework that a unit is built with.
fn brought<'d>(
    stack: &Compiled,
    running: &[(&'d Dependency, Candidate<'_>)],
    platform: &dyn Fn(&str) -> Option<(u32, u32)>,
) -> Option<&'d Dependency> {
    let is_it = |found: &&Dependency| {
        let mut named = stack.page.brought_by.iter().filter(|brought| brought.name == found.name);
        named.any(|brought| platform(&brought.platform).is_some_and(|version| brought.is_with(version)))
    };
    running.iter().map(|(found, _)| *found).find(is_it)
}

fn of_stack(
    stack: &Compiled,
    running: &[(&Dependency, Candidate<'_>)],
    platform: &dyn Fn(&str) -> Option<(u32, u32)>,
) -> Option<StackUse> {
    let declared =
        running.iter().find(|(_, name)| stack.dependencies.is_match_candidate(name)).map(|(found, _)| *found);
    let found = declared.or_else(|| brought(stack, running, platform))?;
    // What brings the stack brings all that it needs.
    let is_short = declared.is_some() && brought(stack, running, platform).is_none();
    let missing = stack.page.missing(|name| running.iter().any(|(d, _)| d.name == name), platform).filter(|_| is_short);
    let active = stack.page.auto_configuration && missing.is_none();
    let mode = if stack.page.auto_configuration { Mode::AutoConfiguration } else { Mode::Code };
    let evidence = match missing {
        Some(missing) => format!("depends on {}, but not on {missing}", found.name),
        None => format!("depends on {}", found.name),
    };
    Some(StackUse { stack: stack.page.id.clone(), mode, active, path: found.path.clone(), line: found.line, evidence })
}

#[cfg(test)]
mod tests;
