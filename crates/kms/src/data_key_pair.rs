//! What `GenerateDataKeyPair` and `GenerateDataKeyPairWithoutPlaintext` share: a fresh pair, its private key encrypted under a
//! symmetric key.

use keywatch_api::kms::asymmetric::GenerateDataKeyPairResponse;
use keywatch_api::kms::member::GrantToken;
use keywatch_api::kms::sets::DataKeyPairSpec;
use keywatch_api::{Blob, SecretBlob};
use keywatch_crypto::pair;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::attestation::{Attested, RecipientKeys};
use crate::ciphers::{canonical, check_dry_run, current_symmetric, seal, secret_blob};
use crate::conditions::Context;
use crate::error::KmsError;
use crate::opened::generate_pair;
use crate::{grant_token, spec};

/// A wish for a data key pair, with or without its private key in the clear.
#[derive(Clone, Copy)]
pub(crate) struct DataKeyPairWish<'r> {
    pub(crate) action: &'static str,
    pub(crate) key_id: &'r str,
    pub(crate) context: &'r Context,
    pub(crate) key_pair_spec: DataKeyPairSpec,
    pub(crate) grant_tokens: &'r Option<Vec<GrantToken>>,
    pub(crate) attested: Option<&'r Attested>,
    pub(crate) dry_run: Option<bool>,
}

impl DataKeyPairWish<'_> {
    /// The answer without the private key, and the private key.
    pub(crate) async fn fulfil(
        &self,
        call: &mut Call<'_>,
        kms: &Kms,
    ) -> Result<(GenerateDataKeyPairResponse, SecretBlob), KmsError> {
        let context = canonical(self.context)?;
        let more = KeyList::default()
            .with("kms:DataKeyPairSpec", Values::one(self.key_pair_spec.as_str()))
            .with("kms:EncryptionAlgorithm", Values::one("SYMMETRIC_DEFAULT"));
        let more = RecipientKeys { attested: self.attested, own: &more };
        let asked = Asked { action: self.action, context: self.context.as_ref(), more: &more };
        kms.quotas().take_pair(call, self.key_pair_spec)?;
        let open = reach(call, kms, self.key_id, Reach::Use, &asked).await?;
        grant_token::check(kms.keyring(), self.grant_tokens)?;
        let operation = self.action.strip_prefix("kms:").unwrap_or(self.action);
        let (material, symmetric) = current_symmetric(&open, operation)?;
        let Some(pair_spec) = spec::data_pair_spec(self.key_pair_spec) else {
            return Err(KmsError::Unsupported(format!(
                "KeyPairSpec {} is not supported in this Region.",
                self.key_pair_spec
            )));
        };
        call.notes.additional_event_data.clone_from(&material.noted);
        check_dry_run(self.dry_run)?;

        let stored = generate_pair(pair_spec, kms.generation()).await?;
        let private = pair::pkcs8_der(pair_spec, &stored).map_err(|error| KmsError::internal(&error))?;
        let public = pair::public_der(pair_spec, &stored).map_err(|error| KmsError::internal(&error))?;
        let answer = GenerateDataKeyPairResponse {
            private_key_ciphertext_blob: seal(symmetric, &context, private.expose())?,
            private_key_plaintext: None,
            ciphertext_for_recipient: None,
            public_key: Blob(public),
            key_id: open.arn.clone(),
            key_pair_spec: self.key_pair_spec,
            key_material_id: material.id.clone(),
        };
        Ok((answer, secret_blob(private)))
    }
}
