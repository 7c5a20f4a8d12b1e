//! What a path says: test code or not, safe to print or not.

use crate::ir::Language;

/// Whether a file is test code by its path from the root. Tests are roots of traces by definition and never judged.
///
/// A folder of tests counts only outside of `src/main`, where `test` is a package like any other.
pub fn is_test_path(path: &str, language: Language) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    match language {
        Language::Go => name.ends_with("_test.go") || has_folder(folders, &["test", "tests", "e2e", "testdata"]),
        Language::Python => is_python_test(name) || has_folder(folders, &["test", "tests"]),
        Language::Java => is_java_test(folders, name),
    }
}

fn is_python_test(name: &str) -> bool {
    name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py" || name == "tests.py"
}

fn is_java_test(folders: &str, name: &str) -> bool {
    let parts: Vec<&str> = folders.split('/').collect();
    let source_set = parts.windows(2).find(|pair| pair[0] == "src").map(|pair| pair[1]);
    match source_set {
        Some("main") => false,
        Some("it") => true,
        Some(set) if is_test_set(set) => true,
        _ => {
            let stem = name.strip_suffix(".java").unwrap_or(name);
            let suffixes = ["Test", "Tests", "TestCase", "IT"];
            suffixes.iter().any(|suffix| stem.len() > suffix.len() && stem.ends_with(suffix))
                || has_folder(folders, &["test", "tests"])
        }
    }
}

/// Whether a source set (`src/integrationTest`, `src/acceptance-test`) is one of tests.
fn is_test_set(set: &str) -> bool {
    set.starts_with("test") || set.split(['-', '_']).any(|word| matches!(word, "test" | "tests")) || {
        ["Test", "Tests"].iter().any(|end| set.ends_with(end))
    }
}

fn has_folder(folders: &str, names: &[&str]) -> bool {
    folders.split('/').any(|folder| names.contains(&folder))
}

/// Whether a name can stand in any output as it is: no control characters, no reordering of text.
pub(super) fn is_printable(name: &str) -> bool {
    !name.chars().any(is_unsafe)
}

/// A name for people, with control and reordering characters written as Rust escapes (`\n`, `\u{1b}`).
pub fn escape_name(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for character in name.chars() {
        if is_unsafe(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_tests_by_path() {
        for path in ["a/b_test.go", "test/e2e/run.go", "testdata/x.go"] {
            assert!(is_test_path(path, Language::Go), "{path}");
        }
        assert!(!is_test_path("pkg/testing.go", Language::Go));
        for path in ["test_a.py", "a/tests/b.py", "conftest.py", "a_test.py"] {
            assert!(is_test_path(path, Language::Python), "{path}");
        }
        assert!(!is_test_path("app/attest.py", Language::Python));
        for path in [
            "m/src/test/java/a/B.java",
            "src/integrationTest/java/B.java",
            "src/acceptance-test/java/B.java",
            "a/BTest.java",
            "a/BIT.java",
        ] {
            assert!(is_test_path(path, Language::Java), "{path}");
        }
        assert!(!is_test_path("m/src/main/java/a/test/LoadTest.java", Language::Java));
        assert!(!is_test_path("a/TestController.java", Language::Java));
    }

    #[test]
    fn escapes_what_could_act() {
        assert_eq!(escape_name("a\n::set-output\u{1b}[0m"), "a\\n::set-output\\u{1b}[0m");
        assert_eq!(escape_name("größe\u{202e}"), "größe\\u{202e}");
        assert!(is_printable("::set-output name=größe"));
    }
}
