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
    let folders: Vec<&str> = path.split('/').collect();
    // `com/example` is a package's name, not a folder of examples.
    let is_domain = |at: usize| at > 0 && ["com", "org", "net", "io"].contains(&folders[at - 1]);
    (0..folders.len().saturating_sub(1)).any(|at| asides.contains(&folders[at]) && !is_domain(at))
        || ["smoketest", "locust", "conftest", "benchmark"]
            .iter()
            .any(|word| path.rsplit('/').next().unwrap_or_default().starts_with(word))
        || path.contains("pytest")
}

#[cfg(test)]
mod tests {
    use super::is_aside;

    #[test]
    fn folders_of_examples_are_aside_and_packages_are_not() {
        assert!(is_aside("examples/till/main.go"));
        assert!(is_aside("service/e2e/run.go"));
        assert!(!is_aside("src/main/java/com/example/till/Till.java"));
        assert!(is_aside("example/src/main/java/com/example/till/Till.java"));
        assert!(!is_aside("pkg/example.go"));
    }
}
