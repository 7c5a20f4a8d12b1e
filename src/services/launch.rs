//! What a deployment file says about one container or process, before it is known whose it is.

use crate::paths::file_name;

/// One thing that a deployment file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) kind: FactKind,
    /// 1-based line.
    pub(super) line: u32,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FactKind {
    /// An environment variable of the process.
    Variable(String, String),
    /// One that it is given together with others, by a map or file of settings.
    Common(String, String),
    /// The process is started by this command; with the word that introduces it ("ENTRYPOINT").
    Command(String, String),
    /// This command builds it.
    Build(String),
    /// Arguments of the virtual machine.
    Arguments(String),
    /// An annotation or label on the pod template.
    Annotation(String, String),
    /// The image that it is built on.
    Base(String),
    /// A file that is put into its image.
    Copied(String),
    /// A resource of a platform asks for it: the group of its API, and its settings by their keys with dots between.
    Resource(String, Vec<(String, String)>),
    /// A neighbour runs from this image; whether it surely looks at this very process.
    Neighbour(String, bool),
}

/// One container or process of a deployment file.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch {
    /// The file, relative to the workspace root.
    pub(super) path: String,
    /// What it is called: service, container, image, workload.
    pub(super) names: Vec<String>,
    /// What people call it, where that is none of the first of its names.
    pub(super) title: String,
    /// Names by which others reach it.
    pub(super) hosts: Vec<String>,
    /// The image that it runs, as written.
    pub(super) image: String,
    /// 1-based line at which it begins.
    pub(super) line: u32,
    /// Paths that it mentions, the surest first: its start, its work folder, what it copies.
    pub(super) mentions: Vec<String>,
    /// The folder that it is built from, relative to the workspace root, where one is said.
    pub(super) context: Option<String>,
    /// The Dockerfile that it is built from, relative to the workspace root.
    pub(super) dockerfile: Option<String>,
    /// Commands that bring files into the image: they tell what a renamed file is.
    pub(super) fetches: Vec<String>,
    pub(super) facts: Vec<Fact>,
    /// Whether an unnamed one may be taken for the unit around it.
    pub(super) is_local: bool,
}

impl Launch {
    /// An empty one for a file.
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), line: 1, ..Self::default() }
    }

    /// Notes a fact.
    pub(super) fn say(&mut self, line: u32, kind: FactKind) {
        self.facts.push(Fact { kind, line });
    }
}

/// The name of an image without registry, tag and digest.
pub(crate) fn image_name(image: &str) -> &str {
    let name = file_name(image.split('@').next().unwrap_or(image));
    name.split(':').next().unwrap_or(name)
}

/// How deep defaults may lie in each other, and how long one may be.
const MAX_DEPTH: usize = 4;
const MAX_DEFAULT: usize = 1024;

/// `text` with `$NAME` and `${NAME}` (and `${NAME:-default}`) replaced where they are known.
pub(crate) fn expand(text: &str, known: &[(String, String)]) -> String {
    expand_within(text, known, MAX_DEPTH)
}

fn expand_within(text: &str, known: &[(String, String)], depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, fallback, used) = variable(after);
        match known.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) if !name.is_empty() => out.push_str(value),
            _ => match fallback.filter(|_| depth > 0) {
                Some(value) => out.push_str(&expand_within(value, known, depth - 1)),
                None => out.push_str(&rest[at..at + 1 + used]),
            },
        }
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// Whether [`expand`] puts a default into a text for want of a value.
pub(crate) fn falls_back(text: &str, known: &[(String, String)]) -> bool {
    let uses = text.match_indices('$').map(|(at, mark)| variable(&text[at + mark.len()..]));
    let is_known = |name: &str| known.iter().any(|(known, _)| known == name);
    uses.into_iter().any(|(name, fallback, _)| fallback.is_some() && !is_known(name))
}

/// The name behind a `$`, its default, and how many bytes both take.
fn variable(after: &str) -> (&str, Option<&str>, usize) {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(inner) = after.strip_prefix('{')
        && let Some(end) = closing(inner)
    {
        let body = &inner[..end];
        let (name, rest) = body.split_at(body.find(|c| !is_of_name(c)).unwrap_or(body.len()));
        return match rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')) {
            Some(fallback) => (name, Some(fallback), end + 2),
            // One that must be set is what it is set to; what else is done with a value is not known.
            None if rest.is_empty() || rest.starts_with(":?") || rest.starts_with('?') => (name, None, end + 2),
            None => ("", None, end + 2),
        };
    }
    let end = after.find(|c| !is_of_name(c)).unwrap_or(after.len());
    (&after[..end], None, end)
}

/// Where the brace closes that was opened before a text.
fn closing(inner: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in inner.bytes().enumerate().take(MAX_DEFAULT) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The 1-based line of the first line that contains `needle`, from line `from` (0-based) on.
pub(super) fn line_of(text: &str, needle: &str, from: usize) -> u32 {
    let needle = needle.lines().next().unwrap_or(needle).trim();
    text.lines().enumerate().skip(from).find(|(_, line)| line.contains(needle)).map_or(1, |(at, _)| at as u32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded() {
        let known = vec![("A".to_owned(), "1".to_owned())];
        assert_eq!(expand("$A-${A}-${B:-2}-${C}-$$", &known), "1-1-2-${C}-$$");
        assert_eq!(expand("${B-${C:-${A:?none}}}/${A#x}/${A", &known), "1/${A#x}/${A");
        assert!(falls_back("${B:-2}", &known) && !falls_back("${A:-2}$B", &known));
        assert!(!expand(&"${B:-".repeat(5000), &known).is_empty());
    }

    #[test]
    fn an_image_has_a_short_name() {
        assert_eq!(image_name("gcr.io:5000/x/cart-service:v1@sha256:ab"), "cart-service");
    }
}
