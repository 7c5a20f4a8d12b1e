//! Calls over channels that nothing instruments.

use super::{Life, Lives};
use crate::knowledge::{HopKind, TypeRole};
use crate::link::ValueRef;
use crate::rules::clients::sites::sites;
use crate::study::CallFact;
use rustc_hash::FxHashMap;

impl Lives<'_, '_> {
    /// Whether a call asks a remote service where all channels of its library that the code makes are seen to stay plain:
    /// neither a span nor a header is made of its context. What is to be mended are the channels, which another rule
    /// tells.
    pub(in crate::rules) fn sends_plainly(&self, call: ValueRef) -> bool {
        let study = self.study;
        if study.fact(call).is_none() {
            return self.goes_by_plain_channels(call);
        }
        let is_rpc = |fact: &&CallFact<'_>| fact.effect.hop.is_some_and(|hop| hop.kind == HopKind::RpcCall);
        let Some(hop) = study.fact(call).filter(is_rpc) else { return false };
        if study.unit(call.file).coverage(hop.library).is_some() {
            return false;
        }
        let near = study.units_near(study.unit_of(call.file));
        let makes = |fact: &&CallFact<'_>| {
            fact.effect.makes == Some(TypeRole::RpcChannel)
                && fact.library.id == hop.library.id
                && near.contains(&study.unit_of(fact.call.file))
                && !study.is_out_of_traces(study.program.place(fact.call).path)
        };
        let mut channels = study.calls().iter().filter(makes).peekable();
        channels.peek().is_some() && channels.all(|made| self.of_construction(made.call) == Life::Plain)
    }

    /// Whether a call of a stub's method goes through channels that the code is seen to make, and all of them stay plain.
    fn goes_by_plain_channels(&self, call: ValueRef) -> bool {
        let known = self.channels.get_or_init(|| self.channels_by_use());
        known.get(&call).is_some_and(|made| made.iter().all(|made| self.of_construction(*made) == Life::Plain))
    }

    /// The channels of remote calls that the code makes, by the calls that go through them.
    fn channels_by_use(&self) -> FxHashMap<ValueRef, Vec<ValueRef>> {
        let study = self.study;
        let mut out: FxHashMap<ValueRef, Vec<ValueRef>> = FxHashMap::default();
        for fact in study.calls().iter().filter(|fact| fact.effect.makes == Some(TypeRole::RpcChannel)) {
            if study.unit(fact.call.file).coverage(fact.library).is_some() {
                continue;
            }
            let later = self.later(fact.call);
            let uses = later.uses.iter().copied().flat_map(|call| sites(study, call));
            for call in uses.filter(|call| study.can_meet(fact.call.file, call.file)) {
                out.entry(call).or_default().push(fact.call);
            }
        }
        out
    }
}
