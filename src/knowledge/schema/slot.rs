//! The words for a place in a call.

use serde::Deserialize;
use ustr::Ustr;

/// Where in a call something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The value before the dot.
    Receiver,
    /// A positional argument, counted from 0 (Python and Java methods without `self`/`this`).
    Arg(u8),
    /// A keyword argument, or a Go composite literal's field.
    Named(Ustr),
    /// A parameter that takes its argument by position, counted from 0, or by keyword (Python).
    Param(u8, Ustr),
    /// A result, counted from 0.
    Result(u8),
    /// Any argument.
    AnyArg,
    /// A variable of a library that the whole process shares (`net/http.DefaultClient`).
    Global(Ustr),
    /// The ambient context: what is current on this thread, task or goroutine.
    Ambient,
    /// Nothing: the library takes none here (the call variant carries no context).
    None,
}

impl Slot {
    /// Whether a call that names it not leaves it at its default, as keywords can be left out.
    pub fn is_keyword(self) -> bool {
        matches!(self, Self::Named(_) | Self::Param(..))
    }
}

impl std::fmt::Display for Slot {
    /// Writes it as descriptions do.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Receiver => out.write_str("receiver"),
            Self::Arg(n) => write!(out, "arg {n}"),
            Self::Named(name) => write!(out, "arg {name}"),
            Self::Param(n, name) => write!(out, "arg {n} {name}"),
            Self::Result(0) => out.write_str("result"),
            Self::Result(n) => write!(out, "result {n}"),
            Self::AnyArg => out.write_str("args"),
            Self::Global(name) => write!(out, "global {name}"),
            Self::Ambient => out.write_str("ambient"),
            Self::None => out.write_str("none"),
        }
    }
}

impl std::str::FromStr for Slot {
    type Err = String;

    /// Reads `receiver`, `result`, `result 1`, `arg 0`, `arg headers`, `arg 1 context`, `args`, `global net/http.DefaultClient`, `ambient`,
    /// `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "receiver" => Self::Receiver,
            "result" => Self::Result(0),
            "args" => Self::AnyArg,
            "ambient" => Self::Ambient,
            "none" => Self::None,
            _ => match text.split_once(' ') {
                Some(("result", n)) => Self::Result(n.parse().map_err(|_| format!("`{n}` is no result number"))?),
                Some(("global", name)) => Self::Global(Ustr::from(name)),
                Some(("arg", place)) => match place.split_once(' ') {
                    Some((n, name)) => {
                        let n = n.parse().map_err(|_| format!("`{n}` is no argument's number"))?;
                        Self::Param(n, Ustr::from(name))
                    }
                    None => place.parse().map_or_else(|_| Self::Named(Ustr::from(place)), Self::Arg),
                },
                _ => {
                    return Err(format!(
                        "`{text}` is no place in a call: receiver, result N, arg N, arg name, arg N name, args, global name, ambient, none"
                    ));
                }
            },
        })
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
