//! `sampling-off`, `unparented-sampler`, `inconsistent-sampling` and `propagator-mismatch` by variables of containers.

use super::super::Verdicts;
use super::environment::receives;
use super::links::callers;
use super::{Material, is_development};
use crate::deploy::{Container, known};
use crate::finding::{Confidence, Finding, Place, Related};
use crate::ir::Language;
use crate::paths::folder;

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SHARE: &str = "OTEL_TRACES_SAMPLER_ARG";
const FORMATS: &str = "OTEL_PROPAGATORS";

/// A sampler that does not ask its caller.
struct Own {
    share: f64,
    setting: String,
    place: Place,
}

/// Judges all containers.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for container in &material.deployment.containers {
        formats(material, container, out);
        let Some(own) = own(container) else { continue };
        if own.share == 0.0 {
            nothing(container, &own, out);
        } else {
            share(material, container, &own, out);
        }
    }
}

/// Judges a sampler that keeps nothing.
pub(super) fn nothing_is_kept(container: &Container, out: &mut Verdicts) {
    if let Some(own) = own(container).filter(|own| own.share == 0.0) {
        nothing(container, &own, out);
    }
}

fn own(container: &Container) -> Option<Own> {
    let (sampler, place) = container.variable(SAMPLER)?;
    let given = |default: f64| match container.sets(SHARE) {
        true => container.variable(SHARE)?.0.parse::<f64>().ok(),
        false => Some(default),
    };
    let share = match sampler {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => given(1.0)?,
        _ => return None,
    };
    let setting = match container.variable(SHARE) {
        Some((share, _)) if sampler == "traceidratio" => format!("{SAMPLER}={sampler}, {SHARE}={share}"),
        _ => format!("{SAMPLER}={sampler}"),
    };
    (0.0..=1.0).contains(&share).then_some(Own { share, setting, place })
}

fn nothing(container: &Container, own: &Own, out: &mut Verdicts) {
    // What is off until somebody asks for it is meant to be.
    // A backend that takes spans in says by these variables whether it traces itself.
    if receives(container) || is_of_backend(container) {
        return;
    }
    if is_development(&container.path) || container.falls_back(SAMPLER) || container.falls_back(SHARE) {
        return;
    }
    let name = &container.name;
    let mut found = Finding::new("sampling-off", own.place, Confidence::Likely);
    found.message = format!("`{}` keeps no trace of {name}", own.setting);
    found.label = "drops every trace".to_owned();
    found.effect =
        format!("{name} sends no span, and tells the services that it calls to drop their parts of its traces as well");
    found.help =
        "use `parentbased_traceidratio` with a share above zero; this assumes that code gives no other sampler"
            .to_owned();
    found.confirm =
        format!("send requests to {name}, and look at the last two digits of the `traceparent` that it sends on: 00");
    found.service.clone_from(name);
    out.findings.push(found);
}

/// Whether a container's file lies in a folder that is called after a product that shows traces: in that product's chart.
fn is_of_backend(container: &Container) -> bool {
    let folders = folder(&container.path).to_ascii_lowercase();
    let mut words = folders.split(['/', '-', '_', '.']);
    words.any(|word| known().backends_by_name.iter().any(|name| name == word))
}

/// A share of its own, in a service that others call.
fn share(material: &Material<'_>, container: &Container, mine: &Own, out: &mut Verdicts) {
    let Some(caller) = callers(material.deployment, container).next() else { return };
    let (name, other) = (&container.name, &caller.name);
    let theirs = callers(material.deployment, container)
        .find_map(|caller| Some((caller, own(caller)?)).filter(|(_, own)| own.share != mine.share));
    let mut found = match &theirs {
        Some((caller, own)) => {
            let mut found = Finding::new("inconsistent-sampling", mine.place, Confidence::Likely);
            let caller = &caller.name;
            found.message = format!(
                "{name} keeps {} of the traces and {caller}, which calls it, {}, and neither follows its caller",
                part(mine.share),
                part(own.share)
            );
            found.related.push(Related { place: own.place, message: format!("{caller} decides by itself as well") });
            found.effect = format!("of many traces only the part of {caller} or only that of {name} is kept");
            found
        }
        None if mine.share < 1.0 => {
            let mut found = Finding::new("unparented-sampler", mine.place, Confidence::Likely);
            found.message = format!("`{}` decides for {name} alone, although {other} calls it", mine.setting);
            found.related.push(Related { place: caller.place, message: format!("{other} calls {name}") });
            found.effect = format!("traces that {other} keeps lose the part of {name}, and the other way round");
            found
        }
        None => return,
    };
    found.label = "does not ask the caller".to_owned();
    found.help = "use `parentbased_traceidratio`; this assumes that code gives no other sampler".to_owned();
    found.confirm = format!("send requests through {other} and count the traces that have a span of {name}");
    found.service.clone_from(name);
    out.findings.push(found);
}

fn part(share: f64) -> String {
    format!("{} %", (share * 10_000.0).round() / 100.0)
}

/// A caller that writes no format which the called service reads.
fn formats(material: &Material<'_>, container: &Container, out: &mut Verdicts) {
    let Some((reads, place)) = written(material, container) else { return };
    for caller in callers(material.deployment, container) {
        let Some((writes, at)) = written(material, caller) else { continue };
        // What code and map tell together says it better.
        let is_told =
            out.findings.iter().any(|found| found.rule == "propagator-mismatch" && [at, place].contains(&found.place));
        if is_told || writes.iter().any(|format| reads.contains(format)) {
            continue;
        }
        let (name, other) = (&container.name, &caller.name);
        let mut found = Finding::new("propagator-mismatch", at, Confidence::Likely);
        let words = |formats: &[String]| if formats.is_empty() { "none".to_owned() } else { formats.join(", ") };
        found.message = format!(
            "{other} calls {name} and sends the trace as {}, but {name} reads {}",
            words(&writes),
            words(&reads)
        );
        found.label = format!("writes {}", words(&writes));
        found.effect = format!("{name} starts a new trace for each call from {other}");
        found.help = format!(
            "give both the same `{FORMATS}`, such as `tracecontext,baggage`; this assumes that code sets no other propagator"
        );
        found.confirm = format!("send a request through {other} and look for {name} in its trace");
        found.service.clone_from(other);
        found.related.push(Related { place, message: format!("{name} reads {}", words(&reads)) });
        out.findings.push(found);
    }
}

/// The formats of traces that a container's variable names, each by one word; `None` where it does not count.
fn written(material: &Material<'_>, container: &Container) -> Option<(Vec<String>, Place)> {
    let (value, place) = container.variable(FORMATS)?;
    // A Go program reads the variable only with a package of its own.
    let unit = material.unit(container);
    if unit.is_some_and(|unit| unit.language == Language::Go && !unit.dependencies.contains(&known().go_propagators)) {
        return None;
    }
    let names = value.split(',').map(str::trim).filter(|name| !matches!(*name, "" | "baggage" | "none"));
    // Who reads one way of writing B3 reads both.
    let names = names.map(|name| if name == "b3multi" { "b3" } else { name }.to_owned());
    Some((names.collect(), place))
}
