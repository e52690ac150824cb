//! # Buckets: what is stored of them
//! A **bucket** and its **objects** are rows; an object's bytes, its **body**, lie in an object store under a name of their
//! own that is never written twice. Putting an object is: a row that calls the coming body loose, the body, then one commit
//! that lets the object's row point to it. A crash between leaves a **loose body**, which the next start removes.
//!
//! **Invariants:** an object's row never points to a body that is missing or half written; two puts of one key leave one
//! of the two objects whole. **Not here:** the S3 wire (`server`), what a trail puts into its bucket (`trail`).

mod bodies;
mod record;

pub use bodies::{Bodies, BodyError, BodyStream, OpenError, PlaceError};
pub use record::{
    BUCKET, BucketRecord, Checksum, LOOSE, OBJECT, ObjectRecord, PART, PartRecord, Piece, UPLOAD,
    UploadRecord, loose_marker, object_key, part_key, upload_key,
};
