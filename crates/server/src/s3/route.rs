//! Which operation a request to a bucket asks for: by method, by what its path names, and by its sub-resource. Pure.

use http::Method;
use keywatch_api::s3::S3Operation;

use super::error::S3Error;
use super::request::{Parameters, Target};

/// Sub-resources of buckets: parameter, method, operation.
const OF_BUCKETS: &[(&str, Method, S3Operation)] = &[
    ("acl", Method::GET, S3Operation::GetBucketAcl),
    ("acl", Method::PUT, S3Operation::PutBucketAcl),
    ("delete", Method::POST, S3Operation::DeleteObjects),
    ("encryption", Method::GET, S3Operation::GetBucketEncryption),
    ("encryption", Method::PUT, S3Operation::PutBucketEncryption),
    ("lifecycle", Method::GET, S3Operation::GetBucketLifecycleConfiguration),
    ("lifecycle", Method::PUT, S3Operation::PutBucketLifecycleConfiguration),
    ("location", Method::GET, S3Operation::GetBucketLocation),
    ("logging", Method::GET, S3Operation::GetBucketLogging),
    ("logging", Method::PUT, S3Operation::PutBucketLogging),
    ("notification", Method::GET, S3Operation::GetBucketNotificationConfiguration),
    ("notification", Method::PUT, S3Operation::PutBucketNotificationConfiguration),
    ("object-lock", Method::GET, S3Operation::GetObjectLockConfiguration),
    ("object-lock", Method::PUT, S3Operation::PutObjectLockConfiguration),
    ("ownershipControls", Method::GET, S3Operation::GetBucketOwnershipControls),
    ("ownershipControls", Method::PUT, S3Operation::PutBucketOwnershipControls),
    ("policy", Method::DELETE, S3Operation::DeleteBucketPolicy),
    ("policy", Method::GET, S3Operation::GetBucketPolicy),
    ("policy", Method::PUT, S3Operation::PutBucketPolicy),
    ("publicAccessBlock", Method::GET, S3Operation::GetPublicAccessBlock),
    ("publicAccessBlock", Method::PUT, S3Operation::PutPublicAccessBlock),
    ("tagging", Method::DELETE, S3Operation::DeleteBucketTagging),
    ("tagging", Method::GET, S3Operation::GetBucketTagging),
    ("tagging", Method::PUT, S3Operation::PutBucketTagging),
    ("uploads", Method::GET, S3Operation::ListMultipartUploads),
    ("versioning", Method::GET, S3Operation::GetBucketVersioning),
    ("versioning", Method::PUT, S3Operation::PutBucketVersioning),
    ("versions", Method::GET, S3Operation::ListObjectVersions),
];

/// Sub-resources of objects.
const OF_OBJECTS: &[(&str, Method, S3Operation)] = &[
    ("acl", Method::GET, S3Operation::GetObjectAcl),
    ("acl", Method::PUT, S3Operation::PutObjectAcl),
    ("attributes", Method::GET, S3Operation::GetObjectAttributes),
    ("tagging", Method::DELETE, S3Operation::DeleteObjectTagging),
    ("tagging", Method::GET, S3Operation::GetObjectTagging),
    ("tagging", Method::PUT, S3Operation::PutObjectTagging),
    ("uploadId", Method::DELETE, S3Operation::AbortMultipartUpload),
    ("uploadId", Method::GET, S3Operation::ListParts),
    ("uploadId", Method::POST, S3Operation::CompleteMultipartUpload),
    ("uploadId", Method::PUT, S3Operation::UploadPart),
    ("uploads", Method::POST, S3Operation::CreateMultipartUpload),
];

/// Sub-resources that are S3's but no operation's of the table: never to be mistaken for the bucket or object itself.
const UNKNOWN_HERE: &[&str] = &[
    "accelerate",
    "analytics",
    "cors",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "metrics",
    "policyStatus",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "torrent",
    "versionId",
    "website",
];

/// Finds the operation.
pub fn operation(
    method: &Method,
    target: &Target,
    parameters: &Parameters,
    copies: bool,
) -> Result<S3Operation, S3Error> {
    if target.bucket.is_empty() {
        return match *method {
            Method::GET => Ok(S3Operation::ListBuckets),
            _ => Err(S3Error::MethodNotAllowed),
        };
    }
    let known = if target.key.is_empty() { OF_BUCKETS } else { OF_OBJECTS };
    let mut named = known.iter().filter(|(name, ..)| parameters.has(name)).peekable();
    if named.peek().is_some() {
        let found = named.find(|(_, allowed, _)| allowed == method);
        return found.map(|(.., operation)| *operation).ok_or(S3Error::MethodNotAllowed);
    }
    if UNKNOWN_HERE.iter().any(|name| parameters.has(name)) {
        return Err(S3Error::NotImplemented);
    }
    let plain = match (method, target.key.is_empty()) {
        (&Method::GET, true) if parameters.get("list-type") == Some("2") => S3Operation::ListObjectsV2,
        (&Method::GET, true) => S3Operation::ListObjects,
        (&Method::HEAD, true) => S3Operation::HeadBucket,
        (&Method::PUT, true) => S3Operation::CreateBucket,
        (&Method::DELETE, true) => S3Operation::DeleteBucket,
        (&Method::GET, false) => S3Operation::GetObject,
        (&Method::HEAD, false) => S3Operation::HeadObject,
        (&Method::PUT, false) if copies => S3Operation::CopyObject,
        (&Method::PUT, false) => S3Operation::PutObject,
        (&Method::DELETE, false) => S3Operation::DeleteObject,
        _ => return Err(S3Error::MethodNotAllowed),
    };
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use keywatch_api::WireError as _;

    use super::*;

    #[test]
    fn requests_name_operations() {
        check("GET /", Ok(S3Operation::ListBuckets));
        check("PUT /", Err("MethodNotAllowed"));
        check("PUT /b", Ok(S3Operation::CreateBucket));
        check("HEAD /b/", Ok(S3Operation::HeadBucket));
        check("GET /b", Ok(S3Operation::ListObjects));
        check("GET /b?list-type=2&prefix=policy", Ok(S3Operation::ListObjectsV2));
        check("GET /b?policy", Ok(S3Operation::GetBucketPolicy));
        check("POST /b?delete", Ok(S3Operation::DeleteObjects));
        check("POST /b", Err("MethodNotAllowed"));
        check("POST /b?policy", Err("MethodNotAllowed"));
        check("GET /b?website", Err("NotImplemented"));
        check("GET /b/k", Ok(S3Operation::GetObject));
        check("GET /b/k?versionId=1", Err("NotImplemented"));
        check("PUT /b/k?partNumber=1&uploadId=u", Ok(S3Operation::UploadPart));
        check("POST /b/k?uploads", Ok(S3Operation::CreateMultipartUpload));
        check("DELETE /b/k", Ok(S3Operation::DeleteObject));

        fn check(request: &str, want: Result<S3Operation, &str>) {
            let (method, url) = request.split_once(' ').expect("a method");
            let (path, query) = url.split_once('?').unwrap_or((url, ""));
            let target = Target::of(path).expect("a path");
            let parameters = Parameters::of(query).expect("parameters");
            let found = operation(&method.parse().expect("a method"), &target, &parameters, false);
            assert_eq!(found.map_err(|error| error.code()), want.map_err(Into::into), "{request}");
        }
    }
}
