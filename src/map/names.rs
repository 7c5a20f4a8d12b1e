//! Names as different files write them.

/// A name in lower case, with `-` between its words, without what only says that it is a service.
pub(crate) fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && lower {
            out.push('-');
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
        out.extend(if letter.is_alphanumeric() { letter } else { '-' }.to_lowercase());
    }
    let short = out.trim_matches('-');
    let ends = ["-service", "-svc", "service"];
    let short = ends.iter().find_map(|end| short.strip_suffix(end).filter(|rest| rest.len() > 1)).unwrap_or(short);
    short.trim_matches('-').to_owned()
}

/// The name of a channel without what only says where it is: of a URL, a resource name or a path its last part.
pub(super) fn of_channel(name: &str) -> &str {
    let is_url = name.contains("://") || name.starts_with("projects/");
    let last = if is_url {
        name.rsplit('/').next()
    } else {
        name.strip_prefix("arn:").and_then(|rest| rest.rsplit(':').next())
    };
    last.filter(|last| !last.is_empty()).unwrap_or(name)
}

/// The words with which names of addresses end.
const ADDRESS: &[&str] = &["addr", "address", "url", "uri", "host", "endpoint", "target", "hostname", "base"];

/// Whether a variable or setting of this name holds an address: `CART_HOST`.
pub(super) fn is_of_address(name: &str) -> bool {
    plain(name).rsplit('-').next().is_some_and(|last| ADDRESS.contains(&last) || last == "server")
}

/// The name of a service in the name of a variable or setting that holds its address: `CART_SERVICE_ADDR`,
/// `services.cart.url`.
pub(super) fn in_setting(name: &str) -> Option<String> {
    let words: Vec<String> = plain(name).split('-').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let end = words.iter().position(|word| ADDRESS.contains(&word.as_str()))?;
    let own: Vec<&str> = words.get(..end)?.iter().map(String::as_str).filter(|word| !is_filler(word)).collect();
    (!own.is_empty()).then(|| own.join("-"))
}

fn is_filler(word: &str) -> bool {
    matches!(word, "service" | "services" | "svc" | "api" | "grpc" | "http" | "client" | "app" | "spring" | "the")
}

#[cfg(test)]
mod tests {
    use super::{in_setting, of_channel, plain};

    #[test]
    fn channels_are_called_by_the_last_part_of_their_names() {
        assert_eq!(of_channel("https://sqs.eu-west-1.amazonaws.com/1/orders"), "orders");
        assert_eq!(of_channel("arn:aws:sns:eu-west-1:1:orders"), "orders");
        assert_eq!(of_channel("projects/shop/topics/orders"), "orders");
        assert_eq!((of_channel("a/b"), of_channel("x://")), ("a/b", "x://"));
    }

    #[test]
    fn names_are_compared_without_what_only_decorates_them() {
        assert_eq!(plain("cartservice"), "cart");
        assert_eq!(plain("CartService"), "cart");
        assert_eq!(plain("product_catalog"), "product-catalog");
        assert_eq!(plain("service"), "service");
    }

    #[test]
    fn settings_name_the_service_whose_address_they_hold() {
        assert_eq!(in_setting("CART_SERVICE_ADDR").as_deref(), Some("cart"));
        assert_eq!(in_setting("services.productCatalog.url").as_deref(), Some("product-catalog"));
        assert_eq!(in_setting("TIMEOUT"), None);
        assert_eq!(in_setting("SERVICE_URL"), None);
    }
}
