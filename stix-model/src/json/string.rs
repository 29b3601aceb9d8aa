//! The inside of strings: how far plain characters reach, and what escapes stand for.

/// How many bytes pass before a quote, a backslash or a control character, eight at a time.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Borrows leave the lowest byte that is special, the only one that counts, as it should be.
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound);
    let (words, _) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let [control, quote, backslash] =
            [below(word, 0x20), below(word ^ (ONES * 0x22), 1), below(word ^ (ONES * 0x5C), 1)];
        let special = (control | quote | backslash) & !word & HIGH;
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let start = words.len() * 8;
    let is_special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    start + bytes[start..].iter().position(is_special).unwrap_or(bytes.len() - start)
}

/// The number that hexadecimal digits stand for.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + (digit as char).to_digit(16)?))
}

/// Resolves the escapes of a string that the scanner accepted.
pub(super) fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(backslash) = rest.find('\\') {
        out.push_str(&rest[..backslash]);
        let (plain, width) = escape(&rest.as_bytes()[backslash + 1..]);
        out.push(plain);
        rest = &rest[backslash + width..];
    }
    out.push_str(rest);
    out
}

/// The characters of [`unescape`], one by one.
pub(super) fn unescaped(inner: &str) -> impl Iterator<Item = char> {
    let mut rest = inner;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (plain, width) = match first {
            '\\' => escape(&rest.as_bytes()[1..]),
            plain => (plain, plain.len_utf8()),
        };
        rest = &rest[width..];
        Some(plain)
    })
}

/// The character for which the text behind a backslash stands, and how many bytes it takes with the backslash.
fn escape(escape: &[u8]) -> (char, usize) {
    let plain = match escape[0] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = |at: usize| escape.get(at..at + 4).and_then(hex).unwrap_or_default();
            let high = unit(1);
            let (code, width) = if (0xD800..0xDC00).contains(&high) {
                (0x10000 + ((high - 0xD800) << 10) + (unit(7).wrapping_sub(0xDC00) & 0x3FF), 12)
            } else {
                (high, 6)
            };
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), width);
        }
        plain => plain as char,
    };
    (plain, 2)
}
