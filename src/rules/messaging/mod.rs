//! Rules of this group.

use super::Verdicts;
use crate::study::Study;

/// Runs the rules of this group.
pub(super) fn check(_study: &Study<'_>, _out: &mut Verdicts) {}
