#include "api/s3/headers.hpp"

#include "api/s3/errors.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::s3;

namespace {

template <class F>
std::string code_thrown(F&& f) {
  try {
    f();
  } catch (const s3_error& e) { return std::string{e.what_is.code}; }
  return "";
}

using pairs = name_values;

} // namespace

TEST_CASE("content headers and metadata are kept, and nothing else") {
  std::vector<http::header> in{{"content-type", "text/plain"}, {"Cache-Control", "max-age=1"},
    {"CONTENT-ENCODING", "aws-chunked,gzip"}, {"X-Amz-Meta-One", "1"}, {"x-amz-meta-two", ""},
    {"Authorization", "secret"}, {"x-amz-meta-one", "again"}, {"Expires", "0"}, {"x-amz-date", "now"}};
  auto out = read_object_headers(in);
  CHECK((out.headers ==
    pairs{
      {"Content-Type", "text/plain"}, {"Cache-Control", "max-age=1"}, {"Content-Encoding", "gzip"}, {"Expires", "0"}}));
  CHECK((out.metadata == pairs{{"one", "1,again"}, {"two", ""}}));
}

TEST_CASE("an object without a type is binary/octet-stream, and aws-chunked alone is no encoding") {
  std::vector<http::header> in{{"Content-Encoding", "aws-chunked"}, {"Content-Type", ""}};
  CHECK((read_object_headers(in).headers == pairs{{"Content-Type", "binary/octet-stream"}}));
}

TEST_CASE("user metadata is at most 2 KiB of names and values together") {
  const std::string fits(2048 - 3, 'v'), over(2048 - 2, 'v');
  std::vector<http::header> in{{"x-amz-meta-abc", fits}};
  CHECK(read_object_headers(in).metadata.size() == 1);
  in[0].value = over;
  CHECK(code_thrown([&] { read_object_headers(in); }) == "MetadataTooLarge");
}

TEST_CASE("RFC 2047 words are undone on the way in and made on the way out") {
  CHECK(decode_words("plain =? text") == "plain =? text");
  CHECK(decode_words("=?UTF-8?B?w6TDtg==?=") == "\xc3\xa4\xc3\xb6");
  CHECK(decode_words("=?utf-8?q?a_=C3=A4?=") == "a \xc3\xa4");
  CHECK(decode_words("=?ISO-8859-1?Q?=E4?= b") == "\xc3\xa4 b");
  CHECK(decode_words("=?UTF-8?B?w6Q=?= =?UTF-8?B?w7Y=?=") == "\xc3\xa4\xc3\xb6");
  CHECK(decode_words("=?UTF-8?B?!!?=") == "=?UTF-8?B?!!?=");
  CHECK(decode_words("=?KOI8-R?B?w6Q=?=") == "=?KOI8-R?B?w6Q=?=");
  CHECK(decode_words("=?UTF-8?B?DQo=?=") == "=?UTF-8?B?DQo=?="); // CR LF must not come back as a header
  CHECK(decode_words("=?UTF-8?B?/w==?=") == "=?UTF-8?B?/w==?="); // not UTF-8 inside
  CHECK(decode_words("\xe4") == "\xc3\xa4");                     // raw ISO-8859-1
  CHECK(decode_words("\xc3\xa4") == "\xc3\xa4");                 // raw UTF-8
  CHECK(encode_word("plain") == "plain");
  CHECK(encode_word("\xc3\xa4\xc3\xb6") == "=?UTF-8?B?w6TDtg==?=");
  for (auto s :
    {"=?", "=?UTF-8", "=?UTF-8?", "=?UTF-8?B", "=?UTF-8?B?", "=?UTF-8?B?w6Q=", "=?UTF-8?Q?=", "=?UTF-8?Q?=C?="})
    CHECK(decode_words(s) == s);
}

TEST_CASE("tags are an URL query with S3's limits") {
  CHECK((read_tags("a=1&b=x%20y&c=p+q&d") == pairs{{"a", "1"}, {"b", "x y"}, {"c", "p q"}, {"d", ""}}));
  CHECK(read_tags("").empty());
  CHECK(code_thrown([] { read_tags("a=1&a=2"); }) == "InvalidTag");
  CHECK(code_thrown([] { read_tags("=1"); }) == "InvalidTag");
  CHECK(code_thrown([] { read_tags("a=%zz"); }) == "InvalidArgument");
  CHECK(code_thrown([] { read_tags(std::string(129, 'k') + "=1"); }) == "InvalidTag");
  CHECK(code_thrown([] { read_tags("k=" + std::string(257, 'v')); }) == "InvalidTag");
  std::string eleven;
  for (int i = 0; i < 11; ++i) eleven += "k" + std::to_string(i) + "=v&";
  CHECK(code_thrown([&] { read_tags(eleven); }) == "BadRequest");
}

TEST_CASE("two storage classes exist") {
  CHECK(read_storage_class("") == "");
  CHECK(read_storage_class("STANDARD") == "");
  CHECK(read_storage_class("REDUCED_REDUNDANCY") == "REDUCED_REDUNDANCY");
  CHECK(code_thrown([] { read_storage_class("GLACIER"); }) == "InvalidStorageClass");
}

TEST_CASE("a header that asks for what is not there is refused, not ignored") {
  auto verdict = [](std::string_view name, std::string_view value) {
    std::vector<http::header> in{{"Host", "h"}, {name, value}};
    return code_thrown([&] { refuse_unsupported(in); });
  };
  CHECK(verdict("x-amz-server-side-encryption", "aws:kms") == "NotImplemented");
  CHECK(verdict("x-amz-server-side-encryption-customer-algorithm", "AES256") == "NotImplemented");
  CHECK(verdict("X-Amz-Server-Side-Encryption-Customer-Key", "k") == "NotImplemented");
  CHECK(verdict("x-amz-object-lock-mode", "COMPLIANCE") == "NotImplemented");
  CHECK(verdict("x-amz-acl", "public-read") == "NotImplemented");
  CHECK(verdict("x-amz-acl", "private") == "");
  CHECK(verdict("x-amz-acl", "bucket-owner-full-control") == "");
  CHECK(verdict("x-amz-grant-read", "id=1") == "NotImplemented");
  CHECK(verdict("x-amz-website-redirect-location", "/x") == "NotImplemented");
  CHECK(verdict("x-amz-bucket-object-lock-enabled", "true") == "NotImplemented");
  CHECK(verdict("x-amz-bucket-object-lock-enabled", "false") == "");
  CHECK(verdict("x-amz-meta-acl", "public-read") == "");
  CHECK(verdict("x-amz-request-payer", "requester") == "");
}
