// clustered_store: the object_store over the metadata and replicator actors. Content goes to the replicator (or, when
// small, into the metadata row beside the record), then one atomic batch makes it visible. docs/ARCHITECTURE.md,
// "the life of a PUT". One file per family: buckets.cpp, put.cpp, get.cpp, remove.cpp, listing.cpp, multipart.cpp.
#pragma once

#include "actors/interfaces.hpp"
#include "api/http/ask.hpp"
#include "api/http/budget.hpp"
#include "api/http/worker.hpp"
#include "api/objects/object_store.hpp"
#include "codec/content_seal.hpp"
#include "codec/sealed.hpp"
#include "core/content_class.hpp"
#include "core/placement.hpp"
#include "core/read_pins.hpp"
#include "core/stripe.hpp"
#include "core/tracer.hpp"
#include "core/upload_era.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace troupe {

struct clustered_store_options {
  metadata_actor metadata;
  replicator_actor replicator;
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
  read_pins* pins = nullptr;
  std::shared_ptr<const live_node_counts> nodes; // with the size, decides the geometry of new content
  std::shared_ptr<const known_upload_era> era;   // empty: the first one, for ever
  troupe::redundancy redundancy;                 // the same as `nodes`
  std::uint64_t inline_bytes_max = 8192;         // content up to this lives in the metadata row
  std::optional<master_key> master;              // of the keys of buckets; nothing: none can be encrypted
  bool encrypt = false;                          // buckets that do not say otherwise
  std::shared_ptr<tracer> tracing;               // nothing: off
  // A bound on every wait; a client that meets one gets 503 and may retry.
  std::chrono::milliseconds metadata_timeout{15'000};
  std::chrono::milliseconds content_timeout{60'000};
  std::chrono::milliseconds admission_timeout{30'000};
};

// Content buffers give their share of the memory budget back where the budget lives, on the io thread, although their
// last user is an actor somewhere else, which may outlive the io thread.
class release_gate {
public:
  explicit release_gate(http::asio::io_context& io) : io_(&io) {}
  void release(std::shared_ptr<http::budget::hold>);
  void close(); // once the io thread has ended

private:
  std::mutex mutex_;
  http::asio::io_context* io_;
};

// A bucket as its row says.
struct seen_bucket {
  bucket_keeping how;
  bool encrypts = false;
  bool has_key = false;
  std::shared_ptr<const data_key> key; // nothing: it has none, or the master key does not open it
  std::uint64_t row_digest = 0;
};

// How buckets keep their content, as one io thread saw it a moment ago: small objects do not ask the metadata for it each time.
class seen_buckets {
public:
  static constexpr std::chrono::seconds age_max{1};
  static constexpr std::size_t buckets_max = 1024;
  using time_point = std::chrono::steady_clock::time_point;

  std::optional<seen_bucket> find(const std::string& bucket, time_point now) const;
  void note(const std::string& bucket, const seen_bucket&, time_point now);
  void forget(const std::string& bucket) { buckets_.erase(bucket); }

private:
  struct seen {
    seen_bucket what;
    time_point at;
  };
  std::unordered_map<std::string, seen> buckets_;
};

class clustered_store final : public object_store {
public:
  // All three references belong to one io thread, and outlive the store and every call on it.
  clustered_store(clustered_store_options options, http::worker& io, http::actor_bridge& bridge, http::budget& memory)
      : options_(std::move(options)),
        io_(io),
        bridge_(bridge),
        memory_(memory),
        gate_(std::make_shared<release_gate>(io.context())),
        seen_(std::make_shared<seen_buckets>()) {}
  // The same store, for one request that is traced; `all` outlives it.
  clustered_store(const clustered_store& all, const trace_context& trace)
      : options_(all.options_),
        io_(all.io_),
        bridge_(all.bridge_),
        memory_(all.memory_),
        gate_(all.gate_),
        seen_(all.seen_),
        of_request_(true),
        trace_(trace) {}
  clustered_store(const clustered_store&) = delete;
  clustered_store& operator=(const clustered_store&) = delete;
  ~clustered_store() override {
    if (!of_request_) gate_->close();
  }

  http::task<result<>> create_bucket(std::string name, std::string owner, std::string region) override;
  http::task<result<pb::bucket_record>> bucket(std::string name) override;
  http::task<result<>> delete_bucket(std::string name) override;
  bool encrypts(const pb::bucket_record&) const override;
  http::task<result<>> set_encryption(std::string bucket, std::string word) override;
  http::task<result<std::vector<std::pair<std::string, pb::bucket_record>>>> list_buckets() override;

  http::task<result<put_outcome>> put(put_object what, http::body_source& content) override;
  http::task<result<stored_object>> get(std::string bucket, std::string key, bool with_content) override;
  http::task<result<stored_object>> open(std::string bucket, stored_object) override;
  std::unique_ptr<object_reader> read(const stored_object&, std::uint64_t offset, std::uint64_t length) override;
  http::task<result<>> remove(
    std::string bucket, std::string key, object_conditions conditions, std::vector<pb::operation> beside) override;
  http::task<result<listing>> list(list_objects what) override;

  http::task<result<data_id>> create_upload(std::string bucket, std::string key, pb::upload_record what) override;
  http::task<result<pb::upload_record>> upload(std::string bucket, std::string key, data_id upload_id) override;
  http::task<result<put_outcome>> put_part(
    put_object what, data_id upload_id, std::uint32_t number, http::body_source& content) override;
  http::task<result<put_outcome>> complete_upload(std::string bucket, std::string key, data_id upload_id,
    std::vector<part_choice> parts, object_conditions conditions, std::vector<pb::checksum> object_checksums) override;
  http::task<result<>> abort_upload(std::string bucket, std::string key, data_id upload_id) override;
  http::task<result<std::vector<pb::part_record>>> list_parts(
    std::string bucket, std::string key, data_id upload_id, std::uint32_t number_marker, std::uint32_t limit) override;
  http::task<result<upload_listing>> list_uploads(std::string bucket, std::string prefix, std::string delimiter,
    std::string key_marker, std::optional<data_id> upload_marker, std::uint32_t limit) override;

private:
  // Content that is on disk (or in hand, when inlined) and verified, but not visible yet.
  struct content {
    bool inlined = false;
    std::string bytes; // when inlined
    pb::extent extent;
    pb::repair_record repair;
    std::string md5; // raw
    checksum_values checksums;
    std::shared_ptr<const void> in_use;      // while it is about to be named
    std::optional<pb::sealing> sealing;      // when it is encrypted
    std::optional<std::uint64_t> row_digest; // of the bucket with the key, then
  };

  // How the bucket keeps its content, with a key when it is encrypted or `encrypt`; changes are seen within
  // seen_buckets::age_max. ec::no_such_bucket; ec::not_implemented, or ec::unavailable: it can not be encrypted here.
  http::task<result<seen_bucket>> keeping(const std::string& bucket, bool encrypt);
  // The same with what this request wants.
  http::task<result<seen_bucket>> keeping_for(const put_object& what, bool encrypt);
  // The key that content was encrypted with. ec::unavailable when it is not this node's to open.
  http::task<result<std::shared_ptr<const data_key>>> key_for(const std::string& bucket, const pb::sealing&);
  result<seen_bucket> seen_in(const std::string& bucket, const std::string& row, const pb::bucket_record&) const;
  // Both: false when the bucket's row is not `row` any more.
  http::task<result<bool>> add_key(const std::string& bucket, const std::string& row, pb::bucket_record record);
  http::task<result<bool>> replace_bucket(const std::string& bucket, const std::string& row, pb::bucket_record record);

  http::task<result<content>> store_content(const put_object& what, const seen_bucket& how, http::body_source& source);
  http::task<result<content>> encrypted_content(
    const put_object& what, const seen_bucket& how, http::body_source& source);
  http::task<result<content>> plain_content(
    const put_object& what, const bucket_keeping& how, bool row, http::body_source& source);
  bool is_row(const put_object& what, const bucket_keeping& how) const;
  http::task<result<content>> inline_content(const put_object& what, http::body_source& source);
  http::task<result<content>> spread_content(
    const put_object& what, const bucket_keeping& how, http::body_source& source);
  // Gives back what store_content kept, when it will certainly never be visible.
  void discard(const content&);
  void discard_unless_committed(const content&, const error& of_commit);
  void add_repair(pb::batch&, const content&);
  // Every batch that names new content has these preconditions: the sweeper has not condemned it (core/upload_era.hpp).
  void add_claim(pb::batch&, const content&);

  // The object's record, and its content when that is inlined.
  http::task<result<stored_object>> look_at(const std::string& bucket, const std::string& key, bool with_content);

  // Rows by key, in the order asked; nothing where there is none.
  http::task<result<std::vector<std::optional<std::string>>>> read_rows(std::vector<std::string> keys);
  http::task<result<std::optional<std::string>>> read_row(std::string key);
  http::task<result<pb::list_reply>> list_rows(
    std::string prefix, std::string start_after, std::string delimiter, std::uint32_t limit);
  http::task<result<pb::batch_result>> commit(pb::batch batch);

  // Adds what must hold for the object row, by the conditions and the row as it is now. 412 and 404 come from here.
  http::task<result<>> add_conditions(
    pb::batch&, const std::string& bucket, const std::string& key, const object_conditions&);
  // Commits `base` when the bucket exists and the conditions hold. ec::conflict: one of base's own preconditions failed.
  // ec::slow_down: its content was condemned; sent again it is stored anew.
  // `row_digest`: of the bucket's row, which names the key that content in `base` is encrypted with; ec::slow_down when it is another.
  http::task<result<>> publish(const std::string& bucket, const std::string& key, const object_conditions& conditions,
    pb::batch base, std::optional<std::uint64_t> row_digest = std::nullopt);

  clustered_store_options options_;
  http::worker& io_;
  http::actor_bridge& bridge_;
  http::budget& memory_;
  std::shared_ptr<release_gate> gate_;
  std::shared_ptr<seen_buckets> seen_;
  bool of_request_ = false;
  trace_context trace_; // of the request; mostly none
};

} // namespace troupe
