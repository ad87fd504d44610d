//! Options of the log and the audit log. Compose passes an unset variable as an empty one, so empty is the default.

use std::str::FromStr;

use gateway_contract::audit::{self, Filter, Target};
use gateway_contract::lines::{Rotation, Size};
use gateway_contract::logging::{self, Format};

/// The log and the audit log.
#[derive(Clone, Debug, clap::Args)]
pub struct Logs {
    /// The format of the log: text, or json for one object a line
    #[arg(long, env = "LOG_FORMAT", default_value = "", hide_default_value = true, value_parser = given::<Format>)]
    log_format: Given<Format>,
    /// Also write the log to this file
    #[arg(
        long,
        env = "LOG_FILE",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    log_file: String,
    /// The size at which the files of both logs are rotated
    #[arg(long, env = "LOG_MAX_SIZE", value_name = "SIZE", default_value = "50MB", value_parser = given::<Size>)]
    log_max_size: Given<Size>,
    /// The number of rotated files that are kept
    #[arg(long, env = "LOG_KEEP", value_name = "NUMBER", default_value = "5", value_parser = given::<u32>)]
    log_keep: Given<u32>,
    /// Write an event for each call of a tool, each session and each failure to this file; - is standard output
    #[arg(
        long,
        env = "AUDIT_LOG",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    audit_log: String,
    /// Kinds of events to leave out with - before them, or to add: -tool.called,-session.*
    #[arg(
        long,
        env = "AUDIT_EVENTS",
        value_name = "KINDS",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    audit_events: Filter,
}

/// A value, or `None` if it is empty.
type Given<T> = Option<T>;

fn given<T: FromStr>(text: &str) -> Result<Given<T>, T::Err> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

impl Logs {
    fn rotation(&self) -> Rotation {
        let other = Rotation::default();
        Rotation {
            max_size: self.log_max_size.map_or(other.max_size, |size| size.0),
            keep: self.log_keep.unwrap_or(other.keep),
        }
    }

    /// Returns the settings of the log.
    #[must_use]
    pub fn log(&self) -> logging::Settings {
        let file = (!self.log_file.is_empty()).then(|| self.log_file.clone().into());
        let format = self.log_format.unwrap_or_default();
        logging::Settings { format, file, rotation: self.rotation() }
    }

    /// Returns the settings of the audit log.
    #[must_use]
    pub fn audit(&self) -> audit::Settings {
        let target = Target::parse(&self.audit_log);
        audit::Settings { target, filter: self.audit_events, rotation: self.rotation() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;
    use gateway_contract::audit::EventKind;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        logs: Logs,
    }

    fn parsed(args: &[&str]) -> Option<Logs> {
        let args = ["x"].iter().chain(args);
        Command::try_parse_from(args).ok().map(|command| command.logs)
    }

    #[test]
    fn an_empty_option_is_an_absent_one() {
        let empty =
            ["--log-format=", "--log-file=", "--log-max-size=", "--log-keep=", "--audit-log="];
        for args in [&[][..], &empty] {
            let logs = parsed(args).unwrap();
            let (log, audit) = (logs.log(), logs.audit());
            assert_eq!((log.format, log.file), (Format::Text, None));
            assert_eq!((audit.target, audit.rotation), (None, Rotation::default()));
        }
    }

    #[test]
    fn events_are_left_out_and_nonsense_is_refused() {
        let logs = parsed(&["--audit-events", "-tool.called", "--audit-log", "-"]).unwrap();
        assert_eq!(logs.audit().target, Some(Target::Stdout));
        assert!(!logs.audit().filter.records(EventKind::ToolCalled));
        for wrong in ["--log-format=xml", "--log-keep=-1", "--audit-events=no", "--log-max-size=x"]
        {
            assert!(parsed(&[wrong]).is_none(), "{wrong}");
        }
    }
}
