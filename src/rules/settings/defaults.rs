//! What a setting is where nobody sets it: by the tag of the field that it is read into, or by the call that reads it.

use crate::link::{Origin, ValueRef};
use crate::rules::clients::tag_of;
use crate::study::Study;
use ustr::Ustr;

/// The text that stands in for a setting, and the value by which it is asked.
pub(super) fn of_origin(study: &Study<'_>, origin: &Origin) -> Option<String> {
    match origin {
        Origin::Field(owner, name) => of_field(study, *owner, *name),
        _ => None,
    }
}

/// The value in a call that reads a setting which stands in for that.
pub(super) fn of_call(study: &Study<'_>, origin: &Origin) -> Option<ValueRef> {
    let Origin::Call(call, 0) = origin else { return None };
    let reads = study.fact(*call)?.effect.reads?;
    study.slot(*call, reads.default).first().copied()
}

/// What a field of an own type holds before settings are read into it, as its tag says.
fn of_field(study: &Study<'_>, owner: Ustr, name: Ustr) -> Option<String> {
    default_in(&tag_of(study, owner, name)?)
}

/// The default in a tag: under a key of its own (`default:"a"`, `envDefault:"a"`), or as a part of another key's value
/// (`env:"NAME, default=a"`).
fn default_in(tag: &str) -> Option<String> {
    let mut parts = tag.split('"');
    while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
        let key = key.trim().trim_end_matches(':').to_ascii_lowercase();
        if key.ends_with("default") {
            return Some(value.to_owned());
        }
        let inner = value.split(',').find_map(|part| part.trim().strip_prefix("default")?.strip_prefix(['=', ':']));
        if let Some(inner) = inner {
            return Some(inner.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::default_in;

    #[test]
    fn tags_tell_defaults() {
        let told = |tag: &str| default_in(tag);
        assert_eq!(told(r#"envconfig:"HOST" default:"http://a:1""#).as_deref(), Some("http://a:1"));
        assert_eq!(told(r#"env:"HOST" envDefault:"a:1""#).as_deref(), Some("a:1"));
        assert_eq!(told(r#"env:"HOST, default=http://a:1" description:"b""#).as_deref(), Some("http://a:1"));
        assert_eq!(told(r#"conf:"default:a:1,noprint""#).as_deref(), Some("a:1"));
        assert_eq!(told(r#"json:"host,omitempty""#), None);
        assert_eq!(told(""), None);
    }
}
