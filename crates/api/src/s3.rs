//! S3's table of operations, as far as this server knows them: buckets exist so that trails have somewhere to put their log
//! files. The wire is S3's own (paths, headers and XML): the server's `s3` reads requests and writes answers.

/// The table of operations.
#[macro_export]
macro_rules! s3_operations {
    ($($then:ident)::+ $(, $args:expr)*) => {
        $($then)::+! { $($args,)* S3Operation S3;
            AbortMultipartUpload abort_multipart_upload Write;
            CompleteMultipartUpload complete_multipart_upload Write;
            CopyObject - Write;
            CreateBucket create_bucket Write;
            CreateMultipartUpload create_multipart_upload Write;
            DeleteBucket delete_bucket Write;
            DeleteBucketPolicy delete_bucket_policy Write;
            DeleteBucketTagging delete_bucket_tagging Write;
            DeleteObject delete_object Write;
            DeleteObjectTagging - Write;
            DeleteObjects delete_objects Write;
            GetBucketAcl get_bucket_acl Read;
            GetBucketEncryption - Read;
            GetBucketLifecycleConfiguration - Read;
            GetBucketLocation get_bucket_location Read;
            GetBucketLogging - Read;
            GetBucketNotificationConfiguration - Read;
            GetBucketOwnershipControls - Read;
            GetBucketPolicy get_bucket_policy Read;
            GetBucketTagging get_bucket_tagging Read;
            GetBucketVersioning get_bucket_versioning Read;
            GetObject get_object Read;
            GetObjectAcl - Read;
            GetObjectAttributes - Read;
            GetObjectLockConfiguration get_object_lock_configuration Read;
            GetObjectTagging - Read;
            GetPublicAccessBlock - Read;
            HeadBucket head_bucket Read;
            HeadObject head_object Read;
            ListBuckets list_buckets Read;
            ListMultipartUploads - Read;
            ListObjectVersions list_object_versions Read;
            ListObjects list_objects Read;
            ListObjectsV2 list_objects_v2 Read;
            ListParts - Read;
            PutBucketAcl - Write;
            PutBucketEncryption - Write;
            PutBucketLifecycleConfiguration - Write;
            PutBucketLogging - Write;
            PutBucketNotificationConfiguration - Write;
            PutBucketOwnershipControls - Write;
            PutBucketPolicy put_bucket_policy Write;
            PutBucketTagging put_bucket_tagging Write;
            PutBucketVersioning - Write;
            PutObject put_object Write;
            PutObjectAcl - Write;
            PutObjectLockConfiguration - Write;
            PutObjectTagging - Write;
            PutPublicAccessBlock - Write;
            UploadPart upload_part Write;
        }
    };
}

crate::s3_operations!(crate::define_operations);

impl S3Operation {
    /// Whether the operation is on objects: CloudTrail calls such events data events, which no trail records unless it
    /// asks for them.
    pub fn is_data_event(self) -> bool {
        let name = self.info().name;
        name.contains("Object")
            && !matches!(self, Self::GetObjectLockConfiguration | Self::PutObjectLockConfiguration)
            || matches!(
                self,
                Self::AbortMultipartUpload
                    | Self::CompleteMultipartUpload
                    | Self::CreateMultipartUpload
                    | Self::HeadBucket
                    | Self::ListMultipartUploads
                    | Self::ListParts
                    | Self::UploadPart
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_on_objects_are_data_events() {
        for (operation, want) in [
            (S3Operation::CreateBucket, false),
            (S3Operation::GetBucketPolicy, false),
            (S3Operation::ListBuckets, false),
            (S3Operation::PutObjectLockConfiguration, false),
            (S3Operation::GetObject, true),
            (S3Operation::ListObjectsV2, true),
            (S3Operation::UploadPart, true),
        ] {
            assert_eq!(operation.is_data_event(), want, "{operation:?}");
        }
    }
}
