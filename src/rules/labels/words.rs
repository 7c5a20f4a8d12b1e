//! What identifiers and keys say, whatever their spelling.

/// An identifier or key as lower-case words joined by `_`: `getUserID` and `get.user-id` are `get_user_id`.
pub(super) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let letters: Vec<char> = text.chars().take(128).collect();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            gap(&mut out);
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if starts {
            gap(&mut out);
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn gap(out: &mut String) {
    if !out.is_empty() && !out.ends_with('_') {
        out.push('_');
    }
}

/// Whether words end in a phrase, as whole words.
pub(super) fn ends_in(words: &str, phrase: &str) -> bool {
    words.strip_suffix(phrase).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
}

/// Whether words have a phrase in them, as whole words.
pub(super) fn has(words: &str, phrase: &str) -> bool {
    words.match_indices(phrase).any(|(at, found)| {
        let before = words.get(..at).is_none_or(|before| before.is_empty() || before.ends_with('_'));
        let after = words.get(at + found.len()..).is_none_or(|after| after.is_empty() || after.starts_with('_'));
        before && after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_give_the_same_words() {
        for text in ["getUserID", "get.user-id", "GET_USER_ID", "GetUserId", "get userId"] {
            assert_eq!(words(text), "get_user_id", "{text}");
        }
        assert_eq!(words("HTTPServer2Go"), "http_server2_go");
        assert_eq!(words(""), "");
    }

    #[test]
    fn phrases_are_whole_words() {
        assert!(ends_in("last_user_id", "user_id") && ends_in("user_id", "user_id"));
        assert!(!ends_in("superuser_id", "user_id") && !ends_in("user_id_type", "user_id"));
        assert!(has("app_card_number_last", "card_number") && !has("discard_number", "card_number"));
    }
}
