//! The headers that a server lets browsers of other origins send.
//!
//! Sources: <https://fetch.spec.whatwg.org/#http-access-control-allow-headers>,
//! <https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#enable-cors>,
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy>,
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/cors/v3/cors.proto>,
//! <https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/headers/>,
//! <https://developer.konghq.com/plugins/cors/>,
//! <https://docs.spring.io/spring-cloud-gateway/reference/spring-cloud-gateway/cors-configuration.html>.

use super::{known, place};
use crate::finding::Place;
use crate::ir::Span;
use crate::yaml::{Node, Value, is_template};
use ustr::Ustr;

/// The headers that browsers of other origins may send, as one place of a configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList {
    /// Their names in lower case; `*` or `**` (APISIX, also with credentials) for all.
    pub headers: Vec<String>,
    /// Where they stand.
    pub place: Place,
    /// By what they are named.
    pub by: String,
}

impl AllowList {
    /// Whether a header may be sent.
    pub fn allows(&self, header: &str) -> bool {
        self.headers.iter().any(|known| known == "*" || known == "**" || known == header)
    }
}

const HEADER: &str = "Access-Control-Allow-Headers";
/// Keys whose value is such a list wherever they stand.
const KEYS: [&str; 6] = [
    "allowHeaders",
    "allow_headers",
    "allowedHeaders",
    "allowed-headers",
    "accessControlAllowHeaders",
    "nginx.ingress.kubernetes.io/cors-allow-headers",
];
/// Keys beside it by one of which a mapping with such a key is one of this, and of nothing else.
const NEIGHBOURS: [&str; 14] = [
    "allowOrigins",
    "allowOrigin",
    "allowMethods",
    "allow_origin_string_match",
    "allow_origin",
    "allow_methods",
    "allowedOrigins",
    "allowedOriginPatterns",
    "allowedMethods",
    "allowed-origins",
    "allowed-methods",
    "accessControlAllowOriginList",
    "accessControlAllowMethods",
    "nginx.ingress.kubernetes.io/enable-cors",
];

/// The lists in a text in nginx's language that begins at byte `start` of its file.
pub(super) fn of_text(path: Ustr, text: &str, start: usize) -> Vec<AllowList> {
    let mut out = Vec::new();
    let mut at = start;
    for server in servers(text) {
        if !serves_pages(server) && !passes_spans(server) {
            of_server(path, server, at, &mut out);
        }
        at += server.len();
    }
    out
}

/// The parts of a text of which each begins with the block of a server, but for the first.
fn servers(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut from, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let mut words = line.split_whitespace();
        if matches!((words.next(), words.next()), (Some("server"), Some("{")) | (Some("server{"), _)) {
            out.extend(text.get(from..at));
            from = at;
        }
        at += line.len();
    }
    out.extend(text.get(from..));
    out
}

/// Whether a server has the pages whose requests come to it: those are of its own origin, and ask for no leave.
fn serves_pages(server: &str) -> bool {
    server.lines().map(str::trim).any(|line| {
        let is_of_files = ["index ", "try_files "].iter().any(|word| line.starts_with(word));
        is_of_files && line.contains(".html")
    })
}

/// Whether a server passes on nothing but spans to a collector: what the browser sends them with is part of no trace.
fn passes_spans(server: &str) -> bool {
    let is_of_spans = |target: &str| {
        let ports = known().span_ports.iter().map(|port| format!(":{port}"));
        let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        ports.into_iter().any(|port| target.split_once(&port).is_some_and(|(_, rest)| is_end(rest)))
    };
    let mut targets = server.lines().filter_map(|line| line.trim().strip_prefix("proxy_pass "));
    targets.next().is_some_and(is_of_spans) && targets.all(is_of_spans)
}

fn of_server(path: Ustr, text: &str, start: usize, out: &mut Vec<AllowList>) {
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let from = at + (line.len() - line.trim_start().len());
        at += line.len();
        let code = line.trim();
        let Some(rest) = code.strip_prefix("add_header").or_else(|| code.strip_prefix("more_set_headers")) else {
            continue;
        };
        let Some((_, value)) = rest.split_once(HEADER) else { continue };
        let value = value.trim_start_matches(['"', '\'', ' ', ':', '\t']);
        let value = value.split(['"', '\'', ';']).next().unwrap_or_default();
        if let Some(headers) = names(value) {
            let place = place(path, Span::new(from, from + code.len()));
            out.push(AllowList { headers, place, by: format!("add_header {HEADER}") });
        }
    }
}

/// The lists in a YAML document.
pub(super) fn of_document(path: Ustr, text: &str, document: &Node, out: &mut Vec<AllowList>) {
    document.walk(&mut |node| {
        if node.text().is_some_and(|text| text.contains(HEADER)) {
            let (start, end) = (node.span.start as usize, (node.span.end as usize).min(text.len()));
            out.extend(of_text(path, text.get(start..end).unwrap_or_default(), start));
        }
        let is_one = || NEIGHBOURS.iter().any(|key| node.get(key).is_some());
        for (key, list) in KEYS.iter().filter_map(|key| node.entry(key)).filter(|_| is_one()) {
            if let Some(headers) = listed(list) {
                out.push(AllowList { headers, place: place(path, key.span), by: key.text.clone() });
            }
        }
        kong(path, node, out);
        ingress(path, node, out);
        label(path, node, out);
    });
}

/// The switch of the nginx ingress, which allows what it has by itself where nothing else is named.
fn ingress(path: Ustr, node: &Node, out: &mut Vec<AllowList>) {
    const SWITCH: &str = "nginx.ingress.kubernetes.io/enable-cors";
    let Some((key, _)) = node.entry(SWITCH).filter(|(_, value)| value.is_true()) else { return };
    if node.get("nginx.ingress.kubernetes.io/cors-allow-headers").is_none() {
        let headers = known().ingress_headers.clone();
        out.push(AllowList { headers, place: place(path, key.span), by: format!("what `{SWITCH}` stands for") });
    }
}

/// A label that tells Traefik the same.
fn label(path: Ustr, node: &Node, out: &mut Vec<AllowList>) {
    const NAME: &str = ".headers.accesscontrolallowheaders";
    let is_it = |name: &str| name.starts_with("traefik.") && name.to_ascii_lowercase().ends_with(NAME);
    let item = node.text().and_then(|text| text.split_once('=')).filter(|(name, _)| is_it(name));
    let of_item = item.map(|(_, value)| (node.span, value));
    let entries = node.entries().iter().filter(|(key, _)| is_it(&key.text));
    let of_entries = entries.filter_map(|(key, value)| Some((key.span, value.text()?)));
    for (span, value) in of_item.into_iter().chain(of_entries) {
        if let Some(headers) = names(value) {
            out.push(AllowList { headers, place: place(path, span), by: "accesscontrolallowheaders".to_owned() });
        }
    }
}

/// Kong's plugin, which allows what it is told, and else what is asked for.
fn kong(path: Ustr, node: &Node, out: &mut Vec<AllowList>) {
    let is_cors = ["name", "plugin"].iter().any(|key| node.get(key).and_then(Node::text) == Some("cors"));
    let found = is_cors.then(|| node.get("config")?.entry("headers")).flatten();
    if let Some((key, headers)) = found.and_then(|(key, list)| Some((key, listed(list)?))) {
        out.push(AllowList {
            headers,
            place: place(path, key.span),
            by: "the headers of Kong's cors plugin".to_owned(),
        });
    }
}

/// The names of a list, or of one text; `None` where some are filled in.
fn listed(node: &Node) -> Option<Vec<String>> {
    match &node.value {
        Value::Scalar(text) => names(text),
        Value::List(items) => {
            let all: Option<Vec<Vec<String>>> = items.iter().map(|item| names(item.text()?)).collect();
            all.map(|all| all.concat()).filter(|all| !all.is_empty())
        }
        Value::Map(_) | Value::Null => None,
    }
}

/// The names of a text with commas between them.
pub(super) fn names(text: &str) -> Option<Vec<String>> {
    if text.contains('$') || is_template(text) {
        return None;
    }
    let all = text.split(',').map(|name| name.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let all: Vec<String> = all.filter(|name| !name.is_empty()).collect();
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_where_they_are_lists_of_headers() {
        let text = "a:\n  allowOrigins: [x]\n  allowHeaders: ['Content-Type', b3]\nb: {allowHeaders: [c]}\nname: cors\nconfig: {headers: [Accept]}\n";
        let mut found = Vec::new();
        of_document(Ustr::from("a.yaml"), text, &crate::yaml::documents(text).expect("reads")[0], &mut found);
        let seen: Vec<_> = found.iter().map(|one| one.headers.join(" ")).collect();
        assert_eq!(seen, ["accept", "content-type b3"]);
        let text =
            "  add_header 'Access-Control-Allow-Headers' 'A,B' always;\nadd_header Access-Control-Allow-Headers $x;\n";
        let found = of_text(Ustr::from("nginx.conf"), text, 0);
        assert_eq!((found.len(), found[0].headers.join(" ").as_str()), (1, "a b"));
    }
}
