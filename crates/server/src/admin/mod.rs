//! `keywatch admin`: what is done to a data directory while no server runs on it.
//!
//! The commands open the store themselves, under its lock, and act as the root user: what IAM has an operation for goes through that
//! operation, and everything leaves a record in the trail like any call. **Not here:** what a running server can be asked for.

mod add_user;
mod offline;
mod revoke;
mod rotate_access_key;
mod sessions;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use keywatch_store::StoreError;

use crate::config::{ConfigError, ServeOptions};
use crate::data_dir::DataDirError;
use crate::exit;
use crate::root_secrets::RootKeyError;
use offline::Offline;

#[derive(Debug, Args)]
pub struct AdminOptions {
    /// Data directory [default: $XDG_DATA_HOME/keywatch or ~/.local/share/keywatch]
    #[arg(long, value_name = "DIR", env = "KEYWATCH_DATA_DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// PostgreSQL that holds the state (postgres://…)
    #[arg(long, value_name = "URL", env = "KEYWATCH_DATABASE_URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// Account of the root user, 12 digits [default: 000000000000]
    #[arg(long, value_name = "ACCOUNT", env = "KEYWATCH_ACCOUNT", global = true)]
    account: Option<String>,
    /// Where buckets and history lie, as the server was told (file:///dir or s3://bucket/prefix)
    #[arg(long, value_name = "URL", env = "KEYWATCH_OBJECT_STORE", global = true)]
    object_store: Option<String>,
    /// File of the root key [default: root.key in the data directory]
    #[arg(long, value_name = "FILE", env = "KEYWATCH_ROOT_KEY_FILE", global = true)]
    root_key_file: Option<PathBuf>,
    #[command(subcommand)]
    action: AdminAction,
}

#[derive(Debug, Subcommand)]
enum AdminAction {
    /// Make the root access key, or a new one in place of it, and print it
    RotateAccessKey,
    /// Make a user with a policy and an access key, and print the key
    AddUser {
        /// Name of the user
        #[arg(value_name = "NAME")]
        name: String,
        /// ARN of a managed policy to attach, such as arn:aws:iam::aws:policy/ReadOnlyAccess
        #[arg(long, value_name = "ARN", conflicts_with = "policy_file")]
        policy: Option<String>,
        /// File with a policy document to put in line
        #[arg(long, value_name = "FILE")]
        policy_file: Option<PathBuf>,
    },
    /// List the temporary credentials that were handed out and have not expired
    Sessions {
        /// Print them as JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// End a session (ASIA…), or make a user's access key (AKIA…) inactive
    Revoke {
        /// The access key id
        #[arg(value_name = "ACCESS_KEY_ID")]
        access_key_id: String,
    },
}

/// Why an admin command failed.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    HistoryPlace(#[from] keywatch_history::OpenError),
    #[error(transparent)]
    History(#[from] keywatch_history::HistoryError),
    #[error("nothing is kept in {path}: no server ever started there")]
    Empty { path: String },
    #[error("cannot read the file {path}")]
    File {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("refused: {code}: {message}")]
    Refused { code: String, message: String },
    #[error("{0}")]
    Failed(String),
    #[error("cannot print")]
    Print(#[source] std::io::Error),
    #[error("cannot start")]
    Io(#[source] std::io::Error),
}

impl AdminError {
    fn code(&self) -> exit::Code {
        match self {
            Self::Refused { .. } | Self::Failed(_) | Self::Print(_) => exit::FAILED,
            Self::Config(_)
            | Self::DataDir(_)
            | Self::RootKey(_)
            | Self::Store(_)
            | Self::HistoryPlace(_)
            | Self::History(_)
            | Self::Empty { .. }
            | Self::File { .. }
            | Self::Io(_) => exit::USAGE,
        }
    }
}

/// Runs the command.
pub fn run(options: AdminOptions) -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AdminError::Io)
        .and_then(|runtime| runtime.block_on(act(options)));
    match outcome {
        Ok(()) => exit::DONE.into(),
        Err(error) => {
            exit::complain(&exit::chain(&error));
            error.code().into()
        }
    }
}

async fn act(options: AdminOptions) -> Result<(), AdminError> {
    let AdminOptions { data_dir, database_url, account, object_store, root_key_file, action } = options;
    let place = ServeOptions {
        data_dir,
        database_url,
        account,
        object_store,
        root_key_file,
        ..ServeOptions::default()
    };
    let offline = Offline::open(place).await?;
    let outcome = match action {
        AdminAction::RotateAccessKey => rotate_access_key::rotate_access_key(&offline).await,
        AdminAction::AddUser { name, policy, policy_file } => {
            add_user::add_user(&offline, &name, policy.as_deref(), policy_file.as_deref()).await
        }
        AdminAction::Sessions { json } => sessions::sessions(&offline, json).await,
        AdminAction::Revoke { access_key_id } => revoke::revoke(&offline, &access_key_id).await,
    };
    offline.close().await;
    outcome
}

fn print(text: &str) -> Result<(), AdminError> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}").map_err(AdminError::Print)
}
