// The table of every S3 operation (API reference of November 2026). What has no `operation` answers 501 by its name.
#include "api/s3/route.hpp"

namespace troupe::s3 {

namespace {

using enum level;
using op = operation;

// clang-format off
constexpr route_row rows[] = {
    {service, "GET", "", "ListBuckets", op::list_buckets},

    {bucket, "GET", "", "ListObjects", op::list_objects},
    {bucket, "GET", "list-type", "ListObjectsV2", op::list_objects_v2},
    {bucket, "GET", "versions", "ListObjectVersions", op::list_object_versions},
    {bucket, "GET", "uploads", "ListMultipartUploads", op::list_multipart_uploads},
    {bucket, "PUT", "", "CreateBucket", op::create_bucket},
    {bucket, "HEAD", "", "HeadBucket", op::head_bucket},
    {bucket, "DELETE", "", "DeleteBucket", op::delete_bucket},
    {bucket, "POST", "delete", "DeleteObjects", op::delete_objects},
    {bucket, "POST", "", "PostObject"},
    {bucket, "GET", "location", "GetBucketLocation", op::get_bucket_location},
    {bucket, "GET", "versioning", "GetBucketVersioning", op::get_bucket_versioning},
    {bucket, "PUT", "versioning", "PutBucketVersioning"},
    {bucket, "GET", "acl", "GetBucketAcl", op::get_bucket_acl},
    {bucket, "PUT", "acl", "PutBucketAcl"},
    {bucket, "GET", "requestPayment", "GetBucketRequestPayment", op::get_bucket_request_payment},
    {bucket, "PUT", "requestPayment", "PutBucketRequestPayment"},
    {bucket, "GET", "accelerate", "GetBucketAccelerateConfiguration", op::get_bucket_accelerate},
    {bucket, "PUT", "accelerate", "PutBucketAccelerateConfiguration"},
    {bucket, "GET", "logging", "GetBucketLogging", op::get_bucket_logging},
    {bucket, "PUT", "logging", "PutBucketLogging"},
    {bucket, "GET", "notification", "GetBucketNotificationConfiguration", op::get_bucket_notification},
    {bucket, "PUT", "notification", "PutBucketNotificationConfiguration"},
    {bucket, "GET", "policy", "GetBucketPolicy", op::not_configured, &codes::no_policy},
    {bucket, "PUT", "policy", "PutBucketPolicy"},
    {bucket, "DELETE", "policy", "DeleteBucketPolicy"},
    {bucket, "GET", "policyStatus", "GetBucketPolicyStatus", op::not_configured, &codes::no_policy},
    {bucket, "GET", "cors", "GetBucketCors", op::not_configured, &codes::no_cors},
    {bucket, "PUT", "cors", "PutBucketCors"},
    {bucket, "DELETE", "cors", "DeleteBucketCors"},
    {bucket, "GET", "lifecycle", "GetBucketLifecycleConfiguration", op::not_configured, &codes::no_lifecycle},
    {bucket, "PUT", "lifecycle", "PutBucketLifecycleConfiguration"},
    {bucket, "DELETE", "lifecycle", "DeleteBucketLifecycle"},
    {bucket, "GET", "tagging", "GetBucketTagging", op::not_configured, &codes::no_tags},
    {bucket, "PUT", "tagging", "PutBucketTagging"},
    {bucket, "DELETE", "tagging", "DeleteBucketTagging"},
    {bucket, "GET", "website", "GetBucketWebsite", op::not_configured, &codes::no_website},
    {bucket, "PUT", "website", "PutBucketWebsite"},
    {bucket, "DELETE", "website", "DeleteBucketWebsite"},
    {bucket, "GET", "object-lock", "GetObjectLockConfiguration", op::not_configured, &codes::no_object_lock},
    {bucket, "PUT", "object-lock", "PutObjectLockConfiguration"},
    {bucket, "GET", "encryption", "GetBucketEncryption", op::get_bucket_encryption},
    {bucket, "PUT", "encryption", "PutBucketEncryption", op::put_bucket_encryption},
    {bucket, "DELETE", "encryption", "DeleteBucketEncryption", op::delete_bucket_encryption},
    {bucket, "GET", "replication", "GetBucketReplication", op::not_configured, &codes::no_replication},
    {bucket, "PUT", "replication", "PutBucketReplication"},
    {bucket, "DELETE", "replication", "DeleteBucketReplication"},
    {bucket, "GET", "publicAccessBlock", "GetPublicAccessBlock", op::not_configured, &codes::no_public_access_block},
    {bucket, "PUT", "publicAccessBlock", "PutPublicAccessBlock"},
    {bucket, "DELETE", "publicAccessBlock", "DeletePublicAccessBlock"},
    {bucket, "GET", "ownershipControls", "GetBucketOwnershipControls", op::not_configured, &codes::no_ownership_controls},
    {bucket, "PUT", "ownershipControls", "PutBucketOwnershipControls"},
    {bucket, "DELETE", "ownershipControls", "DeleteBucketOwnershipControls"},
    {bucket, "GET", "analytics", "GetBucketAnalyticsConfiguration"},
    {bucket, "PUT", "analytics", "PutBucketAnalyticsConfiguration"},
    {bucket, "DELETE", "analytics", "DeleteBucketAnalyticsConfiguration"},
    {bucket, "GET", "intelligent-tiering", "GetBucketIntelligentTieringConfiguration"},
    {bucket, "PUT", "intelligent-tiering", "PutBucketIntelligentTieringConfiguration"},
    {bucket, "DELETE", "intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration"},
    {bucket, "GET", "inventory", "GetBucketInventoryConfiguration"},
    {bucket, "PUT", "inventory", "PutBucketInventoryConfiguration"},
    {bucket, "DELETE", "inventory", "DeleteBucketInventoryConfiguration"},
    {bucket, "GET", "metrics", "GetBucketMetricsConfiguration"},
    {bucket, "PUT", "metrics", "PutBucketMetricsConfiguration"},
    {bucket, "DELETE", "metrics", "DeleteBucketMetricsConfiguration"},
    {bucket, "GET", "metadataTable", "GetBucketMetadataTableConfiguration"},
    {bucket, "POST", "metadataTable", "CreateBucketMetadataTableConfiguration"},
    {bucket, "DELETE", "metadataTable", "DeleteBucketMetadataTableConfiguration"},
    {bucket, "GET", "metadataConfiguration", "GetBucketMetadataConfiguration"},
    {bucket, "POST", "metadataConfiguration", "CreateBucketMetadataConfiguration"},
    {bucket, "DELETE", "metadataConfiguration", "DeleteBucketMetadataConfiguration"},
    {bucket, "PUT", "metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"},
    {bucket, "PUT", "metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"},
    {bucket, "GET", "abac", "GetBucketAbac"},
    {bucket, "PUT", "abac", "PutBucketAbac"},
    {bucket, "GET", "session", "CreateSession"},

    {object, "GET", "", "GetObject", op::get_object},
    {object, "HEAD", "", "HeadObject", op::head_object},
    {object, "PUT", "", "PutObject", op::put_object}, // CopyObject with x-amz-copy-source
    {object, "DELETE", "", "DeleteObject", op::delete_object},
    {object, "PUT", "uploadId", "UploadPart", op::upload_part}, // UploadPartCopy with x-amz-copy-source
    {object, "GET", "uploadId", "ListParts", op::list_parts},
    {object, "POST", "uploads", "CreateMultipartUpload", op::create_multipart_upload},
    {object, "POST", "uploadId", "CompleteMultipartUpload", op::complete_multipart_upload},
    {object, "DELETE", "uploadId", "AbortMultipartUpload", op::abort_multipart_upload},
    {object, "GET", "attributes", "GetObjectAttributes", op::get_object_attributes},
    {object, "GET", "acl", "GetObjectAcl", op::get_object_acl},
    {object, "PUT", "acl", "PutObjectAcl"},
    {object, "GET", "tagging", "GetObjectTagging", op::get_object_tagging},
    {object, "PUT", "tagging", "PutObjectTagging"},
    {object, "DELETE", "tagging", "DeleteObjectTagging"},
    {object, "GET", "retention", "GetObjectRetention", op::get_object_lock_state},
    {object, "PUT", "retention", "PutObjectRetention"},
    {object, "GET", "legal-hold", "GetObjectLegalHold", op::get_object_lock_state},
    {object, "PUT", "legal-hold", "PutObjectLegalHold"},
    {object, "GET", "torrent", "GetObjectTorrent"},
    {object, "POST", "restore", "RestoreObject"},
    {object, "POST", "select", "SelectObjectContent"},
    {object, "PUT", "renameObject", "RenameObject"},
    {object, "PUT", "encryption", "UpdateObjectEncryption"},
};
// clang-format on

} // namespace

std::span<const route_row> route_rows() { return rows; }

} // namespace troupe::s3
