//! Short names, spans of time, and texts of strangers, for people.

use taxii_client::network::ProposalId;

/// Fewest digits that name a proposal.
pub(crate) const SHORTEST: usize = 4;
/// Fewest digits that are shown.
const SHOWN: usize = 8;

/// The clock of this machine, in microseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "statements hold the time at which their author says they were signed"
)]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// The same for statements.
pub(crate) fn claimed_at() -> u64 {
    u64::try_from(now()).unwrap_or_default()
}

/// So many digits that no two names begin alike.
pub(crate) fn digits(ids: &[ProposalId]) -> usize {
    let mut names: Vec<_> = ids.iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names.dedup();
    let common = |pair: &[String]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(a, b)| a == b).count();
    names.windows(2).map(common).max().map_or(SHOWN, |common| SHOWN.max(common + 1))
}

/// The beginning of a name.
pub(crate) fn short(id: ProposalId, digits: usize) -> String {
    id.to_string().chars().take(digits).collect()
}

/// A span of time in its two largest units.
pub(crate) fn span(micros: i64) -> String {
    let seconds = micros.max(0) / 1_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// A text in which nothing hides: characters that move the cursor, turn the direction of writing or take no room stand
/// there as JSON escapes.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

fn is_hidden(character: char) -> bool {
    let is_control = character.is_control() && character != '\n';
    is_control
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The same on one line.
pub(crate) fn line(text: &str) -> String {
    escaped(text).replace('\n', "\\n")
}

/// A number with its noun.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taxii_client::network::Digest;

    #[test]
    fn names_are_as_short_as_they_can_be() {
        let id = |bytes: &[u8]| {
            let mut all = [0; 32];
            all[..bytes.len()].copy_from_slice(bytes);
            ProposalId(Digest(all))
        };
        assert_eq!(digits(&[]), 8);
        assert_eq!(digits(&[id(&[1]), id(&[2])]), 8);
        assert_eq!(digits(&[id(&[1, 2, 3, 4, 0x55]), id(&[9]), id(&[1, 2, 3, 4, 0x56])]), 10);
        assert_eq!(short(id(&[0xab, 0xcd, 0xef, 1, 2]), 8), "abcdef01");
    }

    #[test]
    fn spans_have_two_units() {
        let shown = |seconds: i64| span(seconds * 1_000_000);
        assert_eq!(
            [shown(-5), shown(59), shown(60), shown(3600), shown(3661), shown(86_400), shown(259_199)],
            ["0 s", "59 s", "1 min", "1 h", "1 h 1 min", "1 d", "2 d 23 h"]
        );
    }

    #[test]
    fn nothing_hides_in_a_text() {
        assert_eq!(escaped("a\u{202e}b\u{7f}\u{1b}[2J\tc\né"), "a\\u202eb\\u007f\\u001b[2J\\u0009c\né");
        assert_eq!(escaped("\u{e0041}"), "\\udb40\\udc41");
        assert_eq!(line("a\nb"), "a\\nb");
    }
}
