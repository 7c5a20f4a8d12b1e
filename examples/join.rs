//! What it costs to join the facts of many services to one map.
//!
//! `cargo run --release --example join -- [SERVICES] [--write FOLDER]`
//!
//! Makes facts of that many services (2000 unless another number is named), a quarter of them with messages: each calls
//! four others by an address from its environment and implements a remote service that two others call. Joins them, and
//! prints the size of the map and the CPU time that the join took. With `--write`, each service's facts are also written
//! to a file, so that `hoplint map FOLDER/*.json` can be tried on them.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use cpu_time::ProcessTime;
use hoplint::analysis::{HopCounts, ServiceReport};
use hoplint::facts::{
    Crossing, Facts, HopFacts, Implemented, Named, Peers, Piece, ServiceFacts, Standing, Text, VERSION, Variable,
    Workload,
};
use hoplint::ir::Language;
use hoplint::map::join;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = arguments.first().filter(|word| !word.starts_with('-')).map_or(Ok(2000), |word| word.parse())?;
    let all: Vec<Facts> = (0..number).map(|at| service(at, number)).collect();
    if let Some(at) = arguments.iter().position(|word| word == "--write") {
        let folder = Path::new(arguments.get(at + 1).ok_or("--write needs a folder")?);
        std::fs::create_dir_all(folder)?;
        for facts in &all {
            std::fs::write(folder.join(format!("{}.json", facts.repository)), serde_json::to_vec(facts)?)?;
        }
    }
    let start = ProcessTime::now();
    let map = join(&all);
    let spent = start.elapsed();
    println!("{number} services, {} ways: joined in {:.2} s", map.edges.len(), spent.as_secs_f64());
    Ok(())
}

/// The facts of one of the services.
fn service(at: usize, all: usize) -> Facts {
    let other = |step: usize| (at * 7 + step * 13 + 1) % all;
    let mut crossings: Vec<HopFacts> = (0..4)
        .map(|n| {
            let name = format!("CALLEE_{n}_ADDR");
            let address =
                Text(vec![Piece::Variable(Named { name, default: None }), Piece::Literal("/items".to_owned())]);
            hop(n as u32 + 10, Crossing::HttpCall, Peers { addresses: vec![address], ..Peers::default() })
        })
        .collect();
    crossings.extend((4..6).map(|n| {
        let remote = vec![format!("Remote{}", other(n))];
        hop(n as u32 + 10, Crossing::RpcCall, Peers { remote, ..Peers::default() })
    }));
    if at.is_multiple_of(4) {
        let channel =
            |at: usize| Peers { channels: vec![Text::literal(&format!("topic-{}", at / 4 % 100))], ..Peers::default() };
        crossings.push(hop(30, Crossing::Produce, channel(at)));
        crossings.push(hop(31, Crossing::Consume, channel(at + 4)));
    }
    crossings.push(hop(40, Crossing::Serve, Peers::default()));
    let environment = (0..4).map(|n| Variable {
        name: format!("CALLEE_{n}_ADDR"),
        value: format!("http://service-{}:8080", other(n)),
        line: n as u32 + 5,
        common: false,
    });
    let name = format!("service-{at}");
    Facts {
        version: VERSION,
        repository: name.clone(),
        workloads: vec![Workload {
            path: "deploy.yaml".to_owned(),
            line: 1,
            name: name.clone(),
            hosts: vec![name.clone()],
            runs: vec![".".to_owned()],
            environment: environment.collect(),
            ..Workload::default()
        }],
        services: vec![ServiceFacts {
            service: ServiceReport {
                name,
                root: ".".to_owned(),
                language: Language::Go,
                stacks: Vec::new(),
                hops: HopCounts { carried: crossings.len(), ..HopCounts::default() },
            },
            crossings,
            names: Vec::new(),
            called: Vec::new(),
            logged: None,
            formats: None,
            spans_to_end: 0,
            entered: false,
            routes: Vec::new(),
            starts: Vec::new(),
            implements: vec![Implemented { name: format!("Remote{at}"), path: "main.go".to_owned(), line: 3 }],
        }],
        ..Facts::default()
    }
}

fn hop(line: u32, kind: Crossing, peers: Peers) -> HopFacts {
    HopFacts {
        path: "main.go".to_owned(),
        line,
        column: 2,
        kind,
        library: "net-http".to_owned(),
        function: "handle".to_owned(),
        standing: Standing::Carried,
        because: "its client is instrumented".to_owned(),
        rule: "uninstrumented-http-client".to_owned(),
        peers,
        made: None,
        lost: None,
    }
}
