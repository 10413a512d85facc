//! The one list of settings.

/// Which commands take a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Every command that opens the data directory.
    Stores,
    /// `serve` and `check`.
    Server,
}

/// One thing that an operator may set: the flag `--name`, the variable `VENNA_NAME`, the key `name`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, with `_` between words.
    pub name: &'static str,
    /// What stands for its value in help texts.
    pub placeholder: &'static str,
    /// The default as text; none for what is off or derived when not set.
    pub default: Option<&'static str>,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// What would be valid, as the end of a sentence.
    pub expected: &'static str,
    /// Which commands take it.
    pub used_by: Use,
}

impl Setting {
    /// The flag without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("VENNA_{}", self.name.to_ascii_uppercase())
    }
}

const ADDRESS: &str = "ADDRESS:PORT, for example 127.0.0.1:8080 or [::1]:0";
const SECONDS: &str = "a whole number of seconds from 1 to 86400";
const COUNT: &str = "a whole number from 1 to 1000000";

/// Every setting, in the order in which people read them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "data_dir",
        placeholder: "DIR",
        default: Some("./venna-data"),
        help: "The folder that holds the installation.",
        expected: "a path",
        used_by: Use::Stores,
    },
    Setting {
        name: "metadata_url",
        placeholder: "URL",
        default: None,
        help: "The metadata store; `venna.db` in the data directory when not set.",
        expected: "sqlite:PATH (this build serves SQLite)",
        used_by: Use::Stores,
    },
    Setting {
        name: "blobs_url",
        placeholder: "URL",
        default: None,
        help: "The blob store; the folder `blobs` in the data directory when not set.",
        expected: "file:PATH (this build serves a local folder)",
        used_by: Use::Stores,
    },
    Setting {
        name: "listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8080"),
        help: "Where the API listens; port 0 takes a free one, which is printed.",
        expected: ADDRESS,
        used_by: Use::Server,
    },
    Setting {
        name: "admin_listen",
        placeholder: "ADDRESS",
        default: Some("127.0.0.1:8081"),
        help: "Where `/healthz` and `/readyz` listen apart from the API; `off` for nowhere.",
        expected: "ADDRESS:PORT, for example 127.0.0.1:8081, or off",
        used_by: Use::Server,
    },
    Setting {
        name: "public_url",
        placeholder: "URL",
        default: None,
        help: "The address under which clients reach the server, where one must be written; the bound address when not set.",
        expected: "an http:// or https:// URL without a query",
        used_by: Use::Server,
    },
    Setting {
        name: "bootstrap_key_file",
        placeholder: "FILE",
        default: None,
        help: "A file holding a well-formed `vk_` key that is installed in workspace `default`, however often the server starts.",
        expected: "a path",
        used_by: Use::Server,
    },
    Setting {
        name: "max_file_bytes",
        placeholder: "BYTES",
        default: Some("536870912"),
        help: "The largest file of one `POST /v1/files`.",
        expected: "a whole number of bytes from 1 to 8589934592",
        used_by: Use::Server,
    },
    Setting {
        name: "upload_ttl_seconds",
        placeholder: "SECONDS",
        default: Some("3600"),
        help: "How long an Upload takes parts before it expires.",
        expected: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "max_connections",
        placeholder: "N",
        default: Some("4096"),
        help: "Connections open at once; further ones wait to be accepted.",
        expected: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "max_concurrent_uploads",
        placeholder: "N",
        default: Some("512"),
        help: "Uploads in flight at once; further ones are answered 429.",
        expected: COUNT,
        used_by: Use::Server,
    },
    Setting {
        name: "header_read_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "Time for a request's head to arrive, and for an idle connection to send the next one.",
        expected: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "body_min_bytes_per_second",
        placeholder: "BYTES",
        default: Some("1024"),
        help: "The slowest request body that is waited for, measured over the body window.",
        expected: "a whole number of bytes from 1 to 1099511627776",
        used_by: Use::Server,
    },
    Setting {
        name: "body_window_seconds",
        placeholder: "SECONDS",
        default: Some("30"),
        help: "The time over which the rate of a request body is measured.",
        expected: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "drain_timeout_seconds",
        placeholder: "SECONDS",
        default: Some("15"),
        help: "Time that requests in flight get to finish once the server is told to stop.",
        expected: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "sweep_interval_seconds",
        placeholder: "SECONDS",
        default: Some("60"),
        help: "Time between two sweeps for expired and left-over files; deletions are swept at once.",
        expected: SECONDS,
        used_by: Use::Server,
    },
    Setting {
        name: "log_format",
        placeholder: "FORMAT",
        default: None,
        help: "Form of log lines on standard error; `text` on a terminal, else `json`, when not set.",
        expected: "text or json",
        used_by: Use::Server,
    },
    Setting {
        name: "log_level",
        placeholder: "LEVEL",
        default: Some("info"),
        help: "The least severe level that is logged; `debug` logs every request.",
        expected: "error, warn, info or debug",
        used_by: Use::Server,
    },
];

/// `docs/config.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\nA value is taken from the flag, else the environment variable, else the TOML file named by `--config` or \
         `VENNA_CONFIG`, else the default.\nA key of the file is the flag without its dashes, `-` as `_`, at the top level; unknown \
         keys are refused. `venna check` prints what is in force and where it comes from.\n\n\
         | flag | environment | default | what it does | valid |\n|---|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = setting.default.map_or_else(|| "-".to_owned(), |default| format!("`{default}`"));
        let (flag, variable) = (setting.flag(), setting.variable());
        page.push_str(&format!(
            "| `--{flag}` | `{variable}` | {default} | {} | {} |\n",
            setting.help, setting.expected
        ));
    }
    page
}
