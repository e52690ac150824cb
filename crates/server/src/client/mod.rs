//! Commands that talk to a running server, with the root access key and the endpoint its data directory holds.

pub mod clock;
pub mod dashboard;
pub mod deletion_readiness;
pub mod env;
pub mod guard;
pub mod import;
mod import_bucket;
pub mod import_source;
mod moment;
pub mod outbox;
mod request;
pub mod search;
pub mod source;
mod tally;
pub mod usage;

use std::process::ExitCode;

use crate::data_dir::DataDirError;
use crate::exit;

/// Why a client command failed.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("{0}")]
    Usage(String),
    #[error("cannot reach the server at {endpoint}")]
    Unreachable {
        endpoint: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the server refused: {code}: {message}")]
    Refused { code: String, message: String },
    #[error("the server's answer is not understood")]
    Answer(#[source] serde_json::Error),
    #[error("cannot print")]
    Print(#[source] std::io::Error),
}

impl ClientError {
    fn code(&self) -> exit::Code {
        match self {
            Self::DataDir(_) | Self::Usage(_) | Self::Unreachable { .. } => exit::USAGE,
            Self::Refused { .. } | Self::Answer(_) | Self::Print(_) => exit::FAILED,
        }
    }
}

/// Says what went wrong, once, and turns it into an exit code.
fn finish(outcome: Result<(), ClientError>) -> ExitCode {
    match outcome {
        Ok(()) => exit::DONE.into(),
        Err(error) => {
            exit::complain(&exit::chain(&error));
            error.code().into()
        }
    }
}

fn print(text: &str) -> Result<(), ClientError> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}").map_err(ClientError::Print)
}
