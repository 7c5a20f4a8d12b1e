//! Texts that a program puts together: addresses, names of topics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many settings may stand inside one another.
const MAX_SETTINGS: u32 = 8;
/// Into how many pieces settings may grow.
const MAX_PIECES: usize = 64;

/// A text, as far as the code tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Text(pub Vec<Piece>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// These letters.
    Literal(String),
    /// The value of an environment variable.
    Variable(Named),
    /// The value of one of the application's settings.
    Setting(Named),
    /// Something that the code does not tell.
    Unknown,
}

/// A variable or setting, and what takes its place where it is not set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What takes its place, where the code says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl Text {
    /// A text that is known.
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Literal(text.to_owned())])
    }

    /// A text of which nothing is known.
    pub fn unknown() -> Self {
        Self(vec![Piece::Unknown])
    }

    /// Whether nothing at all is known of it.
    pub fn is_unknown(&self) -> bool {
        self.0.iter().all(|piece| *piece == Piece::Unknown)
    }

    /// Whether it is known to hold no letter.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Literal(text) if text.is_empty()))
    }

    /// A text in which a framework fills in settings: `http://${till.host:till}/x`.
    pub fn written(text: &str) -> Self {
        let mut out = Self::default();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some(end) = closing(after) else { break };
            let (inside, behind) = (after.get(..end).unwrap_or_default(), after.get(end + 1..).unwrap_or_default());
            let (name, default) = inside.split_once(':').map_or((inside, None), |(name, value)| (name, Some(value)));
            if !before.is_empty() {
                out.push(&Self::literal(before));
            }
            let named = Named { name: name.to_owned(), default: default.map(str::to_owned) };
            out.push(&Self(vec![Piece::Setting(named)]));
            rest = behind;
        }
        if !rest.is_empty() || out.0.is_empty() {
            out.push(&Self::literal(rest));
        }
        out
    }

    /// The text with what files of settings say put in: a value that is given from outside goes before it.
    pub fn told(&self, value: &dyn Fn(&str) -> Option<String>) -> Self {
        self.told_within(value, MAX_SETTINGS)
    }

    fn told_within(&self, value: &dyn Fn(&str) -> Option<String>, depth: u32) -> Self {
        let mut out = Self::default();
        for piece in &self.0 {
            let told = match piece {
                Piece::Setting(named) if depth > 0 && out.0.len() < MAX_PIECES => {
                    value(&named.name).map(|told| (named, told))
                }
                _ => None,
            };
            match told {
                Some((_, told)) if told.contains("${") => {
                    out.push(&Self::written(&told).told_within(value, depth - 1));
                }
                Some((named, told)) => {
                    out.push(&Self(vec![Piece::Setting(Named { name: named.name.clone(), default: Some(told) })]));
                }
                None => out.push(&Self(vec![piece.clone()])),
            }
        }
        out
    }

    /// Adds another text behind this one.
    pub fn push(&mut self, other: &Self) {
        for piece in &other.0 {
            match (self.0.last_mut(), piece) {
                (Some(Piece::Literal(last)), Piece::Literal(more)) => last.push_str(more),
                (Some(Piece::Unknown), Piece::Unknown) => {}
                _ => self.0.push(piece.clone()),
            }
        }
    }

    /// The text with what `known` says of variables and settings put in; a default where it says nothing.
    pub fn filled(&self, known: &dyn Fn(&Piece) -> Option<String>) -> Self {
        self.filled_within(known, MAX_SETTINGS)
    }

    fn filled_within(&self, known: &dyn Fn(&Piece) -> Option<String>, depth: u32) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::unknown() };
        let mut out = Self::default();
        for piece in &self.0 {
            let value = match piece {
                Piece::Variable(named) | Piece::Setting(named) => known(piece).or_else(|| named.default.clone()),
                _ => None,
            };
            match value {
                // A default that names another setting is shorter than what it stands in.
                Some(value) if value.contains("${") => out.push(&Self::written(&value).filled_within(known, depth)),
                Some(value) => out.push(&Self::literal(&value)),
                None => out.push(&Self(vec![piece.clone()])),
            }
        }
        out
    }
}

impl std::fmt::Display for Text {
    /// For people: `http://${CART_ADDR}/…`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.write_str(text)?,
                Piece::Variable(named) | Piece::Setting(named) => write!(out, "${{{}}}", named.name)?,
                Piece::Unknown => out.write_str("…")?,
            }
        }
        Ok(())
    }
}

/// Where the brace closes that was opened before a text.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_u32;
    text.char_indices().find_map(|(at, letter)| {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn settings_in_a_literal_are_seen() {
        let show = |text: &str| Text::written(text).to_string();
        assert_eq!(show("http://${till.host:till}/x"), "http://${till.host}/x");
        assert_eq!((show("plain"), show("${open")), ("plain".to_owned(), "${open".to_owned()));
        assert_eq!(Text::written("${a:${b:c}}").filled(&|_| None), Text::literal("c"));
    }

    #[test]
    fn files_of_settings_are_put_in_once() {
        let told = |name: &str| match name {
            "till.url" => Some("http://${till.host:till}:80".to_owned()),
            "loop" => Some("${loop}".to_owned()),
            _ => None,
        };
        let filled = |text: &str| Text::written(text).told(&told).filled(&|_| None).to_string();
        assert_eq!(filled("${till.url}/x"), "http://till:80/x");
        assert_eq!(filled("${loop}"), "${loop}");
    }
}
