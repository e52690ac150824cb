//! `CreateImportSource`: names a bucket or a directory whose log files the caller's account imports from now on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_api::SecretText;
use keywatch_api::keywatch::{
    CreateImportSourceRequest, CreateImportSourceResponse, LOOK_BACK_SECONDS_DEFAULT, POLL_SECONDS_DEFAULT,
};
use keywatch_iam::{AccessDenied, Call};
use keywatch_store::Scan;
use uuid::Uuid;

use super::ImportError;
use super::source::record::{
    PROGRESS, ProgressRecord, SCHEDULE, SOURCE, ScheduleRecord, SourceRecord, account_prefix, source_key,
};
use super::source::{Location, Sources, checked_url, seal};
use crate::trail::verify::PublicKeys;

/// Sources of one account.
const SOURCES_MAX: usize = 100;

/// Needs only the sources of the service that serves it.
pub async fn create_import_source<S: AsRef<Sources> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: CreateImportSourceRequest,
) -> Result<CreateImportSourceResponse, ImportError> {
    call.authorize_own("keywatch:CreateImportSource", "*")?;
    let sources = service.as_ref();
    let key = source_key(call.account(), &request.name);
    let known = call.tx.get::<SourceRecord>(SOURCE, &key).await?;
    let id = known.as_ref().map_or_else(|| Uuid::new_v4().to_string(), |known| known.id.clone());
    let source = checked(call, sources, &request, id)?;
    if let Some(known) = known {
        if !goes_on(&known, &source) {
            return Err(ImportError::SourceExists(source.name));
        }
        call.tx.put(SOURCE, &key, &source)?;
        call.tx.put(SCHEDULE, &key, &ScheduleRecord::first(call.now))?;
        return Ok(CreateImportSourceResponse { name: source.name });
    }
    let prefix = account_prefix(call.account());
    let scan = Scan { prefix: &prefix, after: None, limit: SOURCES_MAX };
    if call.tx.scan::<SourceRecord>(SOURCE, scan).await?.len() >= SOURCES_MAX {
        return Err(ImportError::TooManySources { limit: SOURCES_MAX });
    }
    call.tx.insert(SOURCE, &key, &source)?;
    call.tx.put(SCHEDULE, &key, &ScheduleRecord::first(call.now))?;
    call.tx.put(PROGRESS, &source.id, &ProgressRecord::default())?;
    Ok(CreateImportSourceResponse { name: source.name })
}

/// Whether a source that is polled once is asked for again: it keeps its cursors, and takes what else is said anew.
fn goes_on(known: &SourceRecord, source: &SourceRecord) -> bool {
    known.once && source.once && known.location == source.location && known.endpoint == source.endpoint
}

/// The source that a request describes, with credentials sealed for `id`.
fn checked(
    call: &Call<'_>,
    sources: &Sources,
    request: &CreateImportSourceRequest,
    id: String,
) -> Result<SourceRecord, ImportError> {
    let invalid = |text: &str| ImportError::InvalidSource(text.to_owned());
    let location =
        Location::parse(&request.location).map_err(|expected| invalid(&format!("Location: {expected}.")))?;
    if matches!(location, Location::Directory(_)) {
        may_name_directories(call, sources)?;
        let of_buckets = [&request.endpoint, &request.region, &request.access_key_id, &request.queue_url];
        if of_buckets.iter().any(|member| member.is_some()) || request.secret_access_key.is_some() {
            return Err(invalid("A directory has no endpoint, Region, credentials or queue."));
        }
    }
    for (member, url) in [("Endpoint", &request.endpoint), ("QueueUrl", &request.queue_url)] {
        if url.as_ref().is_some_and(|url| checked_url(url).is_none()) {
            return Err(invalid(&format!("{member}: expected an http or https URL without credentials.")));
        }
    }
    let sealed = match (&request.access_key_id, &request.secret_access_key) {
        (Some(_), Some(secret)) => {
            let token = request.session_token.as_ref().map(SecretText::expose);
            Some(seal(&sources.inner.keyring, &id, secret.expose(), token)?)
        }
        (None, None) if request.session_token.is_none() => None,
        _ => return Err(invalid("AccessKeyId and SecretAccessKey belong together.")),
    };
    if sealed.is_none() && (request.queue_url.is_some() || request.fetch_public_keys == Some(true)) {
        return Err(invalid("QueueUrl and FetchPublicKeys need credentials."));
    }
    if request.once == Some(true) && request.queue_url.is_some() {
        return Err(invalid("Once: a queue is asked again and again."));
    }
    let mut keys = PublicKeys::default();
    if let Some(list) = &request.public_keys {
        keys.add_list(list.as_bytes()).map_err(|reason| invalid(&format!("PublicKeys: {reason}.")))?;
    }
    Ok(SourceRecord {
        id,
        name: request.name.clone(),
        account: call.account().clone(),
        location,
        endpoint: request.endpoint.clone(),
        region: request.region.clone(),
        access_key_id: request.access_key_id.clone(),
        sealed,
        queue_url: request.queue_url.clone(),
        poll_seconds: request.poll_interval_seconds.unwrap_or(POLL_SECONDS_DEFAULT),
        look_back_seconds: request.look_back_seconds.unwrap_or(LOOK_BACK_SECONDS_DEFAULT),
        validate_digests: request.validate_digests.unwrap_or(true),
        fetch_public_keys: request.fetch_public_keys.unwrap_or(false),
        public_keys: keys.values().map(|key| BASE64.encode(key)).collect(),
        created: call.now,
        created_by: call.caller.arn.clone(),
        once: request.once.unwrap_or(false),
    })
}

/// A directory is read with the rights of the server, so only who runs it may name one.
fn may_name_directories(call: &Call<'_>, sources: &Sources) -> Result<(), AccessDenied> {
    if call.caller.is_root() && *call.account() == sources.inner.account {
        return Ok(());
    }
    let text = "Only the root user of the server's own account may import from a directory of the server";
    Err(AccessDenied(text.to_owned()))
}
