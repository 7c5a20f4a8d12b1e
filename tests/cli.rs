//! The command as a process.

use assert_cmd::Command;

fn run(folder: &std::path::Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("hoplint").unwrap().current_dir(folder).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn exit_statuses_and_messages() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(run(at, &["--version"]).0, 0);
    assert_eq!(run(at, &[]).0, 3);
    let (status, _, error) = run(at, &["chekc"]);
    assert!(status == 2 && error.contains("did you mean `hoplint check`?"), "{error}");
    let (status, _, error) = run(at, &["--select", "context-replacd"]);
    assert!(status == 2 && error.contains("did you mean `context-replaced`?"), "{error}");
    let (status, out, _) = run(at, &["explain", "hop202"]);
    assert!(status == 0 && out.contains("## Use instead"));
    assert_eq!(run(at, &["explain", "nonsense"]).0, 2);
    let (status, _, error) = run(at, &["--since", "--output=x"]);
    assert_eq!(status, 2, "{error}");
    std::fs::write(at.join("hoplint.toml"), "selct = []\n").unwrap();
    let (status, _, error) = run(at, &[]);
    assert!(status == 2 && error.contains("hoplint.toml:1:1") && error.contains("`select`"), "{error}");
    assert_eq!(run(at, &["--no-config"]).0, 3);
}

#[test]
fn committed_schemas_are_current() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (of, file) in [("config", "hoplint"), ("check", "check"), ("map", "map")] {
        let (_, out, _) = run(here, &["config-schema", "--of", of]);
        let committed = std::fs::read_to_string(here.join(format!("schemas/{file}.schema.json"))).unwrap();
        assert_eq!(out, committed, "run `hoplint config-schema --of {of} > schemas/{file}.schema.json`");
    }
}
