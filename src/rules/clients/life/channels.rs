//! Calls over channels that nothing instruments.

use super::{Life, Lives};
use crate::knowledge::{HopKind, TypeRole};
use crate::link::ValueRef;
use crate::study::CallFact;

impl Lives<'_, '_> {
    /// Whether a call asks a remote service where all channels of its library that the code makes are seen to stay plain:
    /// neither a span nor a header is made of its context. What is to be mended are the channels, which another rule
    /// tells.
    pub(in crate::rules) fn sends_plainly(&self, call: ValueRef) -> bool {
        let study = self.study;
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
}
