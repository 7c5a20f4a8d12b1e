//! From what the rules judged to the hops of each service.

use super::{
    Crossing, FormatsInCode, HopFacts, Implemented, Line, NameInCode, Peers, Standing, called, formats, parted, peers,
    tasks,
};
use crate::finding::{Finding, Place};
use crate::knowledge::{Slot, SpawnKind, TypeRole};
use crate::link::{FuncRef, Origin, ValueRef};
use crate::rules::{Note, Site, Verdict};
use crate::study::{Inbound, Study, is_aside};
use rustc_hash::{FxHashMap, FxHashSet};

/// The hops of one language's files and the remote services that they implement, by the index of the unit.
#[derive(Debug, Default)]
pub struct Collected {
    /// The hops.
    pub hops: FxHashMap<usize, Vec<HopFacts>>,
    /// The remote services.
    pub implements: FxHashMap<usize, Vec<Implemented>>,
    /// The names that code gives its spans.
    pub called: FxHashMap<usize, Vec<NameInCode>>,
    /// The units whose code somebody outside calls.
    pub entered: FxHashSet<usize>,
    /// How many calls start a span that somebody must end.
    pub spans_to_end: FxHashMap<usize, usize>,
    /// The formats that code sets.
    pub formats: FxHashMap<usize, FormatsInCode>,
}

/// The hops of one language's files, by what the rules said of each and what they found.
pub fn hops(study: &Study<'_>, notes: &[Note], findings: &[Finding]) -> Collected {
    let mut out = Collected::default();
    let mut at: FxHashMap<(Place, Crossing), HopFacts> = FxHashMap::default();
    let mut units: FxHashMap<Place, usize> = FxHashMap::default();
    let aside = peers::Aside::new(study);
    let (judged, passed): (Vec<&Note>, Vec<&Note>) = notes.iter().partition(|note| note.verdict.is_some());
    for note in judged.into_iter().chain(passed) {
        let Some((file, place, hop)) = hop(study, note) else { continue };
        // What a rule has nothing to say of is a way all the same, where another service is at its end.
        if note.verdict.is_none() && (at.contains_key(&(place, hop.kind)) || !hop.kind.leaves_service()) {
            continue;
        }
        let unit = study.unit_of(file);
        units.insert(place, unit);
        let key = (place, hop.kind);
        match at.get_mut(&key) {
            Some(known) if known.standing >= hop.standing => {}
            Some(known) => *known = HopFacts { peers: std::mem::take(&mut known.peers), ..hop },
            None => {
                let peers = match note.hop {
                    Site::Call(call) => peers::of_call(study, &aside, call),
                    Site::Function(function) => peers::of_function(study, &aside, function),
                };
                at.insert(key, HopFacts { peers, ..hop });
            }
        }
    }
    stub_clients(study, &aside, &mut at, &mut units);
    parted::mark(study, findings, &mut at, &mut units);
    for (unit, place, hop) in tasks::taken(study, &aside) {
        units.entry(place).or_insert(unit);
        at.entry((place, hop.kind)).or_insert(hop);
    }
    let mut texts: FxHashMap<ustr::Ustr, String> = FxHashMap::default();
    for ((place, _), mut hop) in at {
        let text = texts.entry(place.path).or_insert_with(|| study.file_text(place.path).unwrap_or_default());
        let file = study.program.files.iter().find(|file| file.source.path == place.path);
        hop.column = file.map_or(1, |file| file.source.facts.lines.position(text, place.span.start).column);
        let unit = units.get(&place).copied().unwrap_or_default();
        out.hops.entry(unit).or_default().push(hop);
    }
    out.hops.values_mut().for_each(|hops| hops.sort());
    for (unit, served) in peers::implemented(study) {
        out.implements.entry(unit).or_default().push(served);
    }
    out.implements.values_mut().for_each(|served| {
        served.sort();
        served.dedup_by(|one, other| one.name == other.name);
    });
    let is_entered = |function: &FuncRef| {
        let file = study.program.files.get(function.file as usize);
        let is_aside = file.is_none_or(|file| file.source.facts.generated || is_aside(&file.source.path));
        !is_aside && matches!(study.inbound(*function), Inbound::Entry(_))
    };
    out.entered =
        study.program.all_functions().filter(is_entered).map(|function| study.unit_of(function.file)).collect();
    out.called = called::names(study);
    out.formats = formats::formats(study);
    for fact in study.calls().iter().filter(|fact| fact.effect.span.is_some_and(|span| span.must_end)) {
        *out.spans_to_end.entry(study.unit_of(fact.call.file)).or_default() += 1;
    }
    out
}

/// Puts the hops that stand in generated code where the program's own code makes its client: there somebody can do
/// something about them. Generated code that nobody uses crosses nothing.
fn stub_clients(
    study: &Study<'_>,
    aside: &peers::Aside,
    hops: &mut FxHashMap<(Place, Crossing), HopFacts>,
    units: &mut FxHashMap<Place, usize>,
) {
    let program = study.program;
    let generated: FxHashSet<ustr::Ustr> =
        program.files.iter().filter(|file| file.source.facts.generated).map(|file| file.source.path).collect();
    let mut inside: FxHashMap<(usize, String), HopFacts> = FxHashMap::default();
    hops.retain(|(place, kind), hop| {
        if *kind != Crossing::RpcCall || !generated.contains(&place.path) {
            return true;
        }
        let unit = units.get(place).copied().unwrap_or_default();
        for remote in &hop.peers.remote {
            let known = inside.entry((unit, remote.clone())).or_insert_with(|| hop.clone());
            if known.standing < hop.standing {
                *known = hop.clone();
            }
        }
        false
    });
    for client in peers::stub_clients(study, aside) {
        let Some(hop) = inside.get(&(client.unit, client.remote.clone())) else { continue };
        let place = program.place(client.call);
        let lines = &program.files[client.call.file as usize].source.facts.lines;
        let hop = HopFacts {
            path: place.path.to_string(),
            line: lines.line(place.span.start),
            function: study.function_name(program.function_at(client.call)),
            peers: client.peers,
            made: (hop.standing == Standing::Unknown).then(|| made(study, client.call)).flatten(),
            ..hop.clone()
        };
        units.insert(place, client.unit);
        hops.insert((place, Crossing::RpcCall), hop);
    }
}

/// Where the channel is made that a client of generated code is given.
fn made(study: &Study<'_>, client: ValueRef) -> Option<Line> {
    let program = study.program;
    let given = study.slot(client, Slot::AnyArg).into_iter();
    let mut origins = given.flat_map(|value| program.origins(value, true));
    let made = origins.find_map(|origin| match origin {
        Origin::Call(made, _) => study.fact(made).filter(|fact| fact.effect.makes.is_some()).map(|_| made),
        _ => None,
    })?;
    let lines = &program.files.get(made.file as usize)?.source.facts.lines;
    let place = program.place(made);
    Some(Line { path: place.path.to_string(), line: lines.line(place.span.start) })
}

/// A hop by a note, with the file and the place that it stands at.
fn hop(study: &Study<'_>, note: &Note) -> Option<(u32, Place, HopFacts)> {
    let program = study.program;
    let (file, place, kind, library) = match note.hop {
        Site::Call(call) => {
            let (kind, library) = match study.fact(call) {
                // The messages that a loop takes out of a consumer.
                None if note.rule.contains("consume") => (Crossing::Consume, String::new()),
                _ => kind_of(study, call),
            };
            (call.file, program.place(call), kind, library)
        }
        Site::Function(function) => {
            let place = program.place_of(function.file, program.function(function).name_span);
            let kind = if note.rule.contains("consume") { Crossing::Consume } else { Crossing::Spawn };
            (function.file, place, kind, String::new())
        }
    };
    let function = match note.hop {
        Site::Call(call) => program.function_at(call),
        Site::Function(function) => function,
    };
    let lines = &program.files.get(file as usize)?.source.facts.lines;
    let hop = HopFacts {
        path: place.path.to_string(),
        line: lines.line(place.span.start),
        column: 1,
        kind,
        library,
        function: study.function_name(function),
        standing: match note.verdict {
            Some(Verdict::Carried) => Standing::Carried,
            Some(Verdict::Unknown) | None => Standing::Unknown,
            Some(Verdict::Broken) => Standing::Broken,
        },
        because: note.because.to_owned(),
        rule: note.rule.to_owned(),
        peers: Peers::default(),
        made: None,
        lost: None,
    };
    Some((file, place, hop))
}

fn kind_of(study: &Study<'_>, call: ValueRef) -> (Crossing, String) {
    let Some(fact) = study.fact(call) else { return (Crossing::Spawn, String::new()) };
    let effect = fact.effect;
    let kind = if let Some(hop) = effect.hop {
        hop.kind.into()
    } else if effect.makes == Some(TypeRole::Server) {
        Crossing::Serve
    } else if effect.span.is_some() {
        Crossing::Span
    } else if effect.spawns.is_some_and(|spawn| spawn.kind != SpawnKind::Callback) {
        Crossing::Spawn
    } else {
        match effect.makes {
            Some(TypeRole::Producer) => Crossing::Produce,
            Some(TypeRole::Consumer) => Crossing::Consume,
            Some(TypeRole::HttpClient) => Crossing::HttpCall,
            Some(TypeRole::RpcChannel) => Crossing::RpcCall,
            _ => Crossing::Spawn,
        }
    };
    (kind, fact.library.id.clone())
}
