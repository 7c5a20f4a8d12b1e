//! Code beside the services: examples, tools, tests.

/// Whether a path lies in a folder of examples, tools or tests.
pub fn is_aside(path: &str) -> bool {
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
        "loadtest",
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
        "notebooks",
        "pytest",
        "locust",
    ];
    folders(path).split('/').any(|folder| asides.contains(&folder))
        || ["smoketest", "locust", "conftest", "benchmark"]
            .iter()
            .any(|word| path.rsplit('/').next().unwrap_or_default().starts_with(word))
        || path.contains("pytest")
}

/// The folders that a file lies in, without those that are only the words of a Java package (`org/shop/samples`).
fn folders(path: &str) -> &str {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.find("src/main/java").and_then(|at| folders.get(..at)).unwrap_or(folders)
}

#[cfg(test)]
mod tests {
    use super::is_aside;

    #[test]
    fn folders_of_examples_are_aside_and_packages_are_not() {
        assert!(is_aside("examples/till/main.go"));
        assert!(is_aside("service/e2e/run.go"));
        assert!(!is_aside("src/main/java/com/example/till/Till.java"));
        assert!(!is_aside("src/main/java/org/till/samples/Till.java"));
        assert!(is_aside("example/src/main/java/com/example/till/Till.java"));
        assert!(!is_aside("pkg/example.go"));
    }
}
