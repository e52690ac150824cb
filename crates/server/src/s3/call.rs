//! A call of an S3 operation, as the wrapper around every call takes it, and the way to the operation's file.

use std::sync::OnceLock;

use bytes::Bytes;
use keywatch_api::s3::S3Operation;
use keywatch_api::{Fault, OperationInfo};
use keywatch_iam::Call;
use keywatch_monitor::buckets::Checksum;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::chunked::{self, Decoded};
use super::error::{self, S3Error};
use super::request::{Parameters, S3Request, Target};
use super::{
    abort_multipart_upload, checksum, complete_multipart_upload, create_bucket, create_multipart_upload,
    delete_bucket, delete_bucket_policy, delete_bucket_tagging, delete_object, delete_objects,
    get_bucket_acl, get_bucket_location, get_bucket_policy, get_bucket_tagging, get_bucket_versioning,
    get_object, get_object_lock_configuration, head_bucket, head_object, list_buckets, list_object_versions,
    list_objects, list_objects_v2, put_bucket_policy, put_bucket_tagging, put_object, upload_part,
};
use crate::app::App;
use crate::auth::authenticate::{AuthError, Authenticated};
use crate::recorded::Work;
use crate::wire::route::Head;

/// A routed request to a bucket.
#[derive(Debug)]
pub struct BucketCall<'a> {
    pub operation: S3Operation,
    pub target: &'a Target,
    pub parameters: &'a Parameters,
    pub head: Head<'a>,
    pub received: &'a Bytes,
    /// The body as it was meant, with the checksum that held; found once, however often the operation runs.
    pub decoded: OnceLock<Result<Payload, S3Error>>,
}

/// A body that is what its caller sent.
#[derive(Debug, Clone)]
pub struct Payload {
    pub body: Bytes,
    pub checksum: Option<Checksum>,
}

impl Work for BucketCall<'_> {
    type Answer = Answer;

    fn info(&self) -> OperationInfo {
        self.operation.info()
    }

    async fn run<'w>(
        &'w self,
        app: &'w App,
        who: &'w Authenticated,
        call: &'w mut Call<'_>,
    ) -> Result<Answer, Fault> {
        self.note(call);
        let payload = self.decoded.get_or_init(|| self.decode(who)).as_ref();
        let payload = payload.map_err(|error| Fault::from_error(error.clone()))?;
        let request = S3Request {
            bucket: &self.target.bucket,
            key: &self.target.key,
            parameters: self.parameters,
            headers: self.head.headers,
            body: &payload.body,
        };
        Box::pin(self.dispatch(app, call, &request, payload)).await.map_err(Fault::from_error)
    }

    fn refusal(&self, reason: &AuthError) -> Fault {
        if self.parameters.has("AWSAccessKeyId") && self.parameters.has("Signature") {
            return Fault::new(
                "InvalidRequest",
                400,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            );
        }
        error::of_auth(reason, self.parameters.has("X-Amz-Algorithm"))
    }

    fn record_code<'f>(&self, fault: &'f Fault) -> &'f str {
        &fault.code
    }

    fn is_recorded(&self) -> bool {
        !self.operation.is_data_event()
    }
}

impl BucketCall<'_> {
    fn decode(&self, who: &Authenticated) -> Result<Payload, S3Error> {
        let Decoded { body, trailers } =
            chunked::decode(self.head.headers, self.received, who.chunks.clone())?;
        let decoded = Decoded { body, trailers };
        let checksum = checksum::check(self.head.headers, &decoded)?;
        Ok(Payload { body: decoded.body, checksum })
    }

    /// `requestParameters` as S3's records show them: the bucket, the host and the sub-resource.
    fn note(&self, call: &mut Call<'_>) {
        let mut shown = Map::new();
        if !self.target.bucket.is_empty() {
            shown.insert("bucketName".into(), json!(self.target.bucket));
        }
        if let Some(host) = self.head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()) {
            shown.insert("Host".into(), json!(host));
        }
        for name in ["acl", "location", "policy"] {
            if self.parameters.has(name) {
                shown.insert(name.into(), json!(""));
            }
        }
        call.notes.request_parameters = Some(Value::Object(shown).to_string());
    }

    async fn dispatch(
        &self,
        app: &App,
        call: &mut Call<'_>,
        request: &S3Request<'_>,
        payload: &Payload,
    ) -> Result<Answer, S3Error> {
        let bodies = &app.bodies;
        match self.operation {
            S3Operation::AbortMultipartUpload => {
                abort_multipart_upload::abort_multipart_upload(call, request).await
            }
            S3Operation::CompleteMultipartUpload => {
                complete_multipart_upload::complete_multipart_upload(call, request).await
            }
            S3Operation::CreateMultipartUpload => {
                create_multipart_upload::create_multipart_upload(call, request).await
            }
            S3Operation::UploadPart => upload_part::upload_part(call, bodies, request, payload).await,
            S3Operation::CreateBucket => create_bucket::create_bucket(call, request).await,
            S3Operation::DeleteBucket => delete_bucket::delete_bucket(call, request).await,
            S3Operation::DeleteBucketPolicy => {
                delete_bucket_policy::delete_bucket_policy(call, request).await
            }
            S3Operation::DeleteBucketTagging => {
                delete_bucket_tagging::delete_bucket_tagging(call, request).await
            }
            S3Operation::DeleteObject => delete_object::delete_object(call, request).await,
            S3Operation::DeleteObjects => delete_objects::delete_objects(call, request).await,
            S3Operation::GetBucketAcl => get_bucket_acl::get_bucket_acl(call, request).await,
            S3Operation::GetBucketLocation => get_bucket_location::get_bucket_location(call, request).await,
            S3Operation::GetBucketPolicy => get_bucket_policy::get_bucket_policy(call, request).await,
            S3Operation::GetBucketTagging => get_bucket_tagging::get_bucket_tagging(call, request).await,
            S3Operation::GetBucketVersioning => {
                get_bucket_versioning::get_bucket_versioning(call, request).await
            }
            S3Operation::GetObjectLockConfiguration => {
                get_object_lock_configuration::get_object_lock_configuration(call, request).await
            }
            S3Operation::GetObject => get_object::get_object(call, bodies, request).await,
            S3Operation::HeadBucket => head_bucket::head_bucket(call, request).await,
            S3Operation::HeadObject => head_object::head_object(call, request).await,
            S3Operation::ListBuckets => list_buckets::list_buckets(call, request).await,
            S3Operation::ListObjectVersions => {
                list_object_versions::list_object_versions(call, request).await
            }
            S3Operation::ListObjects => list_objects::list_objects(call, request).await,
            S3Operation::ListObjectsV2 => list_objects_v2::list_objects_v2(call, request).await,
            S3Operation::PutBucketPolicy => put_bucket_policy::put_bucket_policy(call, request).await,
            S3Operation::PutBucketTagging => put_bucket_tagging::put_bucket_tagging(call, request).await,
            S3Operation::PutObject => put_object::put_object(call, bodies, request, payload).await,
            unbuilt => {
                call.authorize_own(&unbuilt.info().action(), &super::access::bucket_arn(request.bucket))?;
                Err(S3Error::NotImplemented)
            }
        }
    }
}
