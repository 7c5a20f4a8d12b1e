//! Rules about who makes the span and the header: clients, servers, whole services.

mod apart;
mod back;
mod beans;
mod body;
mod broken;
mod brought;
mod calls;
mod channels;
mod choice;
pub(super) mod dark;
mod dead;
mod declared;
mod fallback;
mod forgotten;
mod gate;
mod gateways;
mod handlers;
mod house;
mod imported;
mod late;
mod life;
mod light;
pub(super) mod loaded;
mod lopsided;
mod makers;
mod mistaken;
mod mounted;
mod mounts;
mod only_first;
mod open_calls;
mod options;
mod outdone;
mod proxies;
mod server;
mod sites;
mod spurned;
mod stored;
mod stores;
mod strangers;
mod streams;
mod switches;
mod taken_up;
mod told;
mod untrusting;
mod words;

pub(super) use apart::{answers_checks, checks_health, drops_copies, helps_tests, keeps_records};
pub(super) use calls::{is_broken, is_plain_client, is_traced_client, is_traced_store, traces_stores};
pub(super) use gate::{can_be_inside, serves};
pub(super) use life::{Account, Life, Lives};
pub(super) use mounted::{By, Mount, Stand, mounted};
pub(super) use stored::tag_of;
pub(super) use strangers::goes_to_third_party;

use super::{Verdicts, messaging};

/// Runs the rules of this group.
pub(super) fn check(lives: &Lives<'_, '_>, out: &mut Verdicts) {
    let mut light = light::light(lives);
    light.dark.extend(messaging::untraced_handlers(lives.study));
    lives.study.light(&light.dark, &light.bright);
    calls::check(lives, out);
    declared::check(lives, out);
    lopsided::check(lives, out);
    gateways::check(lives, out);
    server::check(lives, out);
    late::check(lives, out);
    stores::check(lives, out);
    streams::check(lives, out);
    untrusting::check(lives, out);
    open_calls::check(lives, out);
    outdone::check(lives, out);
    mistaken::check(lives.study, out);
    only_first::check(lives.study, out);
    imported::check(lives.study, out);
}
