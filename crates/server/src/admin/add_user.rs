//! `keywatch admin add-user`: a user with a policy and an access key, printed once. What is there already of that name is refused before
//! anything is made.

use std::path::Path;

use keywatch_api::iam::IamOperation;
use zeroize::Zeroizing;

use super::offline::Offline;
use super::{AdminError, print};

const INLINE_NAME: &str = "keywatch-admin";
/// No policy document is larger.
const POLICY_BYTES_MAX: u64 = 131_072;

pub async fn add_user(
    offline: &Offline,
    name: &str,
    policy: Option<&str>,
    policy_file: Option<&Path>,
) -> Result<(), AdminError> {
    let document = policy_file.map(read).transpose()?;
    offline.ask(IamOperation::CreateUser, &[("UserName", name)]).await?;
    let given = match (policy, &document) {
        (Some(arn), _) => {
            let members = [("UserName", name), ("PolicyArn", arn)];
            offline.ask(IamOperation::AttachUserPolicy, &members).await
        }
        (None, Some(document)) => {
            let members = [("UserName", name), ("PolicyName", INLINE_NAME), ("PolicyDocument", document)];
            offline.ask(IamOperation::PutUserPolicy, &members).await
        }
        (None, None) => Ok(String::new()),
    };
    if let Err(error) = given {
        // A user without the wanted policy would only be in the way of the next try.
        offline.ask(IamOperation::DeleteUser, &[("UserName", name)]).await?;
        return Err(error);
    }
    let answer = Zeroizing::new(offline.ask(IamOperation::CreateAccessKey, &[("UserName", name)]).await?);
    let (id, secret) = (element(&answer, "AccessKeyId")?, element(&answer, "SecretAccessKey")?);
    print(&format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY={secret}"))
}

fn read(path: &Path) -> Result<String, AdminError> {
    let failed = |cause| AdminError::File { path: path.display().to_string(), cause };
    if std::fs::metadata(path).map_err(failed)?.len() > POLICY_BYTES_MAX {
        return Err(AdminError::Failed(format!("{} is larger than any policy", path.display())));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The content of the first element of that name, which holds no escaped characters.
fn element<'x>(xml: &'x str, name: &str) -> Result<&'x str, AdminError> {
    let inside = xml.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    inside.map(|(text, _)| text).ok_or_else(|| AdminError::Failed(format!("the answer has no {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        let xml = "<R><AccessKeyId>AKIA</AccessKeyId><S>a/b+c=</S></R>";
        assert_eq!(element(xml, "AccessKeyId").ok(), Some("AKIA"));
        assert_eq!(element(xml, "S").ok(), Some("a/b+c="));
        assert!(element(xml, "T").is_err());
    }
}
