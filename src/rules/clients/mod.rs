//! Rules about who makes the span and the header: clients, servers, whole services.

mod calls;
pub(super) mod dark;
mod forgotten;
mod gate;
mod late;
mod life;
pub(super) mod loaded;
mod server;
mod words;

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(study: &Study<'_>, out: &mut Verdicts) {
    let lives = life::Lives::new(study);
    calls::check(&lives, out);
    server::check(&lives, out);
    late::check(&lives, out);
}
