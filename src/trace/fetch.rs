//! One trace from the API of a backend: one request, bounded in time and size, to the address that the user gave and to
//! no other.

use super::{Id, MAX_BYTES};
use crate::report::text::clean;
use std::io::Read as _;
use std::time::Duration;

/// How much of an answer that is no trace is shown, in letters.
const MAX_SHOWN: usize = 200;

/// Whose API is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// Jaeger's query service
    Jaeger,
    /// Grafana Tempo
    Tempo,
}

impl Backend {
    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Jaeger => "Jaeger",
            Self::Tempo => "Tempo",
        }
    }

    /// The port of its API unless somebody chose another.
    fn port(self) -> u16 {
        match self {
            Self::Jaeger => 16686,
            Self::Tempo => 3200,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Whose API.
    pub backend: Backend,
    /// Its address, such as `http://localhost:16686`.
    pub url: &'a str,
    /// The trace.
    pub trace: Id,
    /// How long the whole may take.
    pub limit: Duration,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {why}")]
pub struct FetchError {
    /// The address, without user and password.
    pub at: String,
    /// What went wrong.
    pub why: String,
    /// The way out.
    pub help: String,
}

/// Asks for one trace, and answers with the text that came.
pub fn fetch(request: &Request<'_>) -> Result<String, FetchError> {
    let base = request.url.trim_end_matches('/');
    let title = request.backend.title();
    let at = format!("{}/api/traces/{}", without_user(base), request.trace);
    let failed = |why: String, help: String| FetchError { at: at.clone(), why: clean(&why), help };
    if !base.starts_with("http://") && !base.starts_with("https://") {
        let help = format!("write it with its scheme, such as http://localhost:{}", request.backend.port());
        return Err(failed("the address is no http:// or https:// address".to_owned(), help));
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(request.limit))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(concat!("hoplint/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let asked = agent.get(format!("{base}/api/traces/{}", request.trace)).header("Accept", "application/json").call();
    let reachable = || format!("is this the address of {title}'s API, and does it answer `curl {at}`?");
    let mut answer = asked.map_err(|error| failed(told(&error, request.limit), reachable()))?;
    let status = answer.status().as_u16();
    if (300..400).contains(&status) {
        let to =
            answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("an address it does not name");
        let help =
            "redirects are not followed: name the final address, or export the trace and use --trace FILE".to_owned();
        return Err(failed(format!("it redirects to {}", without_user(to)), help));
    }
    let mut text = String::new();
    let limit = if status == 200 { MAX_BYTES } else { 64 << 10 };
    let body = answer.body_mut().with_config().limit(limit + 1).reader().take(limit + 1).read_to_string(&mut text);
    if status != 200 {
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        let help = match status {
            404 => format!("{title} keeps no such trace, or not any more; is the id right, and has it arrived yet?"),
            401 | 403 => "it asks who you are: export the trace and use --trace FILE".to_owned(),
            _ => reachable(),
        };
        return Err(failed(format!("it answers with status {status}: {}", shown.trim()), help));
    }
    body.map_err(|error| failed(of_body(&error, request.limit), reachable()))?;
    if text.len() as u64 > limit {
        let help = "export the part that matters and use --trace FILE".to_owned();
        return Err(failed(format!("the answer is larger than {} MiB", limit >> 20), help));
    }
    Ok(text)
}

fn told(error: &ureq::Error, limit: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", limit.as_secs()),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address cannot be understood".to_owned(),
        error => error.to_string(),
    }
}

fn of_body(error: &std::io::Error, limit: Duration) -> String {
    match error.kind() {
        std::io::ErrorKind::TimedOut => format!("the answer did not end within {} s", limit.as_secs()),
        std::io::ErrorKind::InvalidData => "the answer is no text; is this the address of its API?".to_owned(),
        _ => match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => told(inner, limit),
            None => error.to_string(),
        },
    }
}

/// An address as it may be shown: without the user and password that it can hold.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::without_user;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_user("https://me:secret@tempo:3200/x@y"), "https://tempo:3200/x@y");
        assert_eq!(without_user("tempo"), "tempo");
    }
}
