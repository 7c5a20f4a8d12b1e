//! `exporter-endpoint`, `default-sampling`: an application's settings say where spans are sent to, or what share of the traces
//! is kept, under a name that its version of the framework does not read.

use super::super::Verdicts;
use super::Material;
use crate::finding::{Confidence, Finding, Place};
use crate::link::SourceFile;
use crate::services::{AddressSetting, stacks};
use crate::study::UnitView;

/// The format of settings that say what share of the traces is kept.
const SHARE: &str = "share";

/// A setting that is not read.
struct Moved {
    place: Place,
    wrong: &'static AddressSetting,
    /// The one that this version reads instead.
    right: Option<&'static AddressSetting>,
}

/// Reports settings under a name of another version, where none stands under one of this version.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for (at, unit) in material.units.iter().enumerate() {
        let mut found = moved(unit);
        // Who makes an exporter reads its address by any name.
        let mut own = material.sources.iter().filter(|file| file.unit == at);
        if !found.is_empty() && own.any(makes_exporter) {
            found.retain(|moved| moved.wrong.format == SHARE);
        }
        out.findings.extend(found.iter().map(|moved| match moved.wrong.format.as_str() {
            SHARE => share(unit, moved),
            _ => address(unit, moved),
        }));
    }
}

/// Whether a file has to do with an exporter that the application makes.
fn makes_exporter(file: &SourceFile) -> bool {
    let last = |target: &str| target.rsplit('.').next().is_some_and(|last| last.ends_with("SpanExporter"));
    file.facts.imports.iter().any(|import| last(&import.target))
}

/// Whether the settings of a unit name a share of traces that its framework does not read.
pub(in crate::rules) fn misnames_share(unit: &UnitView) -> bool {
    moved(unit).iter().any(|moved| moved.wrong.format == SHARE)
}

/// The settings of a unit that its version of the framework does not read.
fn moved(unit: &UnitView) -> Vec<Moved> {
    let read = |setting: &AddressSetting| unit.platform(&setting.platform).map(|has| setting.is_read(has));
    let told = unit.settings.addresses().iter().filter_map(|(name, place)| {
        let all = || known(unit).filter(|setting| setting.platform == platform(unit, name));
        let wrong = all().find(|setting| setting.name == *name && read(setting) == Some(false))?;
        let fitting = || all().filter(|setting| setting.format == wrong.format && read(setting) == Some(true));
        let is_told = fitting().any(|setting| unit.settings.may_be_told(&setting.name));
        (!is_told).then(|| Moved { place: *place, wrong, right: fitting().next() })
    });
    told.collect()
}

/// The settings of the families that trace a unit.
fn known(unit: &UnitView) -> impl Iterator<Item = &'static AddressSetting> {
    let families = unit.families();
    let pages = stacks().iter().filter(move |page| families.contains(&page.family.as_str()));
    pages.flat_map(|page| &page.address_settings)
}

/// The framework that a setting belongs to.
fn platform(unit: &UnitView, name: &str) -> &'static str {
    known(unit).find(|setting| setting.name == name).map_or("", |setting| setting.platform.as_str())
}

/// What findings on both have in common.
fn finding(unit: &UnitView, rule: &'static str, moved: &Moved) -> Finding {
    let wrong = moved.wrong;
    let mut out = Finding::new(rule, moved.place, Confidence::Certain);
    let version = unit.platform(&wrong.platform).map_or(String::new(), |(major, minor)| format!(" {major}.{minor}"));
    let (name, platform) = (&wrong.name, &wrong.platform);
    out.message = format!("`{name}` is not read by {platform}{version}, which {} is built with", unit.name);
    out.service.clone_from(&unit.name);
    out.language = Some(unit.language);
    out
}

/// A finding for a share of traces that nothing reads.
fn share(unit: &UnitView, moved: &Moved) -> Finding {
    let mut out = finding(unit, "default-sampling", moved);
    out.label = "no sampler takes its share from here".to_owned();
    out.effect = format!("{} keeps the share of traces that is the default, which is a small one", unit.name);
    out.help = match moved.right {
        Some(right) => format!("name it `{}`", right.name),
        None => "give the sampler its share as this version takes it".to_owned(),
    };
    out.confirm = format!("send twenty requests to {} and count the traces", unit.name);
    out
}

/// A finding for an address that nothing reads.
fn address(unit: &UnitView, moved: &Moved) -> Finding {
    let mut out = finding(unit, "exporter-endpoint", moved);
    out.label = "no exporter takes its address from here".to_owned();
    out.effect =
        format!("the spans of {} go to the default address, or nowhere: no exporter is made without one", unit.name);
    out.help = match moved.right {
        Some(right) => format!("name it `{}`", right.name),
        None => "give the exporter its address as this version takes it".to_owned(),
    };
    out.confirm = format!("look for spans of {} at the address that is set here: none arrive", unit.name);
    out
}
