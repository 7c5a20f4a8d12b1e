//! Ways of messages: who sends to a channel and who takes from it.

use super::join::{Joiner, Own, value};
use super::{NodeKind, Via, names};
use crate::facts::{Crossing, HopFacts, Piece, Text, Workload, plain};
use std::collections::{BTreeMap, BTreeSet};

impl<'f> Joiner<'f> {
    /// Messages, by the names of the channels.
    pub(super) fn messages(&mut self) {
        let (sent, taken) = (self.hops(&[Crossing::Produce]), self.hops(&[Crossing::Consume]));
        let named = |joiner: &Self, own: &Own<'f>| -> BTreeSet<String> {
            let texts = &own.hop.peers.channels;
            let all = |fits: &dyn Fn(&Text) -> bool| -> BTreeSet<String> {
                let names = texts.iter().filter(|text| fits(text)).flat_map(|text| joiner.channels(own.node, text));
                names.collect()
            };
            let is_open = |name: &String| name.starts_with("${");
            // What the deployment sets goes before what the code has where nothing is set, and that before an open name.
            let mut told = all(&|text| text.0.iter().any(|piece| !matches!(piece, Piece::Literal(_))));
            told.retain(|name| !is_open(name));
            if !told.is_empty() {
                return told;
            }
            let mut names = all(&|_| true);
            if !names.iter().all(is_open) {
                names.retain(|name| !is_open(name));
            }
            names
        };
        let takers: Vec<(usize, BTreeSet<String>)> = taken.iter().map(|own| (own.node, named(self, own))).collect();
        let mut by_channel: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (node, channel) in takers.iter().flat_map(|(node, names)| names.iter().map(move |name| (*node, name))) {
            by_channel.entry(channel).or_default().insert(node);
        }
        let mut reached: BTreeSet<String> = BTreeSet::new();
        for own in &sent {
            for channel in named(self, own) {
                let mut ends = by_channel.get(channel.as_str()).cloned().unwrap_or_default();
                if ends.is_empty() {
                    ends = self.given_too(own.hop, &channel);
                }
                if ends.is_empty() {
                    let to = self.extra(&channel, NodeKind::Channel);
                    self.edge(own.node, to, Via::Message, channel.clone(), Some(own.hop));
                }
                for to in ends {
                    self.edge(own.node, to, Via::Message, channel.clone(), Some(own.hop));
                    reached.insert(channel.clone());
                }
            }
        }
        for (own, (node, names)) in taken.iter().zip(&takers) {
            for channel in names.iter().filter(|channel| !reached.contains(*channel)) {
                let senders = self.given_too(own.hop, channel);
                for from in &senders {
                    self.edge(*from, *node, Via::Message, channel.clone(), None);
                }
                if !senders.is_empty() {
                    continue;
                }
                let from = self.extra(channel, NodeKind::Channel);
                self.edge(from, *node, Via::Message, channel.clone(), Some(own.hop));
            }
        }
    }

    /// Processes whose code was not read and that are given the same channel by the same variable: where the code that was
    /// read has one end only, they are the other.
    fn given_too(&self, hop: &HopFacts, channel: &str) -> BTreeSet<usize> {
        let pieces = hop.peers.channels.iter().flat_map(|text| &text.0);
        let names: BTreeSet<String> = pieces
            .filter_map(|piece| match piece {
                Piece::Variable(named) | Piece::Setting(named) => Some(plain(&named.name)),
                _ => None,
            })
            .collect();
        let is_given = |workload: &&Workload| {
            let mut variables = workload.environment.iter();
            variables.any(|one| names.contains(&plain(&one.name)) && names::of_channel(&one.value) == channel)
        };
        let unread = self.workloads.iter().filter(|(at, _)| self.nodes[**at].kind == NodeKind::Process);
        unread.filter(|(_, all)| all.iter().any(is_given)).map(|(at, _)| *at).collect()
    }

    /// The names that a channel can have.
    pub(super) fn channels(&self, node: usize, text: &Text) -> Vec<String> {
        let environments = self.environments(node);
        let filled: Vec<Text> = match environments.is_empty() {
            true => vec![text.filled(&|_| None)],
            false => environments.iter().map(|own| text.filled(&|piece| value(piece, own))).collect(),
        };
        let named = |text: Text| match text.0.as_slice() {
            [Piece::Literal(name)] if !name.is_empty() => Some(names::of_channel(name).to_owned()),
            // Both ends that read one setting use one name.
            [Piece::Setting(named) | Piece::Variable(named)] => Some(format!("${{{}}}", named.name)),
            _ => None,
        };
        filled.into_iter().filter_map(named).collect()
    }
}
