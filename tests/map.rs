//! The map of a small system, in every format, from one tree and from facts files.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/shop")
}

/// What the command prints in a folder; it must succeed.
fn run(folder: &Path, args: &[&str]) -> String {
    let output = Command::cargo_bin("hoplint").unwrap().current_dir(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The ways of a map: from, to, how they are joined, how they stand.
fn ways(map: &str) -> Vec<(String, String, String, String)> {
    let map: Value = serde_json::from_str(map).unwrap();
    let name = |at: &Value| map["nodes"][at.as_u64().unwrap() as usize]["name"].as_str().unwrap().to_owned();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let edges = map["edges"].as_array().unwrap();
    edges
        .iter()
        .map(|edge| (name(&edge["from"]), name(&edge["to"]), word(&edge["by"]), word(&edge["standing"])))
        .collect()
}

#[test]
fn the_ways_between_services_are_found_and_judged() {
    let found = ways(&run(&shop(), &["map", "--format", "json"]));
    let expected = [
        ("checkout", "email", "email:6060", "broken"),
        ("checkout", "payment", "payment:7000", "unknown"),
        ("checkout", "db", "DB_URL=db:5432", "unknown"),
        ("email", "api.carrier.example.com", "api.carrier.example.com", "unknown"),
    ];
    for (from, to, by, standing) in expected {
        let way = (from.to_owned(), to.to_owned(), by.to_owned(), standing.to_owned());
        assert!(found.contains(&way), "{way:?} is not among {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn text_names_the_place_that_breaks() {
    insta::assert_snapshot!(run(&shop(), &["map"]));
}

#[test]
fn graphs_are_drawn_for_other_programs() {
    insta::assert_snapshot!("mermaid", run(&shop(), &["map", "--format", "mermaid"]));
    insta::assert_snapshot!("dot", run(&shop(), &["map", "--format", "dot"]));
}

#[test]
fn the_page_holds_the_map_and_needs_nothing_else() {
    let page = run(&shop(), &["map", "--format", "html"]);
    assert!(page.contains("\"name\":\"checkout\"") && page.contains("uninstrumented-http-client"));
    assert!(!page.contains("HOPLINT_DATA") && !page.contains("https://"));
}

#[test]
fn facts_of_several_repositories_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for service in ["checkout", "email"] {
        run(&shop().join(service), &["facts", "--name", service, "--output-file", &at(&format!("{service}.json"))]);
    }
    let facts = std::fs::read_to_string(at("checkout.json")).unwrap();
    assert_eq!(facts, run(&shop().join("checkout"), &["facts", "--name", "checkout"]));
    let found = ways(&run(folder.path(), &["map", "--format", "json", "checkout.json", "email.json"]));
    let way = ("checkout", "email", "${EMAIL_ADDR}", "broken");
    let named: Vec<_> = found.iter().map(|way| (&*way.0, &*way.1, &*way.2, &*way.3)).collect();
    assert!(named.contains(&way), "{found:#?}");
}

#[test]
fn no_secret_of_the_deployment_is_told() {
    for args in [&["facts"][..], &["map"], &["map", "--format", "json"], &["map", "--format", "html"]] {
        assert!(!run(&shop(), args).contains("secret"), "{args:?}");
    }
}

/// The ways of a tree, each as `from -> to by what they have in common`.
fn ends(tree: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map").join(tree);
    let found = ways(&run(&folder, &["map", "--format", "json"]));
    found.into_iter().map(|(from, to, by, _)| format!("{from} -> {to} by {by}")).collect()
}

#[test]
fn messages_are_joined_by_the_names_of_their_channels() {
    // The topic of the first is a variable of its deployment, of the second a constant, of the third a setting that
    // takes a variable of a file; nobody takes what goes to `refunds`.
    assert_eq!(
        ends("messages"),
        ["audit -> refunds by refunds", "orders -> audit by orders.placed", "orders -> billing by orders.placed"]
    );
}

#[test]
fn settings_of_an_application_and_its_name_join_services() {
    // `mail` calls itself `post`, `shop-stock` calls itself `stock`; a gateway's route names `pages`.
    assert_eq!(ends("spring"), ["web -> mail by post:8080", "web -> pages by pages", "web -> shop-stock by stock"]);
}

#[test]
fn services_of_a_cluster_are_found_by_their_names_maps_and_charts() {
    let found = ends("cluster");
    assert_eq!(
        found,
        ["till -> ledger by LEDGER_ADDR=books:8080", "web -> ledger by books:8080", "web -> till by Till"]
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/cluster");
    assert!(!run(&folder, &["facts"]).contains("not to be told"));
}

#[test]
fn each_caller_of_a_helper_has_the_address_that_it_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/helpers");
    let map: Value = serde_json::from_str(&run(&folder, &["map", "--format", "json"])).unwrap();
    for by in ["till:80", "books:81"] {
        let ways: Vec<_> = map["edges"].as_array().unwrap().iter().filter(|edge| edge["by"] == by).collect();
        assert_eq!((ways.len(), ways[0]["near"].as_array().unwrap().len()), (1, 1), "{by}");
    }
}

#[test]
fn ways_are_found_by_hosts_models_shared_files_common_variables_and_proxies() {
    // `bot` and `guide` both hold the file whose code asks `pages`; `ledger`, whose code is not there, is given the topic
    // that `web` sends to by the same variable. A collector is no service to which a trace goes on;
    // `door` is a proxy.
    assert_eq!(
        ends("helpers"),
        [
            "bot -> desk by desk:82",
            "bot -> pages by pages:83",
            "guide -> pages by pages:83",
            "web -> books by books:81",
            "web -> flags by FLAGS_HOST=flags",
            "web -> ledger by sales",
            "web -> till by till:80",
            "door -> web by web:8080",
            "ledger -> db by DB=db",
            "ledger -> valkey by VALKEY_ADDR=valkey:6379",
        ]
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/helpers");
    assert!(!run(&folder, &["facts"]).contains("secret"));
    // The same from outside of the tree.
    let from_above = ways(&run(folder.parent().unwrap(), &["map", "--format", "json", "helpers"]));
    assert!(from_above.iter().any(|way| (&*way.0, &*way.2) == ("guide", "pages:83")), "{from_above:#?}");
}

#[test]
fn a_call_under_a_fresh_context_breaks_its_way_whatever_its_client_carries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/parted");
    let map: Value = serde_json::from_str(&run(&folder, &["map", "--format", "json"])).unwrap();
    let stands = |by: &str| {
        let way = map["edges"].as_array().unwrap().iter().find(|edge| edge["by"] == by).unwrap();
        (way["leaves"]["standing"].clone(), way["near"][0]["lost"]["line"].clone())
    };
    assert_eq!(stands("mill:7000"), ("carried".into(), Value::Null));
    assert_eq!(stands("oven:7001"), ("broken".into(), 48.into()));
    assert_eq!(stands("till:7002"), ("broken".into(), 35.into()));
}

#[test]
fn types_of_a_shared_package_are_what_the_configuration_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/shared");
    let way = |from: &str, to: &str| (from.to_owned(), to.to_owned(), "print-flyer".to_owned(), "carried".to_owned());
    assert_eq!(ways(&run(&folder, &["map", "--format", "json"])), [way("desk", "press")]);
    assert_eq!(ways(&run(&folder, &["map", "--no-config", "--format", "json"])), []);
}

#[test]
fn names_that_code_gives_its_spans_are_known() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/helpers");
    let facts: Value = serde_json::from_str(&run(&folder, &["facts"])).unwrap();
    let called = |service: &str| {
        let mut services = facts["services"].as_array().unwrap().iter();
        services.find(|one| one["name"] == service).unwrap()["called"][0]["name"][0]["literal"].clone()
    };
    assert_eq!((called("web"), called("bot"), called("guide")), ("front".into(), "helper".into(), Value::Null));
}

#[test]
fn ends_whose_code_sets_other_formats_do_not_understand_each_other() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/formats");
    let map: Value = serde_json::from_str(&run(&folder, &["map", "--format", "json"])).unwrap();
    let way = |by: &str| map["edges"].as_array().unwrap().iter().find(|edge| edge["by"] == by).unwrap().clone();
    let (till, books) = (way("till:80"), way("books:81"));
    assert_eq!(
        (&till["standing"], &till["because"]),
        (&"broken".into(), &"web writes b3, and till reads tracecontext".into())
    );
    assert_eq!(books["standing"], "carried", "{}", books["because"]);
    let facts: Value = serde_json::from_str(&run(&folder, &["facts"])).unwrap();
    let set = |at: usize| facts["services"][at]["formats"]["formats"].to_string();
    assert_eq!([set(0), set(1), set(2)], [r#"["b3","tracecontext"]"#, r#"["tracecontext"]"#, r#"["b3"]"#]);
}

#[test]
fn each_end_of_a_way_is_judged_by_itself() {
    // `gate` is a proxy whose configuration names `web`, `till` takes traces by an option of its handlers, `press` is in a
    // language that is not read and runs under an agent, `db` is built on the image of a database.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/ends");
    let map: Value = serde_json::from_str(&run(&folder, &["map", "--format", "json"])).unwrap();
    let name = |at: &Value| map["nodes"][at.as_u64().unwrap() as usize]["name"].as_str().unwrap().to_owned();
    let told: Vec<String> = map["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let (from, to, stands) = (name(&edge["from"]), name(&edge["to"]), word(&edge["standing"]));
            let (leaves, arrives) = (word(&edge["leaves"]["standing"]), word(&edge["arrives"]["standing"]));
            format!("{from} -> {to} {stands} ({leaves}, {arrives}): {}", word(&edge["because"]))
        })
        .collect();
    let expected = [
        "web -> till carried (carried, carried): both ends hand the trace on",
        "web -> db unknown (unknown, unknown): db keeps data: no trace goes on behind it",
        "web -> press unknown (carried, unknown): press is traced by OpenTelemetry Java agent and its distributions, but \
         its code was not read; web hands it on as tracecontext",
        "gate -> web carried (carried, carried): gate passes headers on, and web takes it",
    ];
    assert_eq!(told, expected);
}

#[test]
fn processes_of_a_repository_for_deployment_run_the_code_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for service in ["checkout", "email"] {
        run(&shop().join(service), &["facts", "--name", service, "--output-file", &at(&format!("{service}.json"))]);
    }
    let deploy = folder.path().join("deploy");
    std::fs::create_dir(&deploy).unwrap();
    let compose = "services:\n  post:\n    image: example/email:1\n  desk:\n    image: example/checkout:1\n    environment:\n      EMAIL_ADDR: http://post:80\n";
    std::fs::write(deploy.join("compose.yaml"), compose).unwrap();
    run(&deploy, &["facts", "--name", "deploy", "--output-file", &at("deploy.json")]);
    let found = ways(&run(folder.path(), &["map", "--format", "json", "checkout.json", "email.json", "deploy.json"]));
    let named: Vec<_> = found.iter().map(|way| (&*way.0, &*way.1, &*way.2)).collect();
    assert!(named.contains(&("checkout", "email", "post:80")), "{found:#?}");
}

#[test]
fn addresses_in_objects_and_listeners_without_a_trace_join_repositories() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/repos");
    let found = ways(&run(&folder, &["map", "--format", "json", "desk", "oven", "belt"]));
    let named: Vec<_> = found.iter().map(|way| (&*way.0, &*way.1, &*way.2)).collect();
    let expected =
        [("desk", "oven", "oven"), ("desk", "weather.example.com", "weather.example.com"), ("oven", "belt", "loaves")];
    assert_eq!(named, expected, "{found:#?}");
}

#[test]
fn settings_of_an_application_and_names_of_tasks_join_repositories_of_one_house() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/map/house");
    let found = ways(&run(&folder, &["map", "--format", "json", "bakery-web", "bakery-oven-api", "bakery-worker"]));
    let named: Vec<_> = found.iter().map(|way| (&*way.0, &*way.1, &*way.2)).collect();
    let expected = [
        ("bakery-web", "bakery-oven-api", "${OVEN_API_HOST}"),
        ("bakery-web", "bakery-worker", "pack-loaf"),
        ("bakery-web", "bakery-worker", "worker.label"),
    ];
    assert_eq!(named, expected, "{found:#?}");
}

#[test]
fn facts_that_are_none_get_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    for (text, words) in [
        ("{", "holds no facts"),
        (
            "{\"version\": 99, \"repository\": \"\", \"services\": [], \"workloads\": [], \"findings\": [], \"skipped\": []}",
            "version 99",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = Command::cargo_bin("hoplint").unwrap().args(["map"]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words));
    }
}
