//! `keywatch env`: the exports that point the AWS tools at the server.

use std::process::ExitCode;

use super::{ClientError, finish, print};
use crate::cli::ClientOptions;
use crate::data_dir::{self, DataDirError};

/// Prints one line for `eval "$(keywatch env)"`.
pub fn run(options: ClientOptions) -> ExitCode {
    finish(exports(options).and_then(|line| print(&line)))
}

fn exports(options: ClientOptions) -> Result<String, ClientError> {
    let directory = data_dir::locate(options.data_dir)?;
    let server = data_dir::read_server(&directory)?;
    let key = data_dir::read_access_key(&directory)?
        .ok_or_else(|| DataDirError::NoServer { path: directory.display().to_string() })?;
    let mut pairs = vec![
        ("AWS_ENDPOINT_URL", server.endpoint),
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret.expose().to_owned()),
        ("AWS_REGION", server.region.clone()),
        // The AWS CLI and boto3 read this name.
        ("AWS_DEFAULT_REGION", server.region),
    ];
    if let Some(bundle) = server.ca_bundle {
        pairs.push(("AWS_CA_BUNDLE", bundle.display().to_string()));
    }
    let pairs: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{name}={}", quoted(&value))).collect();
    Ok(format!("export {}", pairs.join(" ")))
}

/// A value as a POSIX shell reads it back.
fn quoted(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:+=@%,".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_shell() {
        check("http://127.0.0.1:4599", "http://127.0.0.1:4599");
        check("a/b+c=", "a/b+c=");
        check("", "''");
        check("a b", "'a b'");
        check("it's", "'it'\\''s'");

        fn check(value: &str, want: &str) {
            assert_eq!(quoted(value), want);
        }
    }
}
