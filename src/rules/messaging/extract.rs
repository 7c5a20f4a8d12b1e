//! Not written yet.

use super::super::Verdicts;
use crate::study::Study;

/// Finds nothing yet.
pub(super) fn check(_study: &Study<'_>, _out: &mut Verdicts) {}
