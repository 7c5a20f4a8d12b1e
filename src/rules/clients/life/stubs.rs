//! Stubs of one channel of remote calls: what is put into one of them (Java's `stub.withInterceptors(…)`) is nothing to the
//! others, while what is put into the channel is for all.

use super::{Life, Lives};
use crate::ir::Language;
use crate::link::{Calls, Origin, ValueRef};
use crate::study::stub_of;

impl Lives<'_, '_> {
    /// The stubs on the way from a channel that the code makes to a call, where each of them is seen to stay plain, as does
    /// the channel itself: others of its stubs may be instrumented.
    pub(in crate::rules::clients) fn plain_stubs(&self, client: ValueRef) -> Vec<ValueRef> {
        let program = self.study.program;
        if program.language != Language::Java {
            return Vec::new();
        }
        let (stubs, origins) = self.stubs_on_way(client);
        let is_plain = |origin: &Origin| match origin {
            Origin::Call(made, _) => self.is_plain_before_stubs(*made),
            _ => false,
        };
        let are_plain = !stubs.is_empty()
            && !origins.is_empty()
            && origins.iter().all(is_plain)
            && stubs.iter().all(|stub| self.stays_plain(*stub));
        if are_plain { stubs } else { Vec::new() }
    }

    /// Whether nothing is put into the stubs on the way to a client from where it is made or handed in.
    pub(in crate::rules::clients) fn comes_by_plain_stubs(&self, client: ValueRef) -> bool {
        self.stubs_on_way(client).0.iter().all(|stub| self.stays_plain(*stub))
    }

    /// The stubs on the way to a client, and where it comes from.
    fn stubs_on_way(&self, client: ValueRef) -> (Vec<ValueRef>, Vec<Origin>) {
        let mut stubs = Vec::new();
        let note = |value, _: &[Origin]| stubs.extend(self.is_stub(value).then_some(value));
        let origins = self.study.program.origins_noting(client, true, note);
        (stubs, origins)
    }

    /// Whether a value is a stub that is made of a channel.
    pub(super) fn is_stub(&self, value: ValueRef) -> bool {
        stub_of(self.study, value, |names| &names.clients).is_some()
    }

    /// Whether a channel is made plain and nothing is put into it but by way of its stubs.
    fn is_plain_before_stubs(&self, made: ValueRef) -> bool {
        let later = self.later_before_stubs(made);
        self.of_parts(made) == Life::Plain
            && later.life.is_none_or(|life| life == Life::Plain)
            && later.escapes.is_empty()
            && later.beans.is_empty()
    }

    /// Whether nothing is put into a stub.
    fn stays_plain(&self, stub: ValueRef) -> bool {
        let later = self.later_through(stub, &Calls::new());
        later.life.is_none_or(|life| life == Life::Plain) && later.escapes.is_empty()
    }
}
