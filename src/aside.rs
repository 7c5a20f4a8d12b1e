//! Code beside the services: examples, tools, tests.

/// Folders that are parts of the program inside a Python package: `agent/tools` holds what an agent calls.
const PARTS: &[&str] = &["tools", "integration", "testing", "script", "canary"];

/// Folders whose names say nothing of a Go package that services are built with: `tools` of a server of tools.
const BUILT_PARTS: &[&str] = &["tools", "integration", "canary", "script", "ci"];

/// Whether a path lies in a folder of examples, tools or tests.
pub fn is_aside(path: &str) -> bool {
    lies_aside(path, |at, folder| at > 0 && path.ends_with(".py") && PARTS.contains(&folder))
}

/// Whether a Go file lies aside by the name of a folder that services have parts in, too: what is built with it decides.
pub(crate) fn is_aside_unless_built(path: &str) -> bool {
    path.ends_with(".go") && is_aside(path) && !lies_aside(path, |_, folder| BUILT_PARTS.contains(&folder))
}

/// Whether a file lies aside only as a part of a command line: `internal/cli/commands/serve`.
pub(crate) fn is_of_command_line(path: &str) -> bool {
    is_aside(path) && !lies_aside(path, |_, folder| folder == "cli")
}

fn lies_aside(path: &str, is_part: impl Fn(usize, &str) -> bool) -> bool {
    let asides = [
        "example",
        "examples",
        "samples",
        "sample",
        "tools",
        "hack",
        "scripts",
        "script",
        "bench",
        "benchmark",
        "benchmarks",
        "loadtest",
        "canary",
        "mock",
        "mocks",
        "testing",
        "testutil",
        "e2e",
        "integration",
        "ci",
        "cli",
        "docs",
        "cookbook",
        "spike",
        "spikes",
        "notebooks",
        "pytest",
        "locust",
    ];
    let folders: Vec<&str> = folders(path).split('/').collect();
    let is_one =
        |at: usize, folder: &str| asides.contains(&folder) || is_command_line(folder) || is_control_at(&folders, at);
    folders.iter().enumerate().any(|(at, folder)| is_one(at, folder) && !is_part(at, folder))
        || ["smoketest", "locust", "conftest", "benchmark"]
            .iter()
            .any(|word| path.rsplit('/').next().unwrap_or_default().starts_with(word))
        || path.contains("pytest")
}

/// Whether a folder is named after a command for operators, as `till-cli` is: no request runs there.
fn is_command_line(folder: &str) -> bool {
    folder.ends_with("-cli") || folder.ends_with("_cli")
}

/// Whether a folder is named as commands are that control a service from outside: `tillctl`. Deep inside a service, such a
/// one is one of its packages.
fn is_control_at(folders: &[&str], at: usize) -> bool {
    let is_apart = at == 0 || matches!(folders.get(at - 1), Some(&("cmd" | "cmds" | "apps")));
    is_apart && folders.get(at).is_some_and(|folder| folder.len() > 4 && folder.ends_with("ctl"))
}

/// Whether a file is aside by the name of its command alone, which may be that of a service all the same: `cmd/tillctl`.
pub(crate) fn is_control(path: &str) -> bool {
    let folders: Vec<&str> = folders(path).split('/').collect();
    let others = (0..folders.len()).filter(|at| !is_control_at(&folders, *at)).map(|at| folders[at]);
    let rest: Vec<&str> = others.collect();
    rest.len() < folders.len() && !is_aside(&format!("{}/main.go", rest.join("/")))
}

/// Whether a file is a command that operators run by hand, by where frameworks look for such.
pub(crate) fn is_command(path: &str) -> bool {
    path.contains("/management/commands/") || path.starts_with("management/commands/")
}

/// Whether a file stands in for something in tests, by its name: `fake_provider.py`, `MockBank.java`. Words that are
/// parts of others (`Stub`, which generated clients are called) say nothing.
pub(crate) fn is_stand_in(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let starts = |word: &&str| {
        let rest = stem.strip_prefix(*word);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| !c.is_lowercase()))
    };
    ["fake", "Fake", "fakes", "mock", "Mock", "mocks"].iter().any(starts)
        || ["_fake", "_mock"].iter().any(|end| stem.ends_with(end))
}

/// Whether a path lies in a folder of what makes load, or stands in for something in tests: no request runs there.
pub(crate) fn is_support(path: &str) -> bool {
    const WORDS: &[&str] = &[
        "loadtest",
        "loadtests",
        "loadgen",
        "loadgenerator",
        "e2e",
        "mock",
        "mocks",
        "testutil",
        "testutils",
        "testing",
        "conformance",
    ];
    /// Ends of the names of packages that help tests: `shoptestutil`.
    const HELPERS: &[&str] = &["testutil", "testutils", "testhelper", "testhelpers", "testkit", "testsupport"];
    folders(path).split('/').any(|folder| {
        let words: Vec<String> = folder.split(['-', '_']).map(str::to_ascii_lowercase).collect();
        if words.len() > 1 && words.first().is_some_and(|word| word == "tests") {
            return true;
        }
        let pairs = words.windows(2).map(|pair| pair.concat());
        words.iter().cloned().chain(pairs).any(|word| {
            WORDS.contains(&word.as_str()) || is_test_package(&word) || HELPERS.iter().any(|end| word.ends_with(end))
        })
    })
}

/// Whether a package is named after what it tests with, as `httptest` and `systemtest` are.
fn is_test_package(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "latest",
        "contest",
        "attest",
        "protest",
        "greatest",
        "fastest",
        "backtest",
        "abtest",
        "speedtest",
        "pentest",
    ];
    name.len() > 4 && name.ends_with("test") && !OTHERS.contains(&name)
}

/// The folders that a file lies in, without those that are only the words of a Java package (`org/shop/samples`).
fn folders(path: &str) -> &str {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.find("src/main/java").and_then(|at| folders.get(..at)).unwrap_or(folders)
}

/// Whether a Go file is built for systems alone on which services seldom run, by its name: `task_windows.go`.
pub(crate) fn is_for_other_system(path: &str) -> bool {
    const SYSTEMS: &[&str] = &[
        "windows",
        "darwin",
        "freebsd",
        "netbsd",
        "openbsd",
        "dragonfly",
        "solaris",
        "illumos",
        "plan9",
        "aix",
        "js",
        "wasip1",
    ];
    const PROCESSORS: &[&str] = &["amd64", "arm64", "386", "arm", "wasm"];
    let stem = path.strip_suffix(".go").unwrap_or(path);
    let mut words = stem.rsplit('/').next().unwrap_or(stem).split('_').skip(1).collect::<Vec<_>>();
    words.pop_if(|last| PROCESSORS.contains(last));
    words.last().is_some_and(|last| SYSTEMS.contains(last))
}

#[cfg(test)]
mod tests {
    use super::{is_aside, is_aside_unless_built, is_control, is_for_other_system, is_stand_in, is_support};

    #[test]
    fn files_for_other_systems_say_so() {
        assert!(is_for_other_system("till/task_windows.go") && is_for_other_system("task_darwin_arm64.go"));
        assert!(!is_for_other_system("till/windows.go") && !is_for_other_system("till/task_linux.go"));
    }

    #[test]
    fn folders_of_examples_are_aside_and_packages_are_not() {
        assert!(is_aside("examples/till/main.go"));
        assert!(is_aside("service/e2e/run.go"));
        assert!(!is_aside("src/main/java/com/example/till/Till.java"));
        assert!(!is_aside("src/main/java/org/till/samples/Till.java"));
        assert!(is_aside("example/src/main/java/com/example/till/Till.java"));
        assert!(!is_aside("pkg/example.go"));
        assert!(!is_aside("till/missionctl/pay.go") && is_aside("tillctl/main.go"));
        assert!(is_aside("cmd/tillctl/get.go") && is_aside("pkg/till-cli/get.go"));
        assert!(is_control("cmd/tillctl/main.go") && !is_control("examples/cmd/tillctl/main.go"));
        assert!(!is_aside("pkg/ctl/get.go") && !is_aside("pkg/client/get.go"));
        assert!(is_aside_unless_built("till/tools/search.go") && !is_aside_unless_built("till/mocks/tools/search.go"));
        assert!(is_aside("tools/till.py") && !is_aside("till/tools/search.py") && is_aside("till/tools/search.go"));
    }

    #[test]
    fn what_stands_in_says_so() {
        assert!(is_stand_in("till/fake_bank.py") && is_stand_in("a/MockBank.java") && is_stand_in("bank_mock.py"));
        assert!(!is_stand_in("till/fakery.py") && !is_stand_in("a/Mockingbird.java") && !is_stand_in("bank_stub.py"));
    }

    #[test]
    fn what_makes_load_or_stands_in_is_support() {
        assert!(is_support("cmd/till-loadtest/emit.go"));
        assert!(is_support("tools/load-generator/main.go"));
        assert!(is_support("internal/test_utils/till.go"));
        assert!(is_support("systemtest/tilltest/till.go"));
        assert!(is_support("internal/tilltestutils/till.go"));
        assert!(!is_support("internal/contest/latest/till.go"));
        assert!(!is_support("internal/workload/testimony.go"));
    }
}
