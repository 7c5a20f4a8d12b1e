//! Rules about explicit contexts: replaced, gone stale, not passed on, not reachable through a framework's own type.

mod ambient;
mod asked_again;
mod at_decorator;
mod belonging;
mod by_callers;
mod captured;
mod component;
mod decorators;
mod dropped;
mod forward;
mod framework;
mod handed;
mod hook;
mod house_logger;
mod log;
mod looked_at;
mod lost_handler;
mod meant;
mod measured;
mod not_entered;
mod not_passed;
mod nowhere;
mod of_process;
mod own_span;
mod parentless;
mod parted;
mod passed_over;
mod replaced;
mod span_ends;
mod span_starts;
mod stale;
mod stored;
mod told;
mod unbound;
mod under_old;
mod unheeded;
mod unread;
mod unseen;
mod vain;

pub(in crate::rules) use forward::is_function_value;
pub(in crate::rules) use looked_at::is_only_looked_at;
pub(in crate::rules) use told::is_told_of;

use super::Verdicts;
use super::clients::Lives;

/// Runs the rules of this group.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let study = lives.study;
    replaced::check(lives, out);
    component::check(lives, out);
    ambient::check(study, out);
    parentless::check(study, out);
    captured::check(study, out);
    not_entered::check(study, out);
    let told = unread::check(study, out);
    unheeded::check(study, &told, out);
    unbound::check(study, out);
    parted::check(study, out);
    hook::check(lives, out);
    stale::check(lives, out);
    dropped::check(study, out);
    stored::check(study, out);
    not_passed::check(lives, out);
    handed::check(lives, out);
    framework::check(lives, out);
    log::check(study, out);
    lost_handler::check(study, out);
    house_logger::check(study, out);
    measured::check(study, out);
}
