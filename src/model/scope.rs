//! Scopes: the permissions of a workspace key (docs/api.md).

use std::fmt;

/// A permission of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Lists, retrieves and downloads Files.
    FilesRead,
    /// Creates and deletes Files.
    FilesWrite,
    /// Creates, fills, completes and cancels Uploads.
    UploadsWrite,
    /// Reads usage and costs.
    UsageRead,
    /// Creates Files of the purposes that servers produce.
    FilesProduce,
}

impl Scope {
    /// Every scope, in listing order.
    pub const ALL: [Self; 5] =
        [Self::FilesRead, Self::FilesWrite, Self::UploadsWrite, Self::UsageRead, Self::FilesProduce];

    /// Returns the scope of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Returns its name.
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

/// The reason why a list of scopes is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadScopes {
    /// A name is not the name of a scope.
    #[error("there is no scope {0:?}; there are {all}", all = Scopes::ALL)]
    Unknown(String),
    /// The list is empty, so the key would permit nothing.
    #[error("a key needs a scope; there are {all}", all = Scopes::ALL)]
    None,
}

impl Scopes {
    /// The scopes of a key by default: all but [`Scope::FilesProduce`].
    pub const DEFAULT: Self = Self(0b1111);
    /// The read-only scopes.
    pub const READ: Self = Self(Scope::FilesRead.bit() | Scope::UsageRead.bit());
    /// All scopes.
    pub const ALL: Self = Self(0b1_1111);

    /// Returns the set of these names.
    ///
    /// # Errors
    /// When a name is unknown, or there is none.
    pub fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, BadScopes> {
        let mut bits = 0;
        for name in names {
            bits |= Scope::named(name).ok_or_else(|| BadScopes::Unknown(name.to_owned()))?.bit();
        }
        if bits == 0 { Err(BadScopes::None) } else { Ok(Self(bits)) }
    }

    /// Returns whether the set has a scope.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns the scopes of the set.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl fmt::Display for Scopes {
    /// Formats the names, separated by commas.
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
