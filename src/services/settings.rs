//! What the files of settings beside a Java program say (`application.yml`, `application.properties`).
//!
//! Source: <https://docs.spring.io/spring-boot/reference/features/external-config.html>: names are compared without case,
//! dashes and underscores, and any of them may be given from outside as a variable.

use super::manifest::is_yaml;
use super::stacks::stacks;
use super::workloads::{may_be_secret, without_secrets};
use super::{ManifestFile, Scope, Unit};
use crate::facts::{Text, plain};
use crate::finding::Place;
use crate::ir::{Language, Span};
use crate::paths::{file_name, folder, is_below};
use crate::yaml::{Node, Value};
use std::collections::BTreeSet;
use std::sync::Arc;
use ustr::Ustr;

/// The largest file of settings that is looked at.
const MAX_SIZE: usize = 256 * 1024;

/// How the name of a switch ends.
const SWITCH: &str = "enabled";

/// How the name of a share of traces ends.
const SHARE: &str = "probability";

/// Plain names and values.
type Pairs = Vec<(String, String)>;

/// One setting in a file.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// Its whole name, plain.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
    /// Where the value begins, and where it ends if that is known.
    pub(super) span: Span,
}

/// What is known of an application's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Names (plain: lower case, letters and digits only) and values, of the unit and of the modules that it uses.
    told: Pairs,
    /// The unit's own files.
    paths: Vec<String>,
    /// Plain names of the switches that a file of its own, which counts in every profile, throws off.
    off: BTreeSet<String>,
    /// Plain names of switches and shares that other files mention.
    elsewhere: Arc<BTreeSet<String>>,
    /// Part of the settings comes from where the workspace does not show.
    remote: bool,
    /// The settings of the unit's own files that say where spans are sent to, by their names in the pages of the stacks.
    addresses: Vec<(&'static str, Place)>,
}

/// What an application is told by a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is on.
    On,
    /// Nothing sets it, or it is off: the default of a switch.
    Off,
    /// It may be set where that is not seen.
    Unknown,
}

impl Settings {
    /// The settings of the unit's own files that say where spans are sent to, and where they stand.
    pub fn addresses(&self) -> &[(&'static str, Place)] {
        &self.addresses
    }

    /// What a switch of this name is set to.
    pub fn switch(&self, name: &str) -> Told {
        let plain = plain(name);
        match self.told.iter().rev().find(|(known, _)| *known == plain) {
            Some((_, value)) if value.trim().eq_ignore_ascii_case("false") => Told::Off,
            Some(_) => Told::On,
            None if self.paths.is_empty() || self.remote => Told::Unknown,
            None if self.is_told_elsewhere(&plain) => Told::Unknown,
            None => Told::Off,
        }
    }

    /// Whether a setting of this name may be set: here, or where that is not seen.
    pub fn may_be_told(&self, name: &str) -> bool {
        let plain = plain(name);
        self.remote || self.told.iter().any(|(known, _)| *known == plain) || self.is_told_elsewhere(&plain)
    }

    /// Whether the application itself says no, and nothing elsewhere speaks of it.
    pub fn refuses(&self, name: &str) -> bool {
        self.denies(name) && !self.is_told_elsewhere(&plain(name))
    }

    /// Whether the application itself says no, whatever is said elsewhere.
    pub fn denies(&self, name: &str) -> bool {
        let plain = plain(name);
        let told = self.told.iter().rev().find(|(known, _)| *known == plain);
        told.is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("false"))
    }

    /// Whether the application says no in every profile, and nothing that is seen says anything else.
    pub fn refuses_everywhere(&self, name: &str) -> bool {
        let plain = plain(name);
        let all_say_no = || {
            let mut told = self.told.iter().filter(|(known, _)| *known == plain);
            told.all(|(_, value)| value.trim().eq_ignore_ascii_case("false"))
        };
        !self.remote && self.off.contains(&plain) && all_say_no() && !self.is_told_elsewhere(&plain)
    }

    /// Whether another file mentions a switch of this plain name.
    fn is_told_elsewhere(&self, plain: &str) -> bool {
        self.elsewhere.iter().any(|word| plain.ends_with(word.as_str()) || word.ends_with(plain))
    }

    /// What the application itself says that a setting is, without what proves who somebody is; `None` where it says
    /// nothing, and for what may be a secret.
    pub fn value(&self, name: &str) -> Option<String> {
        if may_be_secret(name) {
            return None;
        }
        let plain = plain(name);
        let told = self.told.iter().rev().find(|(known, _)| *known == plain);
        told.map(|(_, value)| without_secrets(value.trim().trim_matches(['"', '\''])))
    }

    /// The addresses of the services that the application sends requests on to by its settings.
    pub fn routes(&self) -> Vec<Text> {
        let is_route = |name: &str| name.contains("routes") && name.ends_with("uri");
        let found = self.told.iter().filter(|(name, _)| is_route(name)).map(|(_, value)| value.trim());
        let texts = found.map(|value| Text::written(&without_secrets(value)).told(&|name| self.value(name)));
        let out: BTreeSet<Text> = texts.collect();
        out.into_iter().collect()
    }

    /// The file in which a setting would stand.
    pub fn path(&self) -> Option<&str> {
        self.paths.first().map(String::as_str)
    }

    /// Whether a setting whose name starts like one of these takes others from where the workspace does not show.
    pub(super) fn import_unseen(&self, names: &[String], files: &[&ManifestFile]) -> bool {
        let is_named = |known: &str| names.iter().any(|name| known.starts_with(&plain(name)));
        let mut imports = self.told.iter().filter(|(known, _)| is_named(known));
        imports.any(|(_, from)| from.split([',', ';']).any(|place| !is_near(place, files)))
    }

    /// Takes note that a server hands out part of the settings, and reads them where the workspace has its files: named
    /// after the application, which the setting `name` says, beside one for all.
    pub(super) fn fetch(&mut self, name: &str, files: &[&ManifestFile]) {
        let name = plain(name);
        let own = self.told.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let of_all = own.map(|own| handed_out(&own, files)).unwrap_or_default();
        let read: Option<Vec<Pairs>> = of_all.iter().map(|file| pairs(file)).collect();
        match read {
            Some(read) if !read.is_empty() => self.told.extend(read.into_iter().flatten()),
            _ => self.remote = true,
        }
    }
}

/// Whether a place from which settings are imported is a file of the workspace, or one that need not be there: what a
/// machine has in such a file (`optional:file:.env[.properties]`), it may as well have in its environment.
fn is_near(place: &str, files: &[&ManifestFile]) -> bool {
    let place = place.trim().trim_matches(['"', '\'']);
    let whole = place.strip_prefix("optional:");
    let Some((scheme, path)) = whole.unwrap_or(place).split_once(':') else { return false };
    let is_file = matches!(scheme, "file" | "classpath");
    let name = file_name(path.split('[').next().unwrap_or(path));
    is_file && (whole.is_some() || files.iter().any(|file| file_name(&file.path) == name))
}

/// The files that a server of settings hands out to an application of this name.
fn handed_out<'a>(name: &str, files: &[&'a ManifestFile]) -> Vec<&'a ManifestFile> {
    let kept = |path: &str| folder(path).split('/').any(|part| part.contains("config") || part == "resources");
    let stem = |path: &'a str| {
        let (stem, end) = file_name(path).rsplit_once('.')?;
        matches!(end, "yml" | "yaml" | "properties").then_some(stem)
    };
    let held = || files.iter().copied().filter(|file| kept(&file.path) && file.text.len() <= MAX_SIZE);
    let homes: BTreeSet<&str> =
        held().filter(|file| stem(&file.path) == Some(name)).map(|file| folder(&file.path)).collect();
    let wanted = |file: &&ManifestFile| {
        let stem = file_name(&file.path).rsplit_once('.').map(|(stem, _)| stem);
        homes.contains(folder(&file.path)) && (stem == Some(name) || stem == Some("application"))
    };
    held().filter(wanted).collect()
}

/// Whether a file holds an application's settings, by its name.
pub(super) fn is_settings(path: &str) -> bool {
    let name = file_name(path);
    let stem = ["application", "bootstrap"].iter().any(|start| name.starts_with(start));
    stem && (name.ends_with(".properties") || is_yaml(name))
}

/// Whether a file may hold settings that an application's code names: what it says counts as said elsewhere.
pub(super) fn is_resource(path: &str) -> bool {
    file_name(path).ends_with(".properties") && folder(path).ends_with("src/main/resources")
}

/// Gives each Java unit its settings.
pub(super) fn attach(units: &mut [Unit], files: &[&ManifestFile]) {
    if !units.iter().any(|unit| unit.language == Language::Java) {
        return;
    }
    let mut elsewhere = BTreeSet::new();
    let mut read: Vec<(usize, &ManifestFile)> = Vec::new();
    for file in files.iter().copied().filter(|file| !crate::walk::is_test_path(&file.path, Language::Java)) {
        match owner(units, &file.path).filter(|_| is_settings(&file.path) && file.text.len() <= MAX_SIZE) {
            Some(unit) => read.push((unit, file)),
            None => elsewhere.extend(switches(&file.text)),
        }
    }
    let told: Vec<(usize, Option<Pairs>)> = read.iter().map(|(unit, file)| (*unit, pairs(file))).collect();
    let elsewhere = Arc::new(elsewhere);
    let roots: Vec<String> = units.iter().map(|unit| unit.root.clone()).collect();
    for (at, unit) in units.iter_mut().enumerate().filter(|(_, unit)| unit.language == Language::Java) {
        let used: BTreeSet<&str> =
            unit.dependencies.iter().filter(|d| d.scope == Scope::Workspace).map(|d| folder(&d.path)).collect();
        let of_unit = |owner: usize| owner == at || roots.get(owner).is_some_and(|root| used.contains(root.as_str()));
        unit.settings = Settings {
            told: told
                .iter()
                .filter(|(owner, _)| of_unit(*owner))
                .flat_map(|(_, found)| found.clone().unwrap_or_default())
                .collect(),
            off: read.iter().filter(|(owner, _)| *owner == at).flat_map(|(_, file)| thrown_off(file)).collect(),
            paths: read.iter().filter(|(owner, _)| *owner == at).map(|(_, file)| file.path.clone()).collect(),
            elsewhere: Arc::clone(&elsewhere),
            remote: told.iter().any(|(owner, found)| of_unit(*owner) && found.is_none()),
            addresses: read.iter().filter(|(owner, _)| *owner == at).flat_map(|(_, file)| addresses(file)).collect(),
        };
    }
}

/// The plain names of the switches that a file throws off in every profile: neither it nor the part of it that says so is
/// for one.
fn thrown_off(file: &ManifestFile) -> Vec<String> {
    let stem = file_name(&file.path).rsplit_once('.').map(|(stem, _)| stem);
    if !matches!(stem, Some("application" | "bootstrap")) {
        return Vec::new();
    }
    let parts: Vec<Vec<Setting>> = match file.is_yaml() {
        true => file.documents().unwrap_or_default().iter().map(settings_of).collect(),
        false if file.text.contains("#---") => Vec::new(),
        false => read(file).into_iter().collect(),
    };
    let of_profile = |found: &Setting| found.name.starts_with("springconfigactivate") || found.name == "springprofiles";
    let off = |found: &Setting| found.name.ends_with(SWITCH) && found.value.trim().eq_ignore_ascii_case("false");
    let always = parts.into_iter().filter(|part| !part.iter().any(of_profile)).flatten();
    always.filter(off).map(|found| found.name).collect()
}

fn settings_of(document: &Node) -> Vec<Setting> {
    let mut out = Vec::new();
    flatten(String::new(), document, &mut out);
    out
}

/// The innermost Java unit whose sources a file of settings lies beside.
pub(super) fn owner(units: &[Unit], path: &str) -> Option<usize> {
    let holds = |unit: &Unit| unit.language == Language::Java && is_below(path, &unit.root);
    let found = (0..units.len()).filter(|at| holds(&units[*at])).max_by_key(|at| units[*at].root.len())?;
    let rest = path.strip_prefix(units[found].root.as_str())?.trim_start_matches('/');
    // A folder of settings that a server of settings hands out belongs to others.
    let beside = folder(rest);
    (matches!(beside, "" | "config") || beside.starts_with("src/main/")).then_some(found)
}

/// The settings in a file that say where spans are sent to.
fn addresses(file: &ManifestFile) -> Vec<(&'static str, Place)> {
    let known = || stacks().iter().flat_map(|page| &page.address_settings).map(|setting| setting.name.as_str());
    let found = read(file).unwrap_or_default().into_iter();
    let place = |span| Place { path: Ustr::from(&file.path), span };
    found.filter_map(|found| Some((known().find(|name| plain(name) == found.name)?, place(found.span)))).collect()
}

/// The names and values in a file, or `None` for one that cannot be read.
fn pairs(file: &ManifestFile) -> Option<Pairs> {
    Some(read(file)?.into_iter().map(|found| (found.name, found.value)).collect())
}

/// The settings in a file, or `None` for one that cannot be read.
pub(super) fn read(file: &ManifestFile) -> Option<Vec<Setting>> {
    let mut out = Vec::new();
    if file.is_yaml() {
        file.documents().ok()?.iter().for_each(|document| flatten(String::new(), document, &mut out));
        return Some(out);
    }
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        if !line.trim_start().starts_with(['#', '!'])
            && let Some((name, value)) = line.split_once(['=', ':'])
        {
            let at = start + (line.len() - value.trim_start().len());
            let value = value.trim();
            out.push(Setting { name: plain(name), value: value.to_owned(), span: Span::new(at, at + value.len()) });
        }
        start += line.len();
    }
    Some(out)
}

/// The leaves of a YAML document under their whole names; its depth is limited by the reader.
fn flatten(name: String, node: &Node, out: &mut Vec<Setting>) {
    match &node.value {
        Value::Map(entries) => {
            for (key, inner) in entries {
                flatten(format!("{name}{}", plain(&key.text)), inner, out);
            }
        }
        Value::List(items) if items.iter().any(Node::is_map) => {
            for (at, inner) in items.iter().enumerate() {
                flatten(format!("{name}{at}"), inner, out);
            }
        }
        _ => out.extend(node.line().map(|value| Setting { name, value, span: node.span })),
    }
}

/// The plain names of switches and shares that a text mentions, however it is written.
fn switches(text: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for word in text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "._-".contains(letter))) {
        // A share's last word stands alone in nested settings, and for little else.
        let ends = |end: &str, least: usize| {
            word.len() >= least
                && word.len() < 200
                && word.as_bytes()[word.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        };
        if ends(SWITCH, SWITCH.len() + 1) || ends(SHARE, SHARE.len()) {
            out.insert(plain(word));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(files: &[(&str, &str)]) -> Settings {
        let mut unit = Unit::loose(Language::Java);
        unit.root = "orders".to_owned();
        let files: Vec<ManifestFile> = files.iter().map(|(path, text)| ManifestFile::new(*path, *text)).collect();
        let mut units = vec![unit];
        attach(&mut units, &files.iter().collect::<Vec<_>>());
        units.remove(0).settings
    }

    #[test]
    fn names_are_compared_plainly() {
        let yaml = "a:\n  b-c:\n    watch-enabled: true\n---\nd.e-enabled: 'false'\n";
        let found = settings(&[("orders/src/main/resources/application.yml", yaml)]);
        assert_eq!(found.switch("a.b-c.watch-enabled"), Told::On);
        assert_eq!(found.switch("a.bC.watchEnabled"), Told::On);
        assert_eq!(found.switch("d.e-enabled"), Told::Off);
        assert_eq!(found.switch("f.watch-enabled"), Told::Off);
        let lines = "# x\na.watch-enabled = true\n";
        let found = settings(&[("orders/src/main/resources/application.properties", lines)]);
        assert_eq!(found.switch("a.watch-enabled"), Told::On);
    }

    #[test]
    fn what_is_set_elsewhere_is_unknown() {
        let own = ("orders/src/main/resources/application.yml", "a: b\n");
        assert_eq!(settings(&[]).switch("a.watch-enabled"), Told::Unknown);
        let deployed = ("deploy/orders.yaml", "env:\n- name: A_WATCH_ENABLED\n  value: 'true'\n");
        assert_eq!(settings(&[own, deployed]).switch("a.watch-enabled"), Told::Unknown);
        let refusing = ("orders/src/main/resources/application.yml", "a.watch-enabled: false\n");
        assert!(settings(&[refusing]).refuses("a.watch-enabled"));
        assert!(!settings(&[refusing, deployed]).refuses("a.watch-enabled"));
        assert!(!settings(&[own]).refuses("a.watch-enabled"));
        let shared = ("shared/orders.yml", "a:\n  watch-enabled: true\n");
        assert_eq!(settings(&[own, shared]).switch("a.watch-enabled"), Told::Unknown);
        let named = ("config/src/main/resources/orders-config.properties", "a.watch-enabled=true\n");
        assert_eq!(settings(&[own, named]).switch("a.watch-enabled"), Told::Unknown);
        assert!(is_resource(named.0) && !is_resource("orders/src/test/resources/a.properties"));
        let nested = ("deploy/map.yml", "data:\n  application.yml: |\n    a:\n      watch:\n        probability: 1\n");
        assert!(settings(&[own, nested]).may_be_told("a.watch.probability"));
        assert!(!settings(&[own]).may_be_told("a.watch.probability"));
        let tested = ("orders/src/test/resources/application.yml", "a:\n  watch-enabled: true\n");
        assert_eq!(settings(&[own, tested]).switch("a.watch-enabled"), Told::Off);
    }

    #[test]
    fn a_switch_is_off_everywhere_where_no_profile_is_asked() {
        let off = |files: &[(&str, &str)]| settings(files).refuses_everywhere("a.watch-enabled");
        let main = "orders/src/main/resources/application.yml";
        let of_profile = "orders/src/main/resources/application-dev.yml";
        let no = "a.watch-enabled: false\n";
        assert!(off(&[(main, no)]));
        assert!(off(&[(main, "a.watch-enabled: false\n---\nspring.config.activate.on-profile: dev\nb: c\n")]));
        assert!(!off(&[(main, "b: c\n---\nspring.config.activate.on-profile: dev\na.watch-enabled: false\n")]));
        assert!(!off(&[(main, "b: c\n"), (of_profile, no)]));
        assert!(!off(&[(main, no), (of_profile, "a.watch-enabled: true\n")]));
        assert!(!off(&[(main, no), ("deploy/orders.yaml", "- name: A_WATCH_ENABLED\n  value: 'true'\n")]));
    }

    #[test]
    fn files_that_need_not_be_there_are_like_the_environment() {
        let held = ManifestFile::new("orders/src/main/resources/stores.yml", "b: c\n");
        let is_unseen = |from: &str| {
            let own = format!("a.import={from}\n");
            let found = settings(&[("orders/src/main/resources/application.properties", &own)]);
            found.import_unseen(&["a.import".to_owned()], &[&held])
        };
        assert!(!is_unseen("optional:file:.env[.properties]") && !is_unseen("optional:classpath:secrets.properties"));
        assert!(!is_unseen("classpath:stores.yml, optional:file:./local.yml"));
        assert!(is_unseen("classpath:shared.yml") && is_unseen("file:/etc/orders.yml"));
        assert!(is_unseen("optional:configserver:") && is_unseen("optional:file:.env[.properties],vault://"));
    }

    #[test]
    fn what_a_server_hands_out_is_read_where_it_is() {
        let named = ("orders/src/main/resources/application.yml", "app.name: orders\n");
        let held = |path: &str| ManifestFile::new(path, "a.watch-enabled: true\n");
        let (own, other) = (held("server/config/orders.yml"), held("server/config/bills.yml"));
        let mut found = settings(&[named]);
        let unseen = |name: &str| found.import_unseen(&[name.to_owned()], &[]);
        assert!(unseen("app.n") && !unseen("app.x"));
        found.fetch("app.name", &[&own, &other]);
        assert_eq!((found.switch("a.watch-enabled"), found.switch("b.watch-enabled")), (Told::On, Told::Off));
        let mut found = settings(&[named]);
        found.fetch("app.name", &[&other]);
        assert_eq!(found.switch("b.watch-enabled"), Told::Unknown);
    }
}
