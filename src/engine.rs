//! The engine: walk, services and stacks, parse, link, rules: from a tree of files to findings.

use crate::analysis::{Analysis, AnalysisRequest, HopCounts, ServiceReport, Skipped, StackReport};
use crate::facts::{
    self, Collected, Facts, FormatsInCode, HopFacts, Implemented, Line, LoggedIds, NameInCode, ServiceFacts, Standing,
    Workload,
};
use crate::ir::{ExprKind, Language};
use crate::knowledge::Knowledge;
use crate::link::{Program, SourceFile};
use crate::map::Address;
use crate::parse::{self, Parsed, Relevance};
use crate::paths::is_below;
use crate::rules::{self, Verdicts, WhyReport};
use crate::services::{self, CitedLines, Environments, ManifestFile, Unit, Workspace};
use crate::study::{Study, UnitView};
use crate::walk::{self, ManifestPath, WalkOptions, Walked};
use rustc_hash::{FxHashMap, FxHashSet};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;
use ustr::Ustr;

/// Largest manifest or deployment file that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// Analyses one tree. Never fails: what cannot be read is told in the answer.
pub fn analyse(request: &AnalysisRequest) -> Analysis {
    let threads = request.threads.unwrap_or(0);
    let options = WalkOptions {
        is_manifest: services::is_manifest,
        is_deployment: services::is_deployment,
        exclude: request.config.exclude.clone(),
        exclude_base: Some(request.config.base_for(&request.root).to_path_buf()),
        threads,
        ..WalkOptions::default()
    };
    let walked = walk::walk(&request.root, &options);
    let mut skipped: Vec<Skipped> = walked.skipped.iter().map(skip).collect();
    let workspace = workspace(&walked, request, &mut skipped);
    let limits = parse::Limits {
        max_file_size: request.config.limits.max_file_size,
        parse_time: Duration::from_millis(request.config.limits.max_file_time_ms),
        ..parse::Limits::default()
    };
    let has_go = walked.sources.iter().any(|source| source.language == Language::Go);
    let relevance = if has_go { relevance(request) } else { Relevance::default() };
    let parsed = parse::parse_all(&walked.sources, &relevance, &limits, threads);
    skipped.extend(parsed.skipped.iter().map(skip));
    let analysed = !walked.sources.is_empty() || workspace.deployment.says_anything();
    let mut analysis = judge(parsed, workspace, request);
    analysis.skipped = skipped;
    analysis.skipped.sort();
    analysis.analysed = analysed;
    analysis
}

/// The Go packages by which a trace can travel: described libraries, the team's wrappers, and what the stacks import.
fn relevance(request: &AnalysisRequest) -> Relevance {
    let wrappers = crate::config::wrapper_knowledge(&request.config, Language::Go);
    let libraries = wrappers.as_ref().unwrap_or_else(|| Knowledge::built_in(Language::Go)).active_modules();
    let stacks = services::stacks().iter().flat_map(|stack| stack.imports.iter().cloned());
    Relevance::new(libraries.chain(stacks))
}

fn skip((path, reason): &(String, String)) -> Skipped {
    Skipped { path: path.clone(), reason: reason.clone() }
}

/// Applies the services that the configuration declares and that lie in this tree.
fn declare(found: &mut Workspace, walked: &Walked, request: &AnalysisRequest, skipped: &mut Vec<Skipped>) {
    let config = &request.config;
    for entry in &config.services {
        let Some(root) = config.folder_in(&request.root, &entry.root) else { continue };
        let sources = walked.sources.iter().map(|source| (source.language, source.relative.as_str()));
        if !services::declare(found, entry, &root, &config.file, sources) {
            let reason = format!("service `{}`: no Go, Python or Java sources in `{}`", entry.name, entry.root);
            skipped.push(Skipped { path: config.file.clone(), reason });
        }
    }
}

fn workspace(walked: &Walked, request: &AnalysisRequest, skipped: &mut Vec<Skipped>) -> Workspace {
    let mut files = Vec::new();
    for manifest in &walked.manifests {
        match read_manifest(manifest) {
            Ok(text) => files.push(ManifestFile::new(&manifest.relative, text)),
            Err(reason) => skipped.push(Skipped { path: manifest.relative.clone(), reason }),
        }
    }
    let mut found = services::discover(&files);
    skipped.extend(found.skipped.iter().map(skip));
    declare(&mut found, walked, request, skipped);
    for language in [Language::Go, Language::Python, Language::Java] {
        let sources = || walked.sources.iter().filter(|source| source.language == language);
        let homeless = sources().any(|source| home(&found.units, language, &source.relative).is_none());
        if homeless {
            found.units.push(Unit::loose(language));
        }
    }
    found.lines = CitedLines::new(&files, &found.units);
    found.deployment = crate::deploy::read(&files);
    services::proxied::attach(&mut found.workloads, &files, &found.deployment);
    found.environments = Environments::new(&files, &found.units, &found.workloads, &found.deployment);
    for (path, reason) in &found.deployment.skipped {
        // Who asks for what a file starts may have told it already.
        if !skipped.iter().any(|known| known.path == *path) {
            skipped.push(Skipped { path: path.clone(), reason: reason.clone() });
        }
    }
    found
}

fn read_manifest(manifest: &ManifestPath) -> Result<String, String> {
    if manifest.size > MAX_MANIFEST {
        return Err(format!("larger than {MAX_MANIFEST} bytes"));
    }
    let file = std::fs::File::open(&manifest.absolute).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    let mut bytes = Vec::new();
    file.take(MAX_MANIFEST).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// The innermost unit of a language that holds a file.
fn home(units: &[Unit], language: Language, path: &str) -> Option<usize> {
    let holds = |unit: &Unit| {
        unit.root.is_empty() || path.strip_prefix(unit.root.as_str()).is_some_and(|rest| rest.starts_with('/'))
    };
    units
        .iter()
        .enumerate()
        .filter(|(_, unit)| unit.language == language && holds(unit))
        .max_by_key(|(_, unit)| unit.root.len())
        .map(|(at, _)| at)
}

/// The unit whose code a file is: of what lies in no unit's folder, the first whose image holds it.
fn owner(workspace: &Workspace, language: Language, path: &str) -> Option<usize> {
    let units = &workspace.units;
    let home = home(units, language, path)?;
    let is_loose = units[home].root.is_empty() && units[home].dependencies.is_empty();
    if !is_loose || workspace.workloads.iter().any(|workload| workload.runs.iter().any(String::is_empty)) {
        return Some(home);
    }
    let mut holders =
        workspace.workloads.iter().filter(|workload| workload.copies.iter().any(|copied| is_below(path, copied)));
    let runs = |root: &String| units.iter().position(|unit| unit.language == language && unit.root == *root);
    Some(holders.find_map(|workload| workload.runs.iter().find_map(runs)).unwrap_or(home))
}

fn judge(parsed: Parsed, mut workspace: Workspace, request: &AnalysisRequest) -> Analysis {
    let mut sources: Vec<SourceFile> = Vec::with_capacity(parsed.files.len());
    let aside = parsed.aside;
    let unread = parsed.unread();
    for file in parsed.files {
        if let Some(unit) = owner(&workspace, file.facts.language, &file.path) {
            sources.push(SourceFile { path: file.path, facts: file.facts, unit });
        }
    }
    name_loose_module(&mut workspace, &sources);
    let roots: Vec<(String, String)> =
        workspace.units.iter().map(|unit| (unit.root.clone(), unit.module.clone())).collect();
    let mut units: Vec<UnitView> = workspace.units.iter().map(UnitView::new).collect();
    let mut analysis = Analysis { files: sources.len() + aside, ..Analysis::default() };
    let mut verdicts = Verdicts::default();
    let mut collected: Vec<Collected> = Vec::new();
    let collects = request.facts || may_mismatch(&workspace, &sources);
    for language in [Language::Go, Language::Python, Language::Java] {
        let own: Vec<&SourceFile> = sources.iter().filter(|source| source.facts.language == language).collect();
        if !own.is_empty() {
            let told = judge_language(
                language,
                &own,
                &roots,
                (&mut units, &workspace.environments, &unread),
                (request, collects),
                &mut verdicts,
            );
            analysis.why = analysis.why.or(told.why);
            collected.extend(told.hops);
        }
    }
    analysis.directives = sources
        .iter()
        .filter(|source| !source.facts.directives.is_empty())
        .map(|source| (source.path, source.facts.directives.clone()))
        .collect();
    analysis.directives.extend(workspace.deployment.directives.iter().cloned());
    analysis.services = reports(&units, &sources, &verdicts);
    if collects {
        let found =
            Facts { workloads: workloads(&workspace, &sources), ..facts(&analysis.services, collected, &units) };
        let all = [found];
        rules::edges::check(&crate::map::mismatches(&all), &sources, &workspace.deployment, &mut verdicts);
        analysis.facts = all.into_iter().next().filter(|_| request.facts);
    }
    if let Some(found) = &mut analysis.facts {
        found.forget_variables(&|variable| {
            services::is_of_tracing(&variable.name) || holds_address(&variable.name, &variable.value)
        });
    }
    let deployment = (&workspace.deployment, workspace.workloads.as_slice(), &workspace.environments);
    rules::workspace(&units, &sources, &workspace.lines, deployment, &mut verdicts);
    if let Some((why, query)) = analysis.why.as_mut().zip(request.why.as_ref()) {
        why.findings = rules::findings_at(&verdicts.findings, &sources, query);
    }
    analysis.findings = verdicts.findings;
    analysis
}

/// Gives Go code that no manifest holds the import path that its own imports tell.
fn name_loose_module(workspace: &mut Workspace, sources: &[SourceFile]) {
    let is_loose = |unit: &Unit| unit.language == Language::Go && unit.root.is_empty() && unit.module.is_empty();
    let Some(at) = workspace.units.iter().position(is_loose) else { return };
    let own = sources.iter().filter(|source| source.unit == at);
    let imports =
        |source: &SourceFile| source.facts.imports.iter().map(|import| import.target.as_str()).collect::<Vec<_>>();
    let found = services::module_by_imports(own.map(|source| (source.path.as_str(), imports(source))));
    if let Some((unit, module)) = workspace.units.get_mut(at).zip(found) {
        unit.module = module;
    }
}

/// Whether services may speak different formats, by what files import and processes are told: only then is it worth a map.
fn may_mismatch(workspace: &Workspace, sources: &[SourceFile]) -> bool {
    let mut units: Vec<usize> = sources.iter().map(|source| source.unit).collect();
    units.dedup();
    let mut variables = workspace.workloads.iter().flat_map(|workload| &workload.environment);
    units.iter().any(|unit| units.first() != Some(unit))
        && (variables.any(facts::names_others) || sources.iter().any(|source| facts::may_set_others(&source.facts)))
}

fn judge_language(
    language: Language,
    sources: &[&SourceFile],
    roots: &[(String, String)],
    (units, environments, unread): (&mut [UnitView], &Environments, &[Ustr]),
    (request, collects): (&AnalysisRequest, bool),
    verdicts: &mut Verdicts,
) -> Told {
    let own;
    let knowledge = match crate::config::wrapper_knowledge(&request.config, language) {
        Some(wrappers) => {
            own = wrappers;
            &own
        }
        None => Knowledge::built_in(language),
    };
    let program = Program::new(language, knowledge, sources, roots);
    crate::study::code_evidence(&program, units);
    let root = request.root.clone();
    let source = move |path: Ustr| read_source(&root, path);
    let mut study = Study::new(&program, units, environments, &source);
    let is_own = |path: &&Ustr| Language::of_path(Path::new(path.as_str())) == Some(language);
    study.unread = unread.iter().filter(is_own).copied().collect();
    let found = rules::check(&study, request.why.is_some() || collects);
    verdicts.hops.extend(found.hops);
    verdicts.allow_lists.extend(found.allow_lists);
    let notes = found.notes.unwrap_or_default();
    let hops = collects.then(|| facts::hops(&study, &notes, &found.findings));
    verdicts.findings.extend(found.findings);
    let why = request.why.as_ref().and_then(|query| {
        let why = rules::explain(&study, query, &notes)?;
        let unit = sources.iter().find(|source| source.path == query.path.as_str()).map(|source| source.unit)?;
        Some(WhyReport { stacks: stacks(units.get(unit)?).collect(), ..why })
    });
    Told { why, hops }
}

/// What is told of one language beside the findings, where it is asked for.
struct Told {
    why: Option<WhyReport>,
    hops: Option<Collected>,
}

/// The processes of a workspace, with the roots of what they run as services are shown. A variable that a process is given
/// in common with others is its own where its code names it.
fn workloads(workspace: &Workspace, sources: &[SourceFile]) -> Vec<Workload> {
    let mut out = workspace.workloads.clone();
    let wanted = out.iter().flat_map(|workload| &workload.environment).filter(|variable| variable.common);
    let wanted: FxHashSet<Ustr> = wanted.filter_map(|variable| Ustr::from_existing(&variable.name)).collect();
    let mut named: FxHashSet<(&str, Ustr)> = FxHashSet::default();
    for source in sources.iter().filter(|_| !wanted.is_empty()) {
        let root = workspace.units.get(source.unit).map_or("", |unit| unit.root.as_str());
        let texts = source.facts.exprs.iter().filter_map(|expr| match &expr.kind {
            ExprKind::Str(text) if wanted.contains(text) => Some(*text),
            _ => None,
        });
        named.extend(texts.map(|text| (root, text)));
    }
    for workload in &mut out {
        workload.stacks = unread_stacks(workload, workspace, sources);
        for variable in workload.environment.iter_mut().filter(|variable| variable.common) {
            let is_named = |name: Ustr| workload.runs.iter().any(|root| named.contains(&(root.as_str(), name)));
            variable.common = !Ustr::from_existing(&variable.name).is_some_and(is_named);
        }
        for root in workload.runs.iter_mut().filter(|root| root.is_empty()) {
            ".".clone_into(root);
        }
    }
    out
}

/// What the deployment files switch on around a process none of whose code was read, as it is in another language.
fn unread_stacks(workload: &Workload, workspace: &Workspace, sources: &[SourceFile]) -> Vec<StackReport> {
    let is_read = |unit: usize| sources.iter().any(|source| source.unit == unit);
    let own =
        workspace.units.iter().enumerate().filter(|(at, unit)| workload.runs.contains(&unit.root) && !is_read(*at));
    let outside = [services::Mode::Agent, services::Mode::Launcher];
    let active = own.flat_map(|(_, unit)| &unit.stacks).filter(|found| found.active && outside.contains(&found.mode));
    active.map(reported).collect()
}

/// The hops of each service, with who is at their other ends.
fn facts(services: &[ServiceReport], collected: Vec<Collected>, units: &[UnitView]) -> Facts {
    let mut out = Facts { version: facts::VERSION, ..Facts::default() };
    let mut hops: FxHashMap<usize, Vec<HopFacts>> = FxHashMap::default();
    let mut implements: FxHashMap<usize, Vec<Implemented>> = FxHashMap::default();
    let mut called: FxHashMap<usize, Vec<NameInCode>> = FxHashMap::default();
    let mut formats: FxHashMap<usize, FormatsInCode> = FxHashMap::default();
    let mut spans: FxHashMap<usize, usize> = FxHashMap::default();
    let mut entered: FxHashSet<usize> = FxHashSet::default();
    for found in collected {
        hops.extend(found.hops);
        implements.extend(found.implements);
        called.extend(found.called);
        formats.extend(found.formats);
        spans.extend(found.spans_to_end);
        entered.extend(found.entered);
    }
    for (at, unit) in units.iter().enumerate() {
        let is_it = |service: &&ServiceReport| service.root == shown_root(unit) && service.language == unit.language;
        let Some(service) = services.iter().find(is_it) else { continue };
        let crossings = hops.remove(&at).unwrap_or_default();
        out.services.push(ServiceFacts {
            service: ServiceReport { hops: counted(&crossings), ..service.clone() },
            crossings,
            names: services::called(&unit.settings).into_iter().collect(),
            called: called.remove(&at).unwrap_or_default(),
            entered: entered.contains(&at),
            formats: formats.remove(&at),
            logged: rules::printed(unit)
                .map(|found| LoggedIds { path: found.place.path.to_string(), line: found.line }),
            spans_to_end: spans.remove(&at).unwrap_or_default(),
            routes: unit.settings.routes(),
            implements: implements.remove(&at).unwrap_or_default(),
            starts: unit.starts.iter().map(|(path, line)| Line { path: path.clone(), line: *line }).collect(),
        });
    }
    out
}

/// How hops stand: those in generated code that nobody uses are none.
fn counted(hops: &[HopFacts]) -> HopCounts {
    let of = |standing| hops.iter().filter(|hop| hop.standing == standing).count();
    HopCounts { carried: of(Standing::Carried), broken: of(Standing::Broken), unknown: of(Standing::Unknown) }
}

/// Whether a variable gives an address.
fn holds_address(name: &str, value: &str) -> bool {
    let is_whole = |found: &Address| found.port.is_some() || value.contains("://") || !value.contains(':');
    crate::map::given(name, value).is_some_and(|found| is_whole(&found))
}

/// A unit's root for people.
fn shown_root(unit: &UnitView) -> &str {
    if unit.root.is_empty() { "." } else { &unit.root }
}

fn read_source(root: &Path, path: Ustr) -> Option<String> {
    parse::read_source(&root.join(path.as_str()), &parse::Limits::default()).ok()
}

/// What traces a unit.
fn stacks(unit: &UnitView) -> impl Iterator<Item = StackReport> {
    let sign = unit.sign.iter().filter(|_| unit.stacks.is_empty());
    unit.stacks.iter().chain(sign).map(reported)
}

/// A stack as it is shown.
fn reported(found: &services::StackUse) -> StackReport {
    StackReport {
        stack: found.stack.clone(),
        title: services::title_of(&found.stack).to_owned(),
        mode: found.mode,
        active: found.active,
        path: found.path.clone(),
        line: found.line,
        evidence: found.evidence.clone(),
    }
}

fn reports(units: &[UnitView], sources: &[SourceFile], verdicts: &Verdicts) -> Vec<ServiceReport> {
    let mut out = Vec::new();
    for (at, unit) in units.iter().enumerate() {
        if !sources.iter().any(|source| source.unit == at) {
            continue;
        }
        out.push(ServiceReport {
            name: unit.name.clone(),
            root: shown_root(unit).to_owned(),
            language: unit.language,
            stacks: stacks(unit).collect(),
            hops: verdicts.hops.get(&at).copied().unwrap_or_default(),
        });
    }
    out
}
