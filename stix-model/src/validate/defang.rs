//! Addresses that were made harmless to click on, as `hxxp://drop[.]example` (STIX 2.1, section 3.2, `defanged`).

/// Marks around which tools put brackets, and the words that some write for them.
const MARKS: [(&str, &str); 10] = [
    (".", "."),
    (":", ":"),
    ("::", "::"),
    ("@", "@"),
    ("/", "/"),
    ("//", "//"),
    ("://", "://"),
    ("dot", "."),
    ("at", "@"),
    ("d", "."),
];

/// What stands in place of a scheme that a program would follow.
const SCHEMES: [(&str, &str); 7] = [
    ("hxxps", "https"),
    ("hxxp", "http"),
    ("htxps", "https"),
    ("htxp", "http"),
    ("fxps", "ftps"),
    ("fxp", "ftp"),
    ("sxtp", "sftp"),
];

/// The address that was defanged in one of the usual ways; any other text stays as it is.
pub(super) fn undo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '(', '{', '<', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (plain, length) = mark(rest).unwrap_or((&rest[..1], 1));
        out.push_str(plain);
        rest = &rest[length..];
    }
    out.push_str(rest);
    let scheme = out
        .split_once(':')
        .and_then(|(scheme, _)| SCHEMES.iter().find(|(defanged, _)| scheme.eq_ignore_ascii_case(defanged)));
    if let Some((defanged, scheme)) = scheme {
        out.replace_range(..defanged.len(), scheme);
    }
    out
}

/// The mark that a text begins with in brackets or behind a backslash, and how many bytes it takes.
fn mark(text: &str) -> Option<(&'static str, usize)> {
    let close = match text.as_bytes()[0] {
        b'[' => ']',
        b'(' => ')',
        b'{' => '}',
        b'<' => '>',
        _ => return text.starts_with("\\.").then_some((".", 2)),
    };
    // The longest is ` dot `.
    let inside = text[1..].char_indices().take(6).find(|(_, char)| *char == close);
    let word = &text[1..1 + inside?.0];
    let (_, plain) = MARKS.iter().find(|(mark, _)| word.trim().eq_ignore_ascii_case(mark))?;
    Some((plain, word.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::undo;

    #[test]
    fn usual_ways() {
        for (defanged, plain) in [
            ("drop[.]example", "drop.example"),
            ("drop(.)example{.}com", "drop.example.com"),
            ("drop[dot]example", "drop.example"),
            ("drop ( dot )example", "drop .example"),
            ("drop\\.example", "drop.example"),
            ("hxxps://drop[.]example/a?b[]=1", "https://drop.example/a?b[]=1"),
            ("hXXp[://]drop[.]example", "http://drop.example"),
            ("hxxp[:]//drop.example", "http://drop.example"),
            ("jo[@]drop[.]example", "jo@drop.example"),
            ("jo(at)drop.example", "jo@drop.example"),
            ("198.51.100[.]7", "198.51.100.7"),
            ("2001[:]db8[:][:]1", "2001:db8::1"),
            ("[", "["),
            ("a[é", "a[é"),
            ("", ""),
        ] {
            assert_eq!(undo(defanged), plain);
        }
    }
}
