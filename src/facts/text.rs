//! Texts that a program puts together: addresses, names of topics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
        let mut out = Self::default();
        for piece in &self.0 {
            let value = match piece {
                Piece::Variable(named) | Piece::Setting(named) => known(piece).or_else(|| named.default.clone()),
                _ => None,
            };
            match value {
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
