//! What deployment files and files of settings say of where a call goes: the value of what it reads its address from.
//!
//! A value says more than a name: a `MAIL_SERVICE_URL` that is set to a host of the public net is no service of the house.

use super::strangers::is_named_after_unit;
use super::words;
use crate::facts::{Named, Piece, Text};
use crate::knowledge::ends_inside;
use crate::map::{Address, setting_in};
use crate::study::Study;
use std::sync::LazyLock;

/// The shortest part of a package's name that is looked for in hosts.
const MIN_PART: usize = 4;
/// How many parts of a package's name say whose it is: `github.com/shop`, `com.shop.till`.
const PARTS_OF_OWNER: usize = 3;

/// Domains under which platforms run what their customers deploy, and those of examples: what is there may be the house's own.
static OF_ANYBODY: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../rules/hosting.txt").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next()).collect()
});

/// Whose an address is that something is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// It is one of the house.
    House,
    /// It is one of the public net, and of nobody here.
    Stranger,
}

/// Whose the addresses are that a text stands for where the file's unit runs; `None` where no value is at hand that says so.
/// One of the house is enough; a stranger's are they if all are.
pub(super) fn whose(study: &Study<'_>, file: u32, text: &Text) -> Option<Whose> {
    let settings = &study.unit(file).settings;
    let text = text.told(&|name| settings.value(name));
    let names = names(&text);
    if names.is_empty() {
        return None;
    }
    let processes = study.environments.of(&study.unit(file).root, &names);
    let filled: Vec<Text> = match processes.is_empty() {
        true => vec![text.filled(&|_| None)],
        false => processes.iter().map(|process| text.filled(&|piece| setting_in(piece, process))).collect(),
    };
    let found: Vec<Option<Whose>> = filled.iter().map(|text| of_address(study, file, &text.to_string())).collect();
    match found.contains(&Some(Whose::House)) {
        true => Some(Whose::House),
        false => found.iter().all(|one| *one == Some(Whose::Stranger)).then_some(Whose::Stranger),
    }
}

/// Whose the address is in a variable, if a process of the file's unit is given it.
pub(super) fn whose_variable(study: &Study<'_>, file: u32, name: &str) -> Option<Whose> {
    let is_name = name.contains('_') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let text = || Text(vec![Piece::Variable(Named { name: name.to_owned(), default: None })]);
    is_name.then(|| whose(study, file, &text())).flatten()
}

/// The variables and settings that a text reads.
fn names(text: &Text) -> Vec<&str> {
    let named = text.0.iter().filter_map(|piece| match piece {
        Piece::Variable(named) | Piece::Setting(named) => Some(named.name.as_str()),
        Piece::Literal(_) | Piece::Unknown => None,
    });
    named.collect()
}

/// Whose a written address is.
fn of_address(study: &Study<'_>, file: u32, written: &str) -> Option<Whose> {
    let found = Address::parse(written).filter(|found| !found.is_local())?;
    // What the repository puts a stand-in up for is not run by it.
    let is_stand_in = words::split_words(&found.host).any(|word| words::names_stand_in(&word));
    if is_stand_in || is_strangers(study, file, &found) {
        return Some(Whose::Stranger);
    }
    let is_known = study.environments.runs_code(found.short()) || study.environments.runs_code(&found.host);
    if !is_known && words::names_store(found.short()) {
        return Some(Whose::Stranger);
    }
    (is_known || ends_inside(&found.host) || is_named_after_unit(study, &found.host)).then_some(Whose::House)
}

/// Whether a host is one of the public net, and none of the tree's own: of a unit, of a door of the workspace, or of whoever
/// the code belongs to.
fn is_strangers(study: &Study<'_>, file: u32, found: &Address) -> bool {
    let host = found.host.as_str();
    let is_owners = || {
        let module = study.program.files.get(file as usize).map(|file| file.module);
        let module = module.as_ref().map_or("", |module| module.as_str());
        let mut parts = module.split(['/', '.']).take(PARTS_OF_OWNER).filter(|part| part.len() >= MIN_PART);
        parts.any(|part| host.split('.').any(|label| label.eq_ignore_ascii_case(part)))
    };
    found.is_public()
        && !study.environments.has_host(host)
        && !study.environments.has_door(host)
        && !is_named_after_unit(study, host)
        && !OF_ANYBODY.iter().any(|domain| is_below(host, domain))
        && !is_owners()
}

/// Whether a host lies in a domain; a part of it that is written as `*` stands for any one.
fn is_below(host: &str, domain: &str) -> bool {
    let mut labels = host.rsplit('.');
    domain.rsplit('.').all(|part| labels.next().is_some_and(|label| part == "*" || label == part))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn domains_hold_hosts() {
        assert!(is_below("a.elb.eu-west-1.shop.com", "elb.*.shop.com") && is_below("shop.com", "shop.com"));
        assert!(!is_below("ashop.com", "shop.com") && !is_below("com", "shop.com"));
    }
}
