//! Scopes: what a key of a workspace may be used for (docs/api.md).

use std::fmt;

/// One thing that a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To list and retrieve Files, and to download their content.
    FilesRead,
    /// To create and delete Files.
    FilesWrite,
    /// All that has to do with Uploads.
    UploadsWrite,
    /// To see usage and costs.
    UsageRead,
    /// To create Files of the purposes that only servers produce.
    FilesProduce,
}

impl Scope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 5] =
        [Self::FilesRead, Self::FilesWrite, Self::UploadsWrite, Self::UsageRead, Self::FilesProduce];

    /// The scope of this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FilesRead => "files.read",
            Self::FilesWrite => "files.write",
            Self::UploadsWrite => "uploads.write",
            Self::UsageRead => "usage.read",
            Self::FilesProduce => "files.produce",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::FilesRead => 1,
            Self::FilesWrite => 1 << 1,
            Self::UploadsWrite => 1 << 2,
            Self::UsageRead => 1 << 3,
            Self::FilesProduce => 1 << 4,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

/// The text names no scope, or none at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadScopes {
    /// There is no scope of this name.
    #[error("there is no scope {0:?}; there are {all}", all = Scopes::ALL)]
    Unknown(String),
    /// A key without any scope opens nothing.
    #[error("a key needs a scope; there are {all}", all = Scopes::ALL)]
    None,
}

impl Scopes {
    /// What a fresh key may be used for: everything but producing what servers produce.
    pub const DEFAULT: Self = Self(0b1111);
    /// To see everything and change nothing.
    pub const READ: Self = Self(Scope::FilesRead.bit() | Scope::UsageRead.bit());
    /// Everything.
    pub const ALL: Self = Self(0b1_1111);

    /// The set of these scopes.
    ///
    /// # Errors
    /// When a name is none of a scope, or there is none.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, BadScopes> {
        let mut bits = 0;
        for name in names {
            bits |= Scope::named(name).ok_or_else(|| BadScopes::Unknown(name.to_owned()))?.bit();
        }
        if bits == 0 { Err(BadScopes::None) } else { Ok(Self(bits)) }
    }

    /// Whether the scope is one of them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl fmt::Display for Scopes {
    /// Their names with commas between them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, scope)| write!(out, "{}{scope}", if at == 0 { "" } else { "," }))
    }
}

impl std::str::FromStr for Scopes {
    type Err = BadScopes;

    fn from_str(text: &str) -> Result<Self, BadScopes> {
        Self::named(text.split(',').map(str::trim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_what_it_writes() {
        for text in ["files.read", "files.read,uploads.write", "files.write,files.produce"] {
            assert_eq!(text.parse::<Scopes>().unwrap().to_string(), text);
        }
        assert_eq!(Scopes::ALL.to_string().parse(), Ok(Scopes::ALL));
        assert_eq!("usage.read, files.read".parse::<Scopes>().unwrap().to_string(), "files.read,usage.read");
    }

    #[test]
    fn what_is_no_scope_is_named() {
        assert_eq!("".parse::<Scopes>(), Err(BadScopes::Unknown(String::new())));
        assert_eq!("files.read,files".parse::<Scopes>(), Err(BadScopes::Unknown("files".into())));
        assert_eq!(Scopes::named([].into_iter()), Err(BadScopes::None));
    }

    #[test]
    fn a_fresh_key_does_not_produce() {
        assert!(Scope::ALL.into_iter().all(|scope| Scopes::ALL.contains(scope)));
        assert!(!Scopes::DEFAULT.contains(Scope::FilesProduce) && Scopes::DEFAULT.iter().count() == 4);
    }
}
