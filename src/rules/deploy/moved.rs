//! `exporter-endpoint`: an application's settings say where spans are sent to under a name that its version of the framework
//! does not read.

use super::super::Verdicts;
use super::Material;
use crate::finding::{Confidence, Finding, Place};
use crate::services::{AddressSetting, stacks};
use crate::study::UnitView;

/// Reports addresses under a name of another version, where none stands under one of this version.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for unit in material.units {
        let read = |setting: &AddressSetting| unit.platform(&setting.platform).map(|has| setting.is_read(has));
        for (name, place) in unit.settings.addresses() {
            let all = || known(unit).filter(|setting| setting.platform == platform(unit, name));
            let Some(wrong) = all().find(|setting| setting.name == *name && read(setting) == Some(false)) else {
                continue;
            };
            let fitting: Vec<&AddressSetting> =
                all().filter(|setting| setting.format == wrong.format && read(setting) == Some(true)).collect();
            if !fitting.iter().any(|setting| unit.settings.may_be_told(&setting.name)) {
                out.findings.push(finding(unit, *place, wrong, fitting.first().copied()));
            }
        }
    }
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

fn finding(unit: &UnitView, place: Place, wrong: &AddressSetting, right: Option<&AddressSetting>) -> Finding {
    let mut out = Finding::new("exporter-endpoint", place, Confidence::Certain);
    let version = unit.platform(&wrong.platform).map_or(String::new(), |(major, minor)| format!(" {major}.{minor}"));
    let (name, platform) = (&wrong.name, &wrong.platform);
    out.message = format!("`{name}` is not read by {platform}{version}, which {} is built with", unit.name);
    out.label = "no exporter takes its address from here".to_owned();
    out.effect =
        format!("the spans of {} go to the default address, or nowhere: no exporter is made without one", unit.name);
    out.help = match right {
        Some(right) => format!("name it `{}`", right.name),
        None => "give the exporter its address as this version takes it".to_owned(),
    };
    out.confirm = format!("look for spans of {} at the address that is set here: none arrive", unit.name);
    out.service.clone_from(&unit.name);
    out.language = Some(unit.language);
    out
}
