//! Headers that a proxy takes away from the requests which pass through it.
//!
//! Sources: <https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header> (an empty value removes),
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto>,
//! <https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers>,
//! <https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter>,
//! <https://doc.traefik.io/traefik/reference/routing-configuration/http/middlewares/headers/>,
//! <https://developer.konghq.com/plugins/request-transformer/>,
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/header_mutation/v3/header_mutation.proto>,
//! <https://emissary-ingress.dev/docs/3.10/topics/using/headers/remove_request_headers/>,
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/lua_filter#header-object-api>.

use super::{known, place};
use crate::finding::Place;
use crate::ir::Span;
use crate::yaml::{Node, Value};
use ustr::Ustr;

/// A header that is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Its name in lower case; `*` for all.
    pub header: String,
    /// Where it is taken away.
    pub place: Place,
    /// By what, as written.
    pub by: String,
    /// Whether the proxy takes part in traces, and may write the header again.
    pub traces: bool,
}

/// Words of modules by which a proxy takes part in traces.
const TRACING: &[&str] = &["otel_trace", "opentelemetry", "opentracing", "datadog_tracing", "zipkin"];

/// Whether this is the configuration of a proxy in its own language.
pub(crate) fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = [".conf", ".conf.template", ".conf.tpl", ".conf.tmpl", ".conf.j2"].iter().any(|end| name.ends_with(end));
    ends && ["nginx", "conf.d", "default.conf", "sites-", "proxy", "gateway", "ingress"]
        .iter()
        .any(|word| path.contains(word))
}

/// Whether this is the configuration of a proxy in TOML, of which Traefik alone is known to have one.
pub(super) fn is_toml(path: &str) -> bool {
    path.ends_with(".toml") && path.contains("traefik")
}

/// The removals of a text in nginx's language that begins at byte `start` of its file.
pub(super) fn of_text(path: Ustr, text: &str, start: usize) -> Vec<Removal> {
    let traces = TRACING.iter().any(|word| text.contains(word));
    let mut out = Vec::new();
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        for statement in code.split([';', '{', '}']) {
            if let Some(header) = removed(statement) {
                let indent = statement.len() - statement.trim_start().len();
                let from = at + (statement.as_ptr() as usize).saturating_sub(line.as_ptr() as usize) + indent;
                let span = Span::new(from, from + statement.trim().len());
                out.push(Removal { header, place: place(path, span), by: one_line(statement), traces });
            }
        }
        at += line.len();
    }
    out
}

/// The header that a statement takes away.
fn removed(statement: &str) -> Option<String> {
    let mut words = statement.split_whitespace();
    match (words.next()?, words.next()?, words.next(), words.next()) {
        ("proxy_set_header" | "grpc_set_header", header, Some("\"\"" | "''"), None) => {
            Some(header.trim_matches(['"', '\'']).to_ascii_lowercase())
        }
        ("proxy_pass_request_headers", "off", None, None) => Some("*".to_owned()),
        _ => None,
    }
}

fn one_line(statement: &str) -> String {
    statement.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
}

/// The removals in a YAML document: routes of Envoy, Istio, the Gateway API, Traefik, and texts for nginx inside it.
pub(super) fn of_document(path: Ustr, text: &str, document: &Node, out: &mut Vec<Removal>) {
    document.walk(&mut |node| {
        if node.text().is_some_and(|text| text.contains("proxy_set_header") || text.contains("proxy_pass_request")) {
            let (start, end) = (node.span.start as usize, (node.span.end as usize).min(text.len()));
            out.extend(of_text(path, text.get(start..end).unwrap_or_default(), start));
        }
        if node.text().is_some_and(|text| text.contains("headers():")) {
            out.extend(of_script(path, text, node));
        }
        let lists = [
            node.get("request_headers_to_remove"),
            node.at(&["headers", "request", "remove"]),
            node.at(&["requestHeaderModifier", "remove"]),
            node.get("remove_request_headers"),
        ];
        let named = [
            "request_headers_to_remove",
            "headers.request.remove",
            "requestHeaderModifier.remove",
            "remove_request_headers",
        ];
        let plain = |item: &Node, by: &str, traces: bool| {
            let header = item.text()?.to_ascii_lowercase();
            Some(Removal { header, place: place(path, item.span), by: by.to_owned(), traces })
        };
        for (list, by) in lists.into_iter().zip(named) {
            out.extend(list.map(Node::items).unwrap_or_default().iter().filter_map(|item| plain(item, by, false)));
        }
        let mutations = node.get("request_mutations").map(Node::items).unwrap_or_default();
        let taken = mutations.iter().filter_map(|one| one.get("remove"));
        out.extend(taken.filter_map(|header| plain(header, "request_mutations.remove", false)));
        if let Some((by, headers)) = of_transformer(node) {
            // A plugin that takes part in traces may write the header again, behind this one.
            let traces = known().gateway_plugins.iter().any(|plugin| text.contains(plugin.as_str()));
            out.extend(headers.iter().filter_map(|header| plain(header, by, traces)));
        }
        out.extend(node.get("labels").into_iter().flat_map(|labels| of_labels(path, labels)));
        let set = node.get("customRequestHeaders").map(Node::entries).unwrap_or_default();
        out.extend(set.iter().filter(|(_, value)| is_empty(value)).map(|(key, _)| Removal {
            header: key.text.to_ascii_lowercase(),
            place: place(path, key.span),
            by: "customRequestHeaders".to_owned(),
            traces: false,
        }));
    });
}

/// The headers that a script of Envoy takes away from requests: `request_handle:headers():remove("traceparent")`.
fn of_script(path: Ustr, text: &str, node: &Node) -> Vec<Removal> {
    const CALL: &str = "request_handle:headers():remove(";
    let (start, end) = (node.span.start as usize, (node.span.end as usize).min(text.len()));
    let script = text.get(start..end).unwrap_or_default();
    let found = script.match_indices(CALL).filter_map(|(at, _)| {
        let line = script.get(..at)?.rsplit('\n').next().unwrap_or_default();
        let rest = script.get(at + CALL.len()..)?;
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (header, _) = rest.get(1..)?.split_once(quote)?;
        let span = Span::new(start + at, start + at + CALL.len() + header.len() + 3);
        let header = header.to_ascii_lowercase();
        let by = "request_handle:headers():remove".to_owned();
        (!line.contains("--")).then(|| Removal { header, place: place(path, span), by, traces: false })
    });
    found.collect()
}

/// What the plugin takes away that changes requests in Kong, by its name.
fn of_transformer(node: &Node) -> Option<(&'static str, &[Node])> {
    const NAMES: [&str; 2] = ["request-transformer", "request-transformer-advanced"];
    let named = [node.get("plugin"), node.get("name")].into_iter().flatten().find_map(Node::text)?;
    let name = NAMES.into_iter().find(|name| *name == named)?;
    Some((name, node.at(&["config", "remove", "headers"])?.items()))
}

/// The headers that a container's labels have Traefik take away: a name without a value, as a list or as a map.
fn of_labels(path: Ustr, labels: &Node) -> Vec<Removal> {
    let header = |label: &str| {
        let label = label.to_ascii_lowercase();
        let (middleware, header) = label.split_once(".headers.customrequestheaders.")?;
        middleware.starts_with("traefik.http.middlewares.").then(|| header.to_owned())
    };
    let removal = |header: String, span| Removal {
        header,
        place: place(path, span),
        by: "customrequestheaders".to_owned(),
        traces: false,
    };
    let listed = labels.items().iter().filter_map(|item| {
        let (label, value) = item.text()?.split_once('=')?;
        Some(removal(header(label.trim()).filter(|_| value.trim().is_empty())?, item.span))
    });
    let mapped = labels.entries().iter().filter(|(_, value)| is_empty(value));
    listed.chain(mapped.filter_map(|(key, _)| Some(removal(header(&key.text)?, key.span)))).collect()
}

fn is_empty(value: &Node) -> bool {
    value.value == Value::Scalar(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_value_takes_a_header_away() {
        let text = "location / { proxy_set_header Host $host; proxy_set_header traceparent \"\"; }\n# proxy_set_header b3 \"\";\n  proxy_pass_request_headers off;\n";
        let found = of_text(Ustr::from("nginx.conf"), text, 0);
        let seen: Vec<_> = found
            .iter()
            .map(|one| (one.header.as_str(), &text[one.place.span.start as usize..one.place.span.end as usize]))
            .collect();
        assert_eq!(
            seen,
            [("traceparent", "proxy_set_header traceparent \"\""), ("*", "proxy_pass_request_headers off")]
        );
    }
}
