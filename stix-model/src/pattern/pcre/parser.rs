//! Reads the syntax of PCRE2 (pcre2pattern) with the option DOTALL, and for strings with UTF and UCP.

use super::class::{Classes, any, ranges};
use super::{Haystack, NeedlessBackslash, Node, RegexFault};
use regex_syntax::hir::{ClassUnicode, Look};

pub(super) type Parse<T> = Result<T, RegexFault>;

/// PCRE2 allows 250 levels; an automaton of that depth would be too large anyway.
const MAX_DEPTH: usize = 64;
/// How many ranges all sets together may have; an automaton of so many would be too large anyway.
const MAX_RANGES: usize = 1 << 19;
/// The largest number that PCRE2 allows in a quantifier.
const MAX_REPEAT: u32 = 65_535;

pub(super) fn parse(text: &str, haystack: Haystack) -> Parse<(Node, Option<NeedlessBackslash>)> {
    let mut parser = Parser {
        rest: text,
        ranges_left: MAX_RANGES,
        haystack,
        flags: Flags { dot_all: true, ..Flags::default() },
        depth: 0,
        classes: Classes::new(haystack),
        needless: None,
    };
    let node = parser.alternation()?;
    if parser.rest.is_empty() {
        Ok((node, parser.needless))
    } else {
        Err(RegexFault::Invalid("`)` without `(`"))
    }
}

#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    extended: bool,
    /// `xx`: blanks inside brackets are ignored too.
    pub(super) more_extended: bool,
}

pub(super) struct Parser<'t> {
    pub(super) rest: &'t str,
    haystack: Haystack,
    pub(super) flags: Flags,
    ranges_left: usize,
    depth: usize,
    pub(super) classes: Classes,
    needless: Option<NeedlessBackslash>,
}

/// What a backslash stands for.
enum Escape {
    Character(char),
    Class(ClassUnicode),
    Anchor(Node),
    /// `\Q` up to `\E`.
    Quoted(Vec<char>),
}

impl<'t> Parser<'t> {
    fn alternation(&mut self) -> Parse<Node> {
        // Flags that are set inside a group end with it, but reach over `|`.
        let outer = self.flags;
        let mut branches = vec![self.concat()?];
        while self.eat("|") {
            branches.push(self.concat()?);
        }
        self.flags = outer;
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternation(branches) })
    }

    fn concat(&mut self) -> Parse<Node> {
        let mut nodes = Vec::new();
        loop {
            self.skip_extended();
            if matches!(self.rest.chars().next(), None | Some('|' | ')')) {
                break;
            }
            if self.bounds()?.is_some() {
                return Err(match nodes.is_empty() {
                    true => RegexFault::Invalid("nothing to repeat"),
                    false => RegexFault::Unsupported("a quantifier stands directly behind what it repeats"),
                });
            }
            let first = nodes.len();
            self.atom(&mut nodes)?;
            // A quotation is several atoms, of which the last is repeated.
            if nodes.len() > first {
                self.quantifier(&mut nodes)?;
            }
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Concat(nodes) })
    }

    fn atom(&mut self, nodes: &mut Vec<Node>) -> Parse<()> {
        let Some(first) = self.take() else { return Ok(()) };
        let node = match first {
            '.' if self.flags.dot_all => Node::Class(any()),
            '.' => Node::Class(self.classes.escape('N').unwrap_or_else(any)),
            '^' if self.flags.multi_line => Node::LineStart,
            '^' => Node::Look(Look::Start),
            '$' if self.flags.multi_line => Node::Look(Look::EndLF),
            '$' => Node::AlmostEnd,
            '[' => Node::Class(self.bracket()?),
            '(' => match self.group()? {
                Some(node) => node,
                None => return Ok(()),
            },
            '\\' => match self.escape()? {
                Escape::Character(character) => self.character(character),
                Escape::Class(class) => Node::Class(class),
                Escape::Anchor(node) => node,
                Escape::Quoted(characters) => {
                    nodes.extend(characters.into_iter().map(|character| self.character(character)));
                    return Ok(());
                }
            },
            character => self.character(character),
        };
        if let Node::Class(class) = &node {
            self.charge(class.ranges().len())?;
        }
        nodes.push(node);
        Ok(())
    }

    /// Counts the ranges of a set.
    pub(super) fn charge(&mut self, ranges: usize) -> Parse<()> {
        self.ranges_left = self.ranges_left.checked_sub(ranges).ok_or(RegexFault::TooLarge)?;
        Ok(())
    }

    fn character(&self, character: char) -> Node {
        let class = ranges(&[(character, character)]);
        Node::Class(if self.flags.ignore_case { self.classes.fold(class) } else { class })
    }

    fn quantifier(&mut self, nodes: &mut Vec<Node>) -> Parse<()> {
        self.skip_extended();
        let Some((min, max)) = self.bounds()? else { return Ok(()) };
        if self.eat("+") {
            return Err(RegexFault::Unsupported("possessive quantifiers are not supported"));
        }
        // Laziness decides which match is found, not whether there is one.
        self.eat("?");
        self.skip_extended();
        if self.bounds()?.is_some() {
            return Err(RegexFault::Unsupported("a quantifier cannot follow a quantifier; use a group"));
        }
        let node = Box::new(nodes.pop().unwrap_or(Node::Empty));
        nodes.push(Node::Repeat { node, min, max });
        Ok(())
    }

    fn bounds(&mut self) -> Parse<Option<(u32, Option<u32>)>> {
        for (sign, bounds) in [("*", (0, None)), ("+", (1, None)), ("?", (0, Some(1)))] {
            if self.eat(sign) {
                return Ok(Some(bounds));
            }
        }
        let Some(inside) = self.rest.strip_prefix('{') else { return Ok(None) };
        let length = inside.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b',').count();
        let (inner, rest) = inside.split_at(length);
        let Some(rest) = rest.strip_prefix('}') else { return Ok(None) };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (min, max) = match inner.split_once(',') {
            None if is_number(inner) => (inner, Some(inner)),
            Some((min, "")) if is_number(min) => (min, None),
            Some((min, max)) if is_number(min) && is_number(max) => (min, Some(max)),
            Some(("", max)) if is_number(max) => {
                return Err(RegexFault::Unsupported("versions of PCRE differ on {,n}; write {0,n}"));
            }
            // Any other brace stands for itself.
            _ => return Ok(None),
        };
        let number = |text: &str| {
            let number = text.parse().ok().filter(|number| *number <= MAX_REPEAT);
            number.ok_or(RegexFault::Invalid("a quantifier above 65535"))
        };
        let (min, max) = (number(min)?, max.map(number).transpose()?);
        if max.is_some_and(|max| max < min) {
            return Err(RegexFault::Invalid("a quantifier whose numbers are out of order"));
        }
        self.rest = rest;
        Ok(Some((min, max)))
    }

    /// What stands behind `(`; nothing for comments and flags.
    fn group(&mut self) -> Parse<Option<Node>> {
        if self.eat("*") {
            return Err(RegexFault::Unsupported("verbs such as (*ACCEPT) are not supported"));
        }
        if self.eat("?#") {
            let end = self.rest.find(')').ok_or(RegexFault::Invalid("a comment without `)`"))?;
            self.rest = &self.rest[end + 1..];
            return Ok(None);
        }
        let outer = self.flags;
        if self.eat("?") {
            for unsupported in ["=", "!", "<=", "<!"] {
                if self.rest.starts_with(unsupported) {
                    return Err(RegexFault::Unsupported("look-around is not supported"));
                }
            }
            match self.rest.chars().next() {
                Some(':' | '|') => self.rest = &self.rest[1..],
                Some('<' | '\'') => self.group_name()?,
                Some('P') if self.rest.starts_with("P<") => {
                    self.rest = &self.rest[1..];
                    self.group_name()?;
                }
                Some('P' | 'R' | '&' | '+' | '0'..='9') => {
                    return Err(RegexFault::Unsupported("recursion and backreferences are not supported"));
                }
                Some('-') if self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                    return Err(RegexFault::Unsupported("recursion and backreferences are not supported"));
                }
                Some('>') => return Err(RegexFault::Unsupported("atomic groups are not supported")),
                Some('(') => return Err(RegexFault::Unsupported("conditions are not supported")),
                Some('C') => return Err(RegexFault::Unsupported("callouts are not supported")),
                _ => {
                    self.set_flags()?;
                    if self.eat(")") {
                        return Ok(None);
                    }
                    if !self.eat(":") {
                        return Err(RegexFault::Invalid("unknown kind of group"));
                    }
                }
            }
        }
        if self.depth == MAX_DEPTH {
            return Err(RegexFault::Unsupported("groups are nested too deep"));
        }
        self.depth += 1;
        let node = self.alternation()?;
        self.depth -= 1;
        self.flags = outer;
        if self.eat(")") { Ok(Some(node)) } else { Err(RegexFault::Invalid("`(` without `)`")) }
    }

    fn group_name(&mut self) -> Parse<()> {
        let close = if self.take() == Some('<') { '>' } else { '\'' };
        let (name, rest) =
            self.rest.split_once(close).ok_or(RegexFault::Invalid("a group name without end"))?;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && name.starts_with(|first: char| !first.is_numeric());
        if !is_name {
            return Err(RegexFault::Invalid("a group name is letters, digits and _"));
        }
        self.rest = rest;
        Ok(())
    }

    /// `imsx-imsx`, up to `)` or `:`.
    fn set_flags(&mut self) -> Parse<()> {
        let mut value = true;
        if self.eat("^") {
            self.flags = Flags::default();
        }
        while let Some(flag) = self.rest.chars().next().filter(|flag| !matches!(flag, ')' | ':')) {
            self.rest = &self.rest[flag.len_utf8()..];
            match flag {
                '-' => value = false,
                'i' => self.flags.ignore_case = value,
                'm' => self.flags.multi_line = value,
                's' => self.flags.dot_all = value,
                'x' => {
                    self.flags.more_extended = value && self.eat("x");
                    self.flags.extended = value;
                }
                // Neither names, nor captures, nor greed decide whether there is a match.
                'J' | 'n' | 'U' => {}
                _ => return Err(RegexFault::Invalid("unknown kind of group or flag")),
            }
        }
        Ok(())
    }

    fn escape(&mut self) -> Parse<Escape> {
        let letter = self.take().ok_or(RegexFault::Invalid("a backslash at the end"))?;
        if let Some(class) = self.class_escape(letter)? {
            return Ok(Escape::Class(class));
        }
        if let Some(character) = self.character_escape(letter)? {
            return Ok(Escape::Character(character));
        }
        let is_text = self.haystack == Haystack::Text;
        Ok(Escape::Anchor(match letter {
            'A' => Node::Look(Look::Start),
            'z' => Node::Look(Look::End),
            'Z' => Node::AlmostEnd,
            'b' if is_text => Node::Look(Look::WordUnicode),
            'B' if is_text => Node::Look(Look::WordUnicodeNegate),
            'b' => Node::Look(Look::WordAscii),
            'B' => Node::Look(Look::WordAsciiNegate),
            // It moves the start of the match, which nobody asks for.
            'K' => Node::Empty,
            'Q' => return Ok(Escape::Quoted(self.quotation())),
            '1'..='9' | 'g' | 'k' => return Err(RegexFault::Unsupported("backreferences are not supported")),
            'R' | 'X' | 'C' | 'G' | 'E' => {
                return Err(RegexFault::Unsupported("\\R, \\X, \\C, \\G and a lone \\E are not supported"));
            }
            _ => return self.plain_letter(letter).map(Escape::Character),
        }))
    }

    /// A letter behind a backslash that means nothing there.
    pub(super) fn plain_letter(&mut self, letter: char) -> Parse<char> {
        // Perl changes the case of text by these, and no edition of PCRE takes them for letters.
        if matches!(letter, 'L' | 'l' | 'U' | 'u') {
            return Err(RegexFault::Invalid("\\L, \\l, \\U and \\u have no meaning in PCRE"));
        }
        self.needless = Some(NeedlessBackslash);
        Ok(letter)
    }

    pub(super) fn quotation(&mut self) -> Vec<char> {
        let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
        self.rest = rest;
        quoted.chars().collect()
    }

    pub(super) fn class_escape(&mut self, letter: char) -> Parse<Option<ClassUnicode>> {
        if !matches!(letter, 'p' | 'P') {
            return Ok(self.classes.escape(letter));
        }
        let name = if self.eat("{") {
            let (name, rest) =
                self.rest.split_once('}').ok_or(RegexFault::Invalid("a Unicode property without `}`"))?;
            self.rest = rest;
            name.to_owned()
        } else {
            self.take().ok_or(RegexFault::Invalid("a Unicode property without name"))?.to_string()
        };
        if self.flags.ignore_case && matches!(name.trim_start_matches('^'), "Lu" | "Ll" | "Lt") {
            return Err(RegexFault::Unsupported(
                "versions of PCRE differ on the case of \\p with the flag i",
            ));
        }
        let mut class = self.classes.property(&name)?;
        if letter == 'P' {
            class.negate();
        }
        Ok(Some(class))
    }

    /// The character that a letter or number behind a backslash stands for, if it is one.
    pub(super) fn character_escape(&mut self, letter: char) -> Parse<Option<char>> {
        let code = match letter {
            'a' => 0x07,
            'e' => 0x1B,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            'c' => {
                let control = self.take().filter(|c| matches!(c, ' '..='~'));
                let control = control.ok_or(RegexFault::Invalid("\\c without its character"))?;
                u32::from(control.to_ascii_uppercase()) ^ 0x40
            }
            'x' if self.rest.starts_with('{') => self.braced_code(16)?,
            'x' => self.code(16, 2),
            'o' if self.rest.starts_with('{') => self.braced_code(8)?,
            'o' => return Err(RegexFault::Invalid("\\o without `{`")),
            '0' => self.code(8, 2),
            _ if letter.is_ascii_alphanumeric() => return Ok(None),
            _ => u32::from(letter),
        };
        char::from_u32(code).map(Some).ok_or(RegexFault::Invalid("there is no such character"))
    }

    fn braced_code(&mut self, radix: u32) -> Parse<u32> {
        let fault = RegexFault::Invalid("a character code without `}`, or not of digits");
        let (digits, rest) = self.rest[1..].split_once('}').ok_or(fault)?;
        self.rest = rest;
        u32::from_str_radix(digits, radix).map_err(|_| fault)
    }

    pub(super) fn code(&mut self, radix: u32, longest: usize) -> u32 {
        let length = self.rest.chars().take(longest).take_while(|digit| digit.is_digit(radix)).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        u32::from_str_radix(digits, radix).unwrap_or_default()
    }

    /// With the flag `x`, blanks and comments are ignored.
    fn skip_extended(&mut self) {
        while self.flags.extended {
            let blank = |c: char| {
                matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}')
            };
            self.rest = self.rest.trim_start_matches(blank);
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    pub(super) fn take(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let first = rest.next()?;
        self.rest = rest.as_str();
        Some(first)
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
