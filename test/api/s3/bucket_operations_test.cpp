#include "s3_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("a bucket is made, looked at, listed and removed") {
  s3_fixture f;
  auto a = f.put("/new-bucket", "");
  CHECK(a.status == 200);
  CHECK(a.header("location") == "/new-bucket");
  CHECK(a.body.empty());
  CHECK(f.store.buckets["new-bucket"].record.owner() == "owner-1");
  CHECK(f.store.buckets["new-bucket"].record.region() == "us-east-1");

  a = f.call("HEAD", "/new-bucket");
  CHECK(a.status == 200);
  CHECK(a.header("x-amz-bucket-region") == "us-east-1");
  CHECK(a.header("x-amz-request-id").size() == 16);
  CHECK(a.header("x-amz-id-2") == "node-1");

  a = f.get("/");
  CHECK(a.status == 200);
  CHECK(a.header("content-type") == "application/xml");
  CHECK(a.body ==
    document("ListAllMyBucketsResult",
      "<Owner><ID>owner-1</ID><DisplayName>Owner</DisplayName></Owner><Buckets>"
      "<Bucket><Name>bkt</Name><CreationDate>2026-10-21T08:00:00.250Z</CreationDate></Bucket>"
      "<Bucket><Name>new-bucket</Name><CreationDate>2026-10-21T08:00:00.250Z</CreationDate></Bucket></Buckets>"));

  a = f.call("DELETE", "/new-bucket");
  CHECK(a.status == 204);
  CHECK(!f.store.buckets.contains("new-bucket"));
  a = f.call("HEAD", "/new-bucket");
  CHECK(a.status == 404);
  CHECK(a.body.empty());
}

TEST_CASE("a bucket is not made twice, nor with a bad name, nor elsewhere") {
  s3_fixture f;
  auto a = f.put("/bkt", "");
  CHECK(a.status == 409);
  CHECK(f.code(a) == "BucketAlreadyOwnedByYou");
  f.store.buckets["theirs"].record.set_owner("someone");
  CHECK(f.code(f.put("/theirs", "")) == "BucketAlreadyExists");
  for (auto bad : {"/ab", "/Upper", "/under_score", "/192.168.1.1", "/xn--abc"}) {
    INFO(bad);
    a = f.put(bad, "");
    CHECK(a.status == 400);
    CHECK(f.code(a) == "InvalidBucketName");
  }
  auto there = [](std::string region) {
    return "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>" +
      region + "</LocationConstraint></CreateBucketConfiguration>";
  };
  a = f.put("/elsewhere", there("eu-west-3"));
  CHECK(a.status == 400);
  CHECK(f.code(a) == "IllegalLocationConstraintException");
  CHECK(f.put("/here", there("us-east-1")).status == 200);
  CHECK(f.put("/anywhere", there("")).status == 200);
  CHECK(f.code(f.put("/broken", "<CreateBucketConfiguration>")) == "MalformedXML");
  CHECK(f.code(f.put("/broken", "<Something/>")) == "MalformedXML");
  CHECK(f.code(f.put("/broken",
          "<CreateBucketConfiguration><Bucket><Type>Directory</Type></Bucket></CreateBucketConfiguration>")) ==
    "NotImplemented");
  CHECK(f.code(f.put("/locked", "", {{"x-amz-bucket-object-lock-enabled", "true"}})) == "NotImplemented");
  CHECK(!f.store.buckets.contains("locked"));
  CHECK(!f.store.buckets.contains("broken"));
}

TEST_CASE("a bucket with objects stays") {
  s3_fixture f;
  f.put("/bkt/k", "x");
  auto a = f.call("DELETE", "/bkt");
  CHECK(a.status == 409);
  CHECK(a.body ==
    std::string{xml_head} +
      "<Error><Code>BucketNotEmpty</Code><Message>The bucket you tried to delete is not "
      "empty</Message><BucketName>bkt</BucketName>"
      "<Resource>/bkt</Resource><RequestId>" +
      a.header("x-amz-request-id") + "</RequestId><HostId>node-1</HostId></Error>");
}

TEST_CASE("buckets are listed in pages by prefix") {
  s3_fixture f;
  for (auto name : {"aaa", "bbb-1", "bbb-2", "bbb-3", "ccc"}) f.put("/" + std::string{name}, "");
  auto a = f.get("/?prefix=bbb&max-buckets=2");
  CHECK(a.body.find("<Name>bbb-1</Name>") != std::string::npos);
  CHECK(a.body.find("<Name>bbb-2</Name>") != std::string::npos);
  CHECK(a.body.find("<BucketRegion>us-east-1</BucketRegion>") != std::string::npos);
  CHECK(a.body.find("bbb-3") == std::string::npos);
  const auto token = f.between(a.body, "<ContinuationToken>", "</ContinuationToken>");
  REQUIRE(!token.empty());
  a = f.get("/?prefix=bbb&max-buckets=2&continuation-token=" + percent_encode(token, false));
  CHECK(a.body.find("<Name>bbb-3</Name>") != std::string::npos);
  CHECK(a.body.find("bbb-2") == std::string::npos);
  CHECK(a.body.find("ContinuationToken") == std::string::npos);
  CHECK(f.code(f.get("/?prefix=aaa&continuation-token=" + percent_encode(token, false))) == "InvalidArgument");
  CHECK(f.code(f.get("/?max-buckets=0")) == "InvalidArgument");
}

TEST_CASE("what can not be configured is truthfully not configured") {
  s3_fixture f;
  struct row {
    const char* query;
    int status;
    std::string answer; // code, or the whole document
  };
  const std::string grantee = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                              "xsi:type=\"CanonicalUser\"><ID>owner-1</ID><DisplayName>Owner</DisplayName></Grantee>";
  const auto acl = document("AccessControlPolicy",
    "<Owner><ID>owner-1</ID><DisplayName>Owner</DisplayName></Owner><AccessControlList><Grant>" + grantee +
      "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>");
  for (const auto& r : {
         row{"location", 200, document("LocationConstraint", "")},
         row{"versioning", 200, document("VersioningConfiguration", "")},
         row{"acl", 200, acl},
         row{"requestPayment", 200, document("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>")},
         row{"accelerate", 200, document("AccelerateConfiguration", "")},
         row{"logging", 200, document("BucketLoggingStatus", "")},
         row{"notification", 200, document("NotificationConfiguration", "")},
         row{"policy", 404, "NoSuchBucketPolicy"},
         row{"policyStatus", 404, "NoSuchBucketPolicy"},
         row{"cors", 404, "NoSuchCORSConfiguration"},
         row{"lifecycle", 404, "NoSuchLifecycleConfiguration"},
         row{"tagging", 404, "NoSuchTagSet"},
         row{"website", 404, "NoSuchWebsiteConfiguration"},
         row{"object-lock", 404, "ObjectLockConfigurationNotFoundError"},
         row{"encryption", 404, "ServerSideEncryptionConfigurationNotFoundError"},
         row{"replication", 404, "ReplicationConfigurationNotFoundError"},
         row{"publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration"},
         row{"ownershipControls", 404, "OwnershipControlsNotFoundError"},
         row{"inventory", 501, "NotImplemented"},
       }) {
    INFO(r.query);
    auto a = f.get("/bkt?" + std::string{r.query});
    CHECK(a.status == r.status);
    if (r.status == 200)
      CHECK(a.body == r.answer);
    else
      CHECK(f.code(a) == r.answer);
    if (r.status == 501) continue;
    a = f.get("/absent?" + std::string{r.query});
    CHECK(f.code(a) == "NoSuchBucket");
  }
  f.store.buckets["bkt"].record.set_region("eu-west-1");
  CHECK(f.get("/bkt?location").body == document("LocationConstraint", "eu-west-1"));
}

TEST_CASE("what is not implemented says so, by its name, and changes nothing") {
  s3_fixture f;
  f.put("/bkt/k", "old");
  struct row {
    const char *method, *target, *name;
  };
  for (const auto& r : {row{"PUT", "/bkt/k?acl", "PutObjectAcl"}, row{"PUT", "/bkt/k?tagging", "PutObjectTagging"},
         row{"DELETE", "/bkt/k?tagging", "DeleteObjectTagging"}, row{"PUT", "/bkt/k?retention", "PutObjectRetention"},
         row{"PUT", "/bkt/k?legal-hold", "PutObjectLegalHold"}, row{"POST", "/bkt/k?restore", "RestoreObject"},
         row{"POST", "/bkt/k?select&select-type=2", "SelectObjectContent"},
         row{"GET", "/bkt/k?torrent", "GetObjectTorrent"}, row{"PUT", "/bkt?versioning", "PutBucketVersioning"},
         row{"PUT", "/bkt?policy", "PutBucketPolicy"}, row{"DELETE", "/bkt?policy", "DeleteBucketPolicy"},
         row{"PUT", "/bkt?lifecycle", "PutBucketLifecycleConfiguration"}, row{"PUT", "/bkt?acl", "PutBucketAcl"},
         row{"PUT", "/bkt?cors", "PutBucketCors"}}) {
    INFO(r.method << " " << r.target);
    auto a = f.call(r.method, r.target, {}, r.method == std::string_view{"PUT"} ? "<x/>" : "");
    CHECK(a.status == 501);
    CHECK(f.code(a) == "NotImplemented");
    CHECK(f.message(a) == std::string{r.name} + " is not implemented.");
  }
  CHECK(f.get("/bkt/k").body == "old");
  auto a = f.raw("POST", "/bkt", {{"Host", "localhost"}, {"Content-Type", "multipart/form-data; boundary=x"}}, "--x--");
  CHECK(a.status == 501);
  CHECK(f.message(a) == "PostObject is not implemented.");
}

TEST_CASE("another account's idea of the owner is refused") {
  s3_fixture f;
  CHECK(f.call("HEAD", "/bkt", {{"x-amz-expected-bucket-owner", "owner-1"}}).status == 200);
  CHECK(f.call("HEAD", "/bkt", {{"x-amz-expected-bucket-owner", "111122223333"}}).status == 403);
}
