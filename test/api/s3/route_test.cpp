#include "api/s3/route.hpp"

#include "codec/uri.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::s3;
using op = operation;

namespace {

const std::vector<std::string> domains{"localhost", "s3.localhost", "s3.example.com"};

// "PUT /b/k?uploads" as host "localhost:9000" would get it.
struct routed {
  explicit routed(std::string line, std::string host_ = "localhost:9000", bool copy = false)
      : text(std::move(line)), host(std::move(host_)) {
    const auto space = text.find(' ');
    REQUIRE(target.parse(std::string_view{text}.substr(space + 1)));
    answer.emplace(find_route({.method = std::string_view{text}.substr(0, space),
      .host = host,
      .path = target.path,
      .query = target.query,
      .has_copy_source = copy,
      .domains = domains}));
  }
  std::string text, host;
  uri target;
  std::optional<result<route>> answer;
  const route* operator->() const {
    REQUIRE(answer->has_value());
    return &**answer;
  }
  ec code() const { return answer->has_error() ? answer->error().code : ec{}; }
};

} // namespace

TEST_CASE("a request is routed by method, level and sub-resource") {
  struct row {
    const char* line;
    op want;
    const char* name;
    const char* bucket = "";
    const char* key = "";
  };
  for (const auto& r : {
         row{"GET /", op::list_buckets, "ListBuckets"},
         row{"GET /?x-id=ListBuckets", op::list_buckets, "ListBuckets"},
         row{"PUT /b", op::create_bucket, "CreateBucket", "b"},
         row{"PUT /b/", op::create_bucket, "CreateBucket", "b"},
         row{"HEAD /b", op::head_bucket, "HeadBucket", "b"},
         row{"DELETE /b", op::delete_bucket, "DeleteBucket", "b"},
         row{"GET /b", op::list_objects, "ListObjects", "b"},
         row{"GET /b?prefix=a&delimiter=%2F", op::list_objects, "ListObjects", "b"},
         row{"GET /b/?list-type=2&prefix=a", op::list_objects_v2, "ListObjectsV2", "b"},
         row{"GET /b?list-type=1", op::list_objects, "ListObjects", "b"},
         row{"GET /b?versions", op::list_object_versions, "ListObjectVersions", "b"},
         row{"GET /b?uploads", op::list_multipart_uploads, "ListMultipartUploads", "b"},
         row{"GET /b?location", op::get_bucket_location, "GetBucketLocation", "b"},
         row{"GET /b?versioning", op::get_bucket_versioning, "GetBucketVersioning", "b"},
         row{"POST /b?delete", op::delete_objects, "DeleteObjects", "b"},
         row{"POST /b", op::not_implemented, "PostObject", "b"},
         row{"GET /b?cors", op::not_configured, "GetBucketCors", "b"},
         row{"PUT /b?cors", op::not_implemented, "PutBucketCors", "b"},
         row{"PUT /b?versioning", op::not_implemented, "PutBucketVersioning", "b"},
         row{"GET /b/k", op::get_object, "GetObject", "b", "k"},
         row{"GET /b/k?partNumber=1", op::get_object, "GetObject", "b", "k"},
         row{"GET /b/k?some=thing", op::get_object, "GetObject", "b", "k"},
         row{"HEAD /b/k", op::head_object, "HeadObject", "b", "k"},
         row{"PUT /b/k", op::put_object, "PutObject", "b", "k"},
         row{"PUT /b/k?x-id=PutObject", op::put_object, "PutObject", "b", "k"},
         row{"PUT /b/k?X-Amz-Signature=0&X-Amz-Expires=3", op::put_object, "PutObject", "b", "k"},
         row{"DELETE /b/k", op::delete_object, "DeleteObject", "b", "k"},
         row{"DELETE /b/k?versionId=null", op::delete_object, "DeleteObject", "b", "k"},
         row{"PUT /b/k?acl", op::not_implemented, "PutObjectAcl", "b", "k"},
         row{"PUT /b/k?acl=", op::not_implemented, "PutObjectAcl", "b", "k"},
         row{"PUT /b/k?tagging&versionId=null", op::not_implemented, "PutObjectTagging", "b", "k"},
         row{"GET /b/k?tagging", op::get_object_tagging, "GetObjectTagging", "b", "k"},
         row{"GET /b/k?acl", op::get_object_acl, "GetObjectAcl", "b", "k"},
         row{"GET /b/k?attributes", op::get_object_attributes, "GetObjectAttributes", "b", "k"},
         row{"GET /b/k?torrent", op::not_implemented, "GetObjectTorrent", "b", "k"},
         row{"POST /b/k?uploads", op::create_multipart_upload, "CreateMultipartUpload", "b", "k"},
         row{"PUT /b/k?partNumber=1&uploadId=u", op::upload_part, "UploadPart", "b", "k"},
         row{"POST /b/k?uploadId=u", op::complete_multipart_upload, "CompleteMultipartUpload", "b", "k"},
         row{"DELETE /b/k?uploadId=u", op::abort_multipart_upload, "AbortMultipartUpload", "b", "k"},
         row{"GET /b/k?uploadId=u", op::list_parts, "ListParts", "b", "k"},
         row{"POST /b/k?select&select-type=2", op::not_implemented, "SelectObjectContent", "b", "k"},
         row{"POST /b/k?restore", op::not_implemented, "RestoreObject", "b", "k"},
         row{"PUT /b/k?retention", op::not_implemented, "PutObjectRetention", "b", "k"},
         row{"GET /b//", op::get_object, "GetObject", "b", "/"},
         row{"GET /b/a//b/../c", op::get_object, "GetObject", "b", "a//b/../c"},
         row{"GET /b/a%2Fb%3Fc", op::get_object, "GetObject", "b", "a/b?c"},
         row{"OPTIONS /b/k", op::cors_preflight, "PreflightRequest", "b", "k"},
       }) {
    INFO(r.line);
    routed got{r.line};
    CHECK((got->op == r.want));
    CHECK(std::string{got->name} == r.name);
    CHECK(got->bucket == r.bucket);
    CHECK(got->key == r.key);
  }
}

TEST_CASE("a copy source makes a copy of a PUT") {
  CHECK((routed { "PUT /b/k", "localhost", true } -> op == op::copy_object));
  CHECK((routed { "PUT /b/k?uploadId=u&partNumber=1", "localhost", true } -> op == op::upload_part_copy));
  CHECK((routed { "PUT /b/k?acl", "localhost", true } -> op == op::not_implemented));
  CHECK((routed { "PUT /b", "localhost", true } -> op == op::create_bucket));
}

TEST_CASE("a request that could mean two things, or something unknown, is refused") {
  CHECK(routed{"PUT /b/k?acl&tagging"}.code() == ec::invalid_argument);
  CHECK(routed{"PUT /b/k?partNumber=1"}.code() == ec::invalid_argument);
  CHECK(routed{"PUT /b/k?uploadId=u"}.code() == ec::invalid_argument);
  CHECK(routed{"POST /b/k?uploads&uploadId=u"}.code() == ec::invalid_argument);
  CHECK(routed{"PUT /b/k?futureThing"}.code() == ec::not_implemented);
  CHECK(routed{"DELETE /b?futureThing"}.code() == ec::not_implemented);
  CHECK(routed{"POST /b/k"}.code() == ec::method_not_allowed);
  CHECK(routed{"POST /"}.code() == ec::method_not_allowed);
  CHECK(routed{"PATCH /b/k"}.code() == ec::method_not_allowed);
  CHECK(routed{"HEAD /"}.code() == ec::method_not_allowed);
  CHECK(routed{"DELETE /b/k?cors"}.code() == ec::method_not_allowed);
  CHECK(routed{"GET //k"}.code() == ec::invalid_bucket_name);
}

TEST_CASE("no write with any sub-resource of the table reaches PutObject, CreateBucket, DeleteObject or DeleteBucket") {
  std::set<std::string> parameters;
  for (const auto& r : route_rows()) parameters.insert(std::string{r.parameter});
  parameters.erase("");
  REQUIRE(parameters.size() > 30);
  for (const auto& p : parameters)
    for (std::string method : {"PUT", "DELETE"})
      for (std::string place : {"/b", "/b/k"}) {
        INFO(method << " " << place << "?" << p);
        routed got{method + " " + place + "?" + p};
        if (!*got.answer) continue;
        CHECK((got->op != op::put_object && got->op != op::create_bucket && got->op != op::delete_object &&
          got->op != op::delete_bucket));
      }
}

TEST_CASE("the table has one row for each level, method and sub-resource") {
  std::set<std::tuple<level, std::string_view, std::string_view>> seen;
  for (const auto& r : route_rows()) {
    INFO(r.name);
    CHECK(seen.emplace(r.at, r.method, r.parameter).second);
    CHECK((r.op == op::not_configured) == (r.absent != nullptr));
  }
}

TEST_CASE("the bucket comes from the host below a domain, else from the path") {
  struct row {
    const char* host;
    const char* line;
    const char* bucket;
    const char* key;
  };
  for (const auto& r : {
         row{"localhost", "GET /b/k", "b", "k"},
         row{"127.0.0.1:9000", "GET /b/k", "b", "k"},
         row{"[::1]:9000", "GET /b/k", "b", "k"},
         row{"other.example.org", "GET /b/k", "b", "k"},
         row{"b.localhost:9000", "GET /k", "b", "k"},
         row{"b.localhost", "GET /", "b", ""},
         row{"b.localhost", "GET /x/y", "b", "x/y"},
         row{"b.localhost.", "GET /k", "b", "k"},
         row{"b.LOCALHOST", "GET /k", "b", "k"},
         row{"my.bucket.localhost:80", "GET /k", "my.bucket", "k"},
         row{"s3.localhost:9000", "GET /b/k", "b", "k"},
         row{"b.s3.localhost:9000", "GET /k", "b", "k"},
         row{"b.s3.example.com", "GET //k", "b", "/k"},
         row{"notlocalhost", "GET /b/k", "b", "k"},
         row{"", "GET /b/k", "b", "k"},
       }) {
    INFO(r.host << " " << r.line);
    routed got{r.line, r.host};
    CHECK(got->bucket == r.bucket);
    CHECK(got->key == r.key);
  }
}
