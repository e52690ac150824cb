//! # The S3 endpoint: buckets for log files, on the same port
//! Path style (`/bucket/key`), S3's own headers and XML, over rows and bodies (`keywatch_monitor::buckets`). A request is
//! **routed** by its path and sub-resource ([`route`]), its body is freed from its transfer coding ([`chunked`]) and its
//! checksums ([`checksum`]), and the operation, a file named after it, runs inside the wrapper of every call.
//!
//! **Invariants:** signatures, policies and records are those of every other service; an object is answered only as it
//! was put. **Not here:** versions, tags of objects, lifecycles and whatever else a bucket for log files does not need: those operations
//! are marked not built in the table and answer `NotImplemented`.

pub mod access;
pub mod answer;
pub mod call;
pub mod checksum;
pub mod chunked;
pub mod error;
pub mod listing;
pub mod object_headers;
pub mod request;
pub mod route;
pub mod uploads;
pub mod xml;

mod abort_multipart_upload;
mod complete_multipart_upload;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_bucket_policy;
mod delete_bucket_tagging;
mod delete_object;
mod delete_objects;
mod get_bucket_acl;
mod get_bucket_location;
mod get_bucket_policy;
mod get_bucket_tagging;
mod get_bucket_versioning;
mod get_object;
mod get_object_lock_configuration;
mod head_bucket;
mod head_object;
mod list_buckets;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod put_bucket_policy;
mod put_bucket_tagging;
mod put_object;
mod upload_part;
