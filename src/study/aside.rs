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
    path.split('/').rev().skip(1).any(|folder| asides.contains(&folder))
        || ["smoketest", "locust", "conftest", "benchmark"]
            .iter()
            .any(|word| path.rsplit('/').next().unwrap_or_default().starts_with(word))
        || path.contains("pytest")
}
