//! # AWS managed keys
//! The key behind a predefined alias such as `alias/aws/s3`: made when first needed, usable only through its service, and
//! changed by nobody: its policy allows no more than looking. Source: KMS developer guide, "AWS managed keys", "Key policies of
//! AWS managed keys".

use std::sync::Arc;

use keywatch_api::kms::sets::{KeyManager, KeySpec, KeyUsage, Origin};
use keywatch_crypto::{KeyName, SystemRandom, random};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::own_place;
use crate::aliases::{self, ALIASES, Alias, PREDEFINED};
use crate::due::days_after;
use crate::due::rotate_key::fresh_material;
use crate::error::KmsError;
use crate::key::{AutomaticRotation, KEYS, Key, Material, State};
use crate::materials::ROTATION_PERIOD_DAYS_DEFAULT;
use crate::open_key::OpenKey;
use crate::rows;

pub(crate) fn is_predefined(name: &str) -> bool {
    PREDEFINED.binary_search(&name).is_ok()
}

/// The key behind a predefined alias that had none when the store was looked at; this transaction may have made it already.
pub(crate) async fn key_behind(call: &mut Call<'_>, kms: &Kms, name: &str) -> Result<Arc<OpenKey>, KmsError> {
    let alias_row = aliases::row(call.account(), &call.region, name);
    if let Some(alias) = call.tx.get::<Alias>(ALIASES, &alias_row).await? {
        let target = alias.target.parse().map_err(|error| KmsError::internal(&error))?;
        let row = own_place(call, target).row();
        let key = call.tx.get::<Key>(KEYS, &row).await?;
        let key = key.ok_or_else(|| KmsError::Internal(format!("{name} names no key")))?;
        return Ok(Arc::new(OpenKey::open(key, kms.keyring())?));
    }
    let key = create(call, kms, name)?;
    rows::insert(&mut call.tx, &key)?;
    let alias = Alias { target: key.id.clone(), created: call.now, updated: call.now };
    call.tx.insert(ALIASES, &alias_row, &alias)?;
    Ok(Arc::new(OpenKey::open(key, kms.keyring())?))
}

fn create(call: &Call<'_>, kms: &Kms, name: &str) -> Result<Key, KmsError> {
    let service = name.rsplit('/').next().unwrap_or(name);
    let id = KeyName::from_uuid_bytes(random::uuid_bytes(&mut SystemRandom)).to_string();
    let mut key = Key {
        id,
        account: call.account().clone(),
        region: call.region.clone(),
        created: call.now,
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        manager: KeyManager::Aws,
        origin: Origin::AwsKms,
        description: format!("Default key that protects my {service} data when no other key is defined"),
        state: State::Enabled,
        materials: Vec::new(),
        public_key: None,
        rotation: Some(AutomaticRotation {
            period_days: ROTATION_PERIOD_DAYS_DEFAULT,
            next: days_after(call.now, ROTATION_PERIOD_DAYS_DEFAULT),
        }),
        policy: policy(call, service),
        tags: Default::default(),
        aliases: [name.to_owned()].into(),
        family: None,
    };
    let (id, sealed) = fresh_material(kms, &key)?;
    key.materials.push(Material::generated(id, sealed));
    Ok(key)
}

/// Everyone of the account through the service, and the account itself for looking.
fn policy(call: &Call<'_>, service: &str) -> String {
    let (account, region) = (call.account(), &call.region);
    // The volumes of `ebs` are asked for by `ec2`.
    let via = if service == "ebs" { "ec2" } else { service };
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "auto-{service}-2",
  "Statement" : [ {{
    "Sid" : "Allow access through {service} for all principals in the account that are authorized to use {service}",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "*"
    }},
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {{
      "StringEquals" : {{
        "kms:CallerAccount" : "{account}",
        "kms:ViaService" : "{via}.{region}.amazonaws.com"
      }}
    }}
  }}, {{
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant" ],
    "Resource" : "*"
  }} ]
}}"#
    )
}
