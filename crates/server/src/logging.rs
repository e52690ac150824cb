//! The log: lines on standard error, chosen by `KEYWATCH_LOG`.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

const FILTER_VARIABLE: &str = "KEYWATCH_LOG";
const FILTER_DEFAULT: &str = "warn,keywatch_server=info,keywatch_kms=info,keywatch_monitor=info,keywatch_iam=info,keywatch_store=info,keywatch=info";
const DEV_MARK: &str = "DEV MODE, ANY CREDENTIALS ACCEPTED: ";

/// Starts logging for the life of the process; in development mode every line says so.
///
/// # Errors
/// When `KEYWATCH_LOG` is not a filter; the text names what is wrong.
pub fn start(dev: bool) -> Result<(), String> {
    let filter = match std::env::var(FILTER_VARIABLE) {
        Ok(text) if !text.is_empty() => {
            EnvFilter::try_new(&text).map_err(|error| format!("{FILTER_VARIABLE} {text}: {error}"))?
        }
        _ => EnvFilter::new(FILTER_DEFAULT),
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    let started = if dev {
        builder.event_format(DevMarked(Format::default().with_ansi(false))).try_init()
    } else {
        builder.try_init()
    };
    started.map_err(|error| error.to_string())
}

struct DevMarked(Format);

impl<S, N> FormatEvent<S, N> for DevMarked
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str(DEV_MARK)?;
        self.0.format_event(context, writer, event)
    }
}
