//! Sets in brackets: `[^a-z\d[:space:]]`.

use super::RegexFault;
use super::class::ranges;
use super::parser::{Parse, Parser};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// What stands for one or more characters inside brackets.
enum Member {
    Character(char),
    Class(ClassUnicode),
    Quoted(Vec<char>),
    Nothing,
}

impl<'t> Parser<'t> {
    /// A set in brackets, of which the first is already read.
    pub(super) fn bracket(&mut self) -> Parse<ClassUnicode> {
        let is_negated = self.eat("^");
        let mut all = Vec::new();
        let mut is_first = true;
        loop {
            if self.flags.more_extended && (self.eat(" ") || self.eat("\t")) {
                continue;
            }
            if !is_first && self.eat("]") {
                break;
            }
            is_first = false;
            match self.member()? {
                Member::Nothing => {}
                Member::Class(class) => {
                    self.charge(class.ranges().len())?;
                    all.extend(class.ranges());
                }
                Member::Quoted(characters) => {
                    for character in characters {
                        self.add_range(character, character, &mut all)?;
                    }
                }
                Member::Character(start) => {
                    let end = self.range_end()?.unwrap_or(start);
                    if end < start {
                        return Err(RegexFault::Invalid("a range whose ends are out of order"));
                    }
                    self.add_range(start, end, &mut all)?;
                }
            }
        }
        let mut class = ClassUnicode::new(all);
        if is_negated {
            class.negate();
        }
        Ok(class)
    }

    fn add_range(&mut self, start: char, end: char, all: &mut Vec<ClassUnicodeRange>) -> Parse<()> {
        self.charge(1)?;
        if !self.flags.ignore_case {
            all.push(ClassUnicodeRange::new(start, end));
            return Ok(());
        }
        // Every character of the range is looked up.
        self.charge((u32::from(end) - u32::from(start)) as usize / 64)?;
        all.extend(self.classes.fold(ranges(&[(start, end)])).ranges());
        Ok(())
    }

    /// The end of a range behind its start, if a range it is.
    fn range_end(&mut self) -> Parse<Option<char>> {
        let before = self.rest;
        if !self.eat("-") || self.rest.starts_with(']') {
            self.rest = before;
            return Ok(None);
        }
        if let Member::Character(end) = self.member()? {
            return Ok(Some(end));
        }
        // The hyphen in `[a-\d]` stands for itself.
        self.rest = before;
        Ok(None)
    }

    fn member(&mut self) -> Parse<Member> {
        let unterminated = RegexFault::Invalid("`[` without `]`");
        if let Some((name, rest)) = self.posix_name() {
            self.rest = rest;
            let (is_negated, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
            // With the flag i, as PCRE2 has it.
            let is_case = self.flags.ignore_case && matches!(name, "lower" | "upper");
            let mut class = self.classes.posix(if is_case { "alpha" } else { name })?;
            if is_negated {
                class.negate();
            }
            return Ok(Member::Class(class));
        }
        if self.rest.starts_with("[.") || self.rest.starts_with("[=") {
            return Err(RegexFault::Unsupported("POSIX collating elements are not supported"));
        }
        let first = self.take().ok_or(unterminated)?;
        if first != '\\' {
            return Ok(Member::Character(first));
        }
        let letter = self.take().ok_or(unterminated)?;
        match letter {
            'b' => return Ok(Member::Character('\u{8}')),
            'E' => return Ok(Member::Nothing),
            'Q' => return Ok(Member::Quoted(self.quotation())),
            '1'..='7' => {
                let code = (u32::from(letter) - u32::from('0')) << (3 * self.octal_digits());
                let code = code + self.code(8, 2);
                return char::from_u32(code).map(Member::Character).ok_or(unterminated);
            }
            'N' => return Err(RegexFault::Invalid("\\N inside brackets")),
            _ => {}
        }
        if let Some(class) = self.class_escape(letter)? {
            return Ok(Member::Class(class));
        }
        let character = match self.character_escape(letter)? {
            Some(character) => character,
            None => self.plain_letter(letter)?,
        };
        Ok(Member::Character(character))
    }

    /// What stands in `[:…:]`, and what follows.
    fn posix_name(&self) -> Option<(&'t str, &'t str)> {
        let inside = self.rest.strip_prefix("[:")?;
        let length = inside.bytes().take_while(|byte| byte.is_ascii_lowercase() || *byte == b'^').count();
        let (name, rest) = inside.split_at(length);
        Some((name, rest.strip_prefix(":]")?))
    }

    /// How many octal digits follow, two at most.
    fn octal_digits(&self) -> usize {
        self.rest.chars().take(2).take_while(|digit| digit.is_digit(8)).count()
    }
}
