//! The command line: commands, options and exit codes.
//!
//! Nouns: a [`Command`] and its options. Every `serve` option is also a `KEYWATCH_…` environment variable and
//! a member of the TOML file named by `--config` (see [`crate::config`]); here only the first two are read.
//! A mistake in the options is one line on standard error and exit code 2.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::admin::AdminOptions;
use crate::client::dashboard::DashboardOptions;
use crate::client::guard::GuardOptions;
use crate::client::import_source::ImportSourceOptions;
use crate::client::source::BucketOptions;
use crate::config::ServeOptions;
use crate::detect::DetectOptions;
use crate::exit;
use crate::verify::VerifyOptions;
use keywatch_report::ReportOptions;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  the command ran and failed, or found something wrong
  2  wrong usage, or what the command needs is not there (data directory, port, root key, database, server)

Options may also come from KEYWATCH_… environment variables; `serve` also reads them from a TOML file
(--config FILE). A flag beats a variable, a variable beats the file, the file beats the default.
Logs go to standard error; KEYWATCH_LOG chooses what is logged (for example `debug`, or `keywatch=trace`).";

/// A key management service that watches itself.
#[derive(Debug, Parser)]
#[command(name = "keywatch", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    #[command(after_help = EXIT_CODES)]
    Serve(Box<ServeOptions>),
    /// Print the exports that point the AWS tools at the server, for `eval "$(keywatch env)"`
    #[command(after_help = EXIT_CODES)]
    Env(ClientOptions),
    /// Read or move the clock of a server started with --test-clock
    #[command(after_help = EXIT_CODES)]
    Clock(ClockOptions),
    /// Show the mails that were kept because no SMTP server is configured
    #[command(after_help = EXIT_CODES)]
    Outbox(OutboxOptions),
    /// Send CloudTrail log files to the running server
    Import(ImportOptions),
    /// Import log files from buckets and directories, again and again
    ImportSource(Box<ImportSourceOptions>),
    /// Find records of the running server, own and imported, by any of their attributes
    Search(Box<SearchOptions>),
    /// Show who uses a key: for what, when, from where, with which outcome
    Usage(UsageOptions),
    /// Show the evidence for and against deleting a key
    DeletionReadiness(DeletionReadinessOptions),
    /// Make a dashboard of KMS, or of one key, of the metrics that exist
    Dashboard(DashboardOptions),
    /// Put up ready-made alarms, metric filters and event rules that watch KMS keys
    Guard(Box<GuardOptions>),
    /// Summarize the KMS activity in CloudTrail log files
    Report(Box<ReportOptions>),
    /// Score a series of numbers: how unusual each is, by what came before it
    Detect(DetectOptions),
    /// Prove that the log files of trails are whole
    Verify(Box<VerifyOptions>),
    /// Manage root access key, users and sessions of a data directory while no server runs on it
    #[command(after_help = EXIT_CODES)]
    Admin(Box<AdminOptions>),
    /// Print the completion script of a shell
    #[command(after_help = EXIT_CODES)]
    Completions(CompletionOptions),
}

/// Where the client commands find the server: its data directory holds endpoint and root access key.
#[derive(Debug, Clone, Args)]
pub struct ClientOptions {
    /// Data directory of the server [default: $XDG_DATA_HOME/keywatch or ~/.local/share/keywatch]
    #[arg(long, value_name = "DIR", env = "KEYWATCH_DATA_DIR", hide_env_values = true, global = true)]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ClockOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    #[command(subcommand)]
    pub action: ClockAction,
}

#[derive(Debug, Subcommand)]
pub enum ClockAction {
    /// Print the server's time
    Now,
    /// Move the test clock forward; everything due on the way has happened when this returns
    Advance {
        /// How far: for example 10d, 36h, 1d12h, 90s
        #[arg(value_name = "DURATION")]
        by: String,
    },
}

#[derive(Debug, Args)]
pub struct OutboxOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// Print what was given up instead of what was kept
    #[arg(long)]
    pub dead: bool,
    /// Print the mails as JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Send CloudTrail log files to the running server
///
/// Reads log files of any accounts and Regions, as CloudTrail delivers them to a bucket. The server takes their records into
/// its event history, and its metrics, alarms, log groups and rules see their keys like its own. A record that is there
/// already is passed over, so an import that was broken off is finished by running it again. A bucket is read by the server itself, once,
/// with the credentials of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN).
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every record is in the server
  1  something was skipped: a corrupt or truncated file, a file that is not CloudTrail's, or one that a digest
     contradicts; standard error names each. Or the server refused
  2  wrong usage, no such path, or the server cannot be reached; what was taken in until then stays

Examples:
  keywatch import AWSLogs/111122223333/CloudTrail
  keywatch import 'logs/**/*.json.gz'
  keywatch import s3://org-trail --region eu-west-1 --fetch-public-keys
  zcat *.json.gz | keywatch import -")]
pub struct ImportOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// Files, directories (searched at any depth for .json and gzip files), globs, - for standard input, or s3://bucket/prefix
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Answer of `aws cloudtrail list-public-keys`; digests beside the log files are held against these keys
    #[arg(long, value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Do not hold log files against the digests beside them
    #[arg(long)]
    pub no_digests: bool,
    #[command(flatten)]
    pub bucket: BucketOptions,
}

/// Find records of the running server, own and imported, by any of their attributes
///
/// A record is shown when it has all of the attributes that are given; the newest come first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keywatch search --key 1234abcd-12ab-34cd-56ef-1234567890ab --error AccessDenied --since 7d
  keywatch search --principal arn:aws:iam::111122223333:role/app --name Decrypt --json | jq .userAgent")]
pub struct SearchOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// ARN or id of a KMS key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Event name, such as Decrypt
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Event source, such as kms.amazonaws.com
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// ARN of the caller, or of the role its session is of
    #[arg(long, value_name = "ARN")]
    pub principal: Option<String>,
    /// Name of the user, or of the role's session
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Access key that signed
    #[arg(long, value_name = "ACCESS_KEY_ID")]
    pub access_key: Option<String>,
    /// Address the call came from
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// Error code of a refused call, such as AccessDenied
    #[arg(long, value_name = "CODE")]
    pub error: Option<String>,
    /// Event id
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Only calls that read, or with `false` only calls that write
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub read_only: Option<bool>,
    /// Not before this time, or this long ago: 2026-01-31T12:00:00Z, 2026-01-31, 36h, 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after this time, or this long ago
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Records of every Region, not only of the server's
    #[arg(long)]
    pub all_regions: bool,
    /// At most so many records
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub limit: u64,
    /// Print whole records as JSON, one a line
    #[arg(long)]
    pub json: bool,
}

/// Show who uses a key: for what, when, from where, with which outcome
///
/// Counts the records of the running server, own and imported. The newest day comes first.
#[derive(Debug, Args)]
pub struct UsageOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// Id, ARN or alias of the key; an ARN may be of another account, whose log files were imported
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Not before this time, or this long ago: 2026-01-31T12:00:00Z, 2026-01-31, 36h, 7d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after this time, or this long ago
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Count calls that manage the key as well
    #[arg(long)]
    pub management: bool,
    /// At most so many rows
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    pub limit: u64,
    /// Print the rows as JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Show the evidence for and against deleting a key
///
/// Says when the key was last used and by whom, and what else hangs on it. Records show use, not need: what was encrypted
/// under the key and is never read does not show.
#[derive(Debug, Args)]
pub struct DeletionReadinessOptions {
    #[command(flatten)]
    pub client: ClientOptions,
    /// Id, ARN or alias of the key; an ARN may be of another account, whose log files were imported
    #[arg(value_name = "KEY")]
    pub key: String,
    /// Print everything as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CompletionOptions {
    /// The shell to print the script for
    pub shell: clap_complete::Shell,
}

/// What became of the arguments.
#[derive(Debug)]
pub enum Parsed {
    /// A command to run.
    Run(Command),
    /// Everything is said (help, version, or one line about a mistake).
    Finished(ExitCode),
}

impl Cli {
    /// Parses the arguments (the first is the program's name), answering help, version and mistakes itself.
    pub fn parse_arguments(arguments: impl IntoIterator<Item = OsString>) -> Parsed {
        let error = match Self::try_parse_from(arguments) {
            Ok(cli) => return Parsed::Run(cli.command),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                // Nothing is left to do when the terminal is gone.
                let _ = error.print();
                let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
                Parsed::Finished(code.into())
            }
            _ => {
                exit::complain(&one_line(&error.render().to_string()));
                Parsed::Finished(exit::USAGE.into())
            }
        }
    }
}

/// The first paragraph of clap's explanation, without its prefix, as one line.
fn one_line(rendered: &str) -> String {
    let paragraph = rendered.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mistake_is_one_line() {
        check(
            "error: unexpected argument '--lissten' found\n\n  tip: x\n\nUsage: y",
            "unexpected argument '--lissten' found",
        );
        check(
            "error: the following required arguments were not provided:\n  <SHELL>\n\nUsage: y",
            "the following required arguments were not provided: <SHELL>",
        );

        fn check(rendered: &str, want: &str) {
            assert_eq!(one_line(rendered), want);
        }
    }
}
