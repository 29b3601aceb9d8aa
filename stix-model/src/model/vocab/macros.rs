//! The macro that turns a list of words into an enum and a table.

/// Declares a vocabulary of section 10: `open` keeps a word that it does not list, `closed` refuses it.
macro_rules! vocabulary {
    (
        $(#[$doc:meta])*
        open $name:ident $stix:literal $section:literal { $($variant:ident = $word:literal),* $(,)? }
    ) => {
        $(#[$doc])*
        #[doc = concat!("\n\n`", $stix, "`: STIX 2.1, section ", $section, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)*
            #[doc(hidden)]
            _Unlisted(unlisted::Unlisted),
        }

        vocabulary!(table $name $stix $section Open [$($word),*]);

        impl $name {
            /// The word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::_Unlisted(word) => &word.0,
                }
            }
        }

        impl $name {
            /// Whether the vocabulary lists the word.
            pub fn is_listed(&self) -> bool {
                !matches!(self, Self::_Unlisted(_))
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                word.as_str().into()
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::_Unlisted(unlisted::Unlisted(other.into())),
                }
            }
        }

        impl<'a> DataType<'a> for $name {
            const SHAPE: Shape = Shape::Vocabulary(Self::VOCABULARY);

            type Owned = Self;

            fn read(value: Value<'a>) -> Result<Self, ObjectError> {
                Ok(Self::from(&*crate::Text::read(value)?))
            }

            fn into_owned(self) -> Self {
                self
            }

            fn write(&self, out: &mut String) {
                json::write_string(self.as_str(), out);
            }
        }
    };
    (
        $(#[$doc:meta])*
        closed $name:ident $stix:literal $section:literal { $($variant:ident = $word:literal),* $(,)? }
    ) => {
        $(#[$doc])*
        #[doc = concat!("\n\n`", $stix, "`: STIX 2.1, section ", $section, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }

        vocabulary!(table $name $stix $section Closed [$($word),*]);

        impl $name {
            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ObjectError;

            fn from_str(word: &str) -> Result<Self, ObjectError> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(ObjectError::here(ObjectErrorKind::NotInEnumeration($stix))),
                }
            }
        }

        impl<'a> DataType<'a> for $name {
            const SHAPE: Shape = Shape::Vocabulary(Self::VOCABULARY);

            type Owned = Self;

            fn read(value: Value<'a>) -> Result<Self, ObjectError> {
                crate::Text::read(value)?.parse()
            }

            fn into_owned(self) -> Self {
                self
            }

            fn write(&self, out: &mut String) {
                json::write_string(self.as_str(), out);
            }
        }
    };
    (table $name:ident $stix:literal $section:literal $openness:ident [$($word:literal),*]) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $name {
            /// The vocabulary as data.
            pub const VOCABULARY: &'static Vocabulary = &Vocabulary {
                name: $stix,
                section: $section,
                openness: Openness::$openness,
                words: &[$($word),*],
            };
        }
    };
}
