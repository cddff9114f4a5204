// object_store: what every front door does with buckets and objects: S3 semantics as plain calls, no HTTP, no XML.
// One per io thread, used on that thread only. Content streams; memory per call is bounded by a window of stripes.
// Errors are ec values of base/error.hpp; each front door maps them to its own.
#pragma once

#include "api/http/asio.hpp"
#include "api/http/body.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "codec/checksum_set.hpp"
#include "core/quorum.hpp"
#include "troupe.pb.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct data_key; // codec/content_seal.hpp

// ETags without quotes; "*" for any.
struct object_conditions {
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  // Of surfaces with rows of their own: what else must hold (else ec::conflict) and change in the same batch.
  std::shared_ptr<const pb::batch> also;
};

// What the client said about the content; each one given is verified before anything becomes visible.
struct expected_content {
  std::optional<std::string> md5;    // 16 raw bytes (Content-MD5)
  std::optional<std::string> sha256; // 64 hex (x-amz-content-sha256)
  // Raw bytes by kind. Asked for when the whole body has been read, because a trailer may bring them.
  std::function<result<checksum_values>()> checksums;
};

struct put_object {
  std::string bucket, key;
  std::uint64_t size = 0;
  std::vector<std::pair<std::string, std::string>> headers, metadata, tags;
  checksum_set checksums; // to compute and store
  expected_content expected;
  object_conditions conditions;
  std::string storage_class;
  std::optional<troupe::durability> durability; // nothing: the bucket's
  bool encrypt = false;                         // also where the bucket does not
  // Adds operations to the batch that makes the object visible, when its record is known: they happen with it or not at all.
  std::function<void(const pb::object_record&, pb::batch&)> beside;
};

struct put_outcome {
  std::string etag; // hex, maybe -N
  unix_ms modified_ms = 0;
  std::vector<pb::checksum> checksums;
  std::uint64_t size = 0;
  bool encrypted = false; // at rest
};

// An object as of one moment: a later overwrite does not change what a reader of it sees.
struct stored_object {
  pb::object_record record;
  std::string inlined;                    // the content, when record.inlined()
  std::shared_ptr<pb::manifest> manifest; // when record has one and it was asked for
  std::shared_ptr<const data_key> key;    // when it is encrypted and its content was asked for
};
// The bytes of the row with an inlined object's content: more than the object's, when it is encrypted.
std::uint64_t inline_row_bytes(const pb::object_record&);

struct list_objects {
  std::string bucket, prefix, delimiter, start_after; // start_after: exclusive; a rolled-up prefix skips all it covers
  std::uint32_t limit = 1000;
};
struct listing {
  struct entry {
    std::string key; // or the common prefix
    bool is_prefix = false;
    pb::object_record record;
  };
  std::vector<entry> entries;
  bool truncated = false;
  std::string last; // start_after of the next page
};

struct upload_listing {
  struct entry {
    std::string key;
    data_id upload_id;
    pb::upload_record record;
    bool is_prefix = false;
  };
  std::vector<entry> entries;
  bool truncated = false;
};

struct part_choice {
  std::uint32_t number = 0;
  std::string etag;                    // without quotes
  std::vector<pb::checksum> checksums; // as the client named them; verified when given
};

class object_reader {
public:
  virtual ~object_reader() = default;
  virtual http::task<result<chunk>> next() = 0; // empty after the last byte
};

// Buckets in which other surfaces keep what is theirs: not listed. No front door lets a client name one.
inline bool is_hidden(std::string_view bucket) { return bucket.starts_with('.'); }

class object_store {
public:
  virtual ~object_store() = default;

  virtual http::task<result<>> create_bucket(std::string name, std::string owner, std::string region) = 0;
  virtual http::task<result<pb::bucket_record>> bucket(std::string name) = 0; // ec::no_such_bucket
  virtual http::task<result<>> delete_bucket(std::string name) = 0;
  // Whether new content of the bucket is encrypted at rest.
  virtual bool encrypts(const pb::bucket_record&) const = 0;
  // "on", "off", or empty: as the configuration says. With "on" the bucket has a key when this returns; ec::not_implemented
  // without a master key.
  virtual http::task<result<>> set_encryption(std::string bucket, std::string word) = 0;
  virtual http::task<result<std::vector<std::pair<std::string, pb::bucket_record>>>>
  list_buckets() = 0; // not the hidden

  // Reads exactly what.size bytes from `content` and then expects its end.
  virtual http::task<result<put_outcome>> put(put_object what, http::body_source& content) = 0;
  // ec::no_such_bucket, ec::no_such_key. with_content: also inline content and the manifest.
  virtual http::task<result<stored_object>> get(std::string bucket, std::string key, bool with_content) = 0;
  // For who has looked at the rows himself: opens inline content that is encrypted, and finds the key for the rest.
  virtual http::task<result<stored_object>> open(std::string bucket, stored_object) = 0;
  virtual std::unique_ptr<object_reader> read(const stored_object&, std::uint64_t offset, std::uint64_t length) = 0;
  // Deleting what is not there is fine (S3). Conditions: if_match only. `beside`: operations of the same batch.
  virtual http::task<result<>> remove(
    std::string bucket, std::string key, object_conditions conditions, std::vector<pb::operation> beside = {}) = 0;
  virtual http::task<result<listing>> list(list_objects what) = 0; // ec::no_such_bucket

  virtual http::task<result<data_id>> create_upload(std::string bucket, std::string key, pb::upload_record what) = 0;
  virtual http::task<result<pb::upload_record>> upload(
    std::string bucket, std::string key, data_id upload_id) = 0; // ec::no_such_upload
  // what.bucket/key/size/checksums/expected are used.
  virtual http::task<result<put_outcome>> put_part(
    put_object what, data_id upload_id, std::uint32_t number, http::body_source& content) = 0;
  virtual http::task<result<put_outcome>> complete_upload(std::string bucket, std::string key, data_id upload_id,
    std::vector<part_choice> parts, object_conditions conditions, std::vector<pb::checksum> object_checksums) = 0;
  virtual http::task<result<>> abort_upload(std::string bucket, std::string key, data_id upload_id) = 0;
  // Ascending, from after `number_marker`, at most `limit` + 1 (one more than asked tells the caller to say truncated).
  virtual http::task<result<std::vector<pb::part_record>>> list_parts(
    std::string bucket, std::string key, data_id upload_id, std::uint32_t number_marker, std::uint32_t limit) = 0;
  virtual http::task<result<upload_listing>> list_uploads(std::string bucket, std::string prefix, std::string delimiter,
    std::string key_marker, std::optional<data_id> upload_marker, std::uint32_t limit) = 0;
};

// Content that is read from a stored object, for copies.
class object_content final : public http::body_source {
public:
  explicit object_content(std::unique_ptr<object_reader> reader) : reader_(std::move(reader)) {}
  http::task<std::size_t> read(bytes_span dst) override;

private:
  std::unique_ptr<object_reader> reader_;
  chunk rest_;
};

} // namespace troupe
