// fake_object_store: an object_store in memory, with the promises of the real one: content is verified before it is
// visible, conditions hold or nothing changes, a reader keeps the object it opened. One thread at a time.
#pragma once

#include "api/http/failure.hpp"
#include "api/objects/object_store.hpp"
#include "codec/checksum.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace troupe::test {

class fake_object_store final : public object_store {
public:
  explicit fake_object_store(wall_clock& clock) : clock_(clock) {}

  std::uint64_t inline_bytes_max = 16;
  std::uint64_t part_bytes_min = 8;       // instead of 5 MiB
  std::size_t piece_bytes = 10;           // what a reader gives at once
  std::uint64_t read_fails_after = ~0ull; // bytes; then ec::unavailable
  std::set<std::string> undeletable;      // keys: ec::unavailable

  struct object {
    pb::object_record record;
    std::shared_ptr<const std::string> content;
    std::shared_ptr<pb::manifest> manifest;
  };
  struct part {
    pb::part_record record;
    std::string content;
  };
  struct open_upload {
    std::string bucket, key;
    pb::upload_record record;
    std::map<std::uint32_t, part> parts;
  };
  struct bucket_state {
    pb::bucket_record record;
    std::map<std::string, object> objects;
  };
  std::map<std::string, bucket_state> buckets;
  std::map<data_id, open_upload> uploads;

  http::task<result<>> create_bucket(std::string name, std::string owner, std::string region) override {
    if (auto b = buckets.find(name); b != buckets.end()) {
      if (b->second.record.owner() == owner) co_return fail(ec::bucket_already_owned_by_you, name);
      co_return fail(ec::bucket_already_exists, name);
    }
    auto& record = buckets[name].record;
    record.set_created_ms(clock_.now());
    record.set_owner(owner);
    record.set_region(region);
    co_return fine();
  }
  http::task<result<pb::bucket_record>> bucket(std::string name) override {
    auto* b = find(name);
    if (b == nullptr) co_return no_bucket(name);
    co_return b->record;
  }
  http::task<result<>> delete_bucket(std::string name) override {
    auto* b = find(name);
    if (b == nullptr) co_return no_bucket(name);
    if (!b->objects.empty()) co_return fail(ec::bucket_not_empty, name);
    buckets.erase(name);
    co_return fine();
  }
  bool encrypts(const pb::bucket_record& record) const override { return record.encryption() == "on"; }
  http::task<result<>> set_encryption(std::string name, std::string word) override {
    auto* b = find(name);
    if (b == nullptr) co_return no_bucket(name);
    b->record.set_encryption(word);
    co_return fine();
  }
  http::task<result<std::vector<std::pair<std::string, pb::bucket_record>>>> list_buckets() override {
    std::vector<std::pair<std::string, pb::bucket_record>> all;
    for (auto& [name, b] : buckets) all.emplace_back(name, b.record);
    co_return all;
  }

  http::task<result<put_outcome>> put(put_object what, http::body_source& source) override {
    auto content = co_await take(what, source);
    if (!content) co_return content.error();
    auto* b = find(what.bucket);
    if (b == nullptr) co_return no_bucket(what.bucket);
    if (auto ok = check(*b, what.key, what.conditions); !ok) co_return ok.error();
    object o;
    auto outcome = outcome_of(what, *content);
    o.record.set_size(what.size);
    o.record.set_etag(outcome.etag);
    o.record.set_modified_ms(outcome.modified_ms);
    o.record.set_storage_class(what.storage_class);
    o.record.set_inlined(what.size <= inline_bytes_max);
    copy(what.headers, o.record.mutable_headers());
    copy(what.metadata, o.record.mutable_metadata());
    copy(what.tags, o.record.mutable_tags());
    for (auto& c : outcome.checksums) *o.record.add_checksums() = c;
    o.content = std::make_shared<const std::string>(std::move(*content));
    pb::object_record back; // what can not be stored and read back must not pass here either
    if (!back.ParseFromString(o.record.SerializeAsString())) co_return fail(ec::corrupt, "the record does not parse");
    b->objects[what.key] = std::move(o);
    co_return outcome;
  }
  http::task<result<stored_object>> open(std::string, stored_object object) override { co_return object; }
  http::task<result<stored_object>> get(std::string bucket_name, std::string key, bool with_content) override {
    auto* b = find(bucket_name);
    if (b == nullptr) co_return no_bucket(bucket_name);
    auto o = b->objects.find(key);
    if (o == b->objects.end()) co_return fail(ec::no_such_key, "there is no " + key);
    stored_object s{.record = o->second.record, .inlined = {}, .manifest = {}, .key = {}};
    if (with_content) {
      if (s.record.inlined()) s.inlined = *o->second.content;
      s.manifest = o->second.manifest;
    }
    last_content_ = o->second.content;
    co_return s;
  }
  std::unique_ptr<object_reader> read(const stored_object& s, std::uint64_t offset, std::uint64_t length) override {
    return std::make_unique<reader>(
      *this, s.record.inlined() ? std::make_shared<const std::string>(s.inlined) : last_content_, offset, length);
  }
  http::task<result<>> remove(
    std::string bucket_name, std::string key, object_conditions conditions, std::vector<pb::operation>) override {
    auto* b = find(bucket_name);
    if (b == nullptr) co_return no_bucket(bucket_name);
    if (undeletable.contains(key)) co_return fail(ec::unavailable, "not now");
    if (auto ok = check(*b, key, conditions); !ok) co_return ok.error();
    b->objects.erase(key);
    co_return fine();
  }
  http::task<result<listing>> list(list_objects what) override {
    auto* b = find(what.bucket);
    if (b == nullptr) co_return no_bucket(what.bucket);
    listing page;
    for (auto& [key, o] : b->objects) {
      if (!key.starts_with(what.prefix) || key <= what.start_after || what.limit == 0) continue;
      const auto cut = what.delimiter.empty() ? key.npos : key.find(what.delimiter, what.prefix.size());
      const auto shown = cut == key.npos ? key : key.substr(0, cut + what.delimiter.size());
      if (cut != key.npos && (what.start_after == shown || (!page.entries.empty() && page.entries.back().key == shown)))
        continue;
      if (page.entries.size() == what.limit) {
        page.truncated = true;
        break;
      }
      auto& e = page.entries.emplace_back();
      e.key = shown;
      e.is_prefix = cut != key.npos;
      if (!e.is_prefix) e.record = o.record;
      page.last = shown;
    }
    co_return page;
  }

  http::task<result<data_id>> create_upload(std::string bucket_name, std::string key, pb::upload_record what) override {
    if (find(bucket_name) == nullptr) co_return no_bucket(bucket_name);
    const auto id = data_id::from_bytes(std::string(15, 'u') + static_cast<char>('0' + ++uploads_made_));
    what.set_upload_id(id.to_bytes());
    what.set_started_ms(clock_.now());
    uploads[id] = {bucket_name, key, what, {}};
    co_return id;
  }
  http::task<result<pb::upload_record>> upload(std::string bucket_name, std::string key, data_id id) override {
    auto* u = find(bucket_name, key, id);
    if (u == nullptr) co_return no_upload();
    co_return u->record;
  }
  http::task<result<put_outcome>> put_part(
    put_object what, data_id id, std::uint32_t number, http::body_source& source) override {
    auto* u = find(what.bucket, what.key, id);
    if (u == nullptr) co_return no_upload();
    if (auto kind = checksum_kind_named(u->record.checksum_algorithm())) what.checksums.add(*kind);
    auto content = co_await take(what, source);
    if (!content) co_return content.error();
    auto outcome = outcome_of(what, *content);
    auto& p = u->parts[number];
    p = {};
    p.record.set_number(number);
    p.record.set_size(what.size);
    p.record.set_etag(outcome.etag);
    p.record.set_modified_ms(outcome.modified_ms);
    for (auto& c : outcome.checksums) *p.record.add_checksums() = c;
    p.content = std::move(*content);
    co_return outcome;
  }
  http::task<result<put_outcome>> complete_upload(std::string bucket_name, std::string key, data_id id,
    std::vector<part_choice> choices, object_conditions conditions, std::vector<pb::checksum> claims) override {
    auto* u = find(bucket_name, key, id);
    if (u == nullptr) co_return no_upload();
    auto& b = *find(bucket_name);
    if (auto ok = check(b, key, conditions); !ok) co_return ok.error();
    object o;
    o.manifest = std::make_shared<pb::manifest>();
    std::string content, md5s;
    std::vector<std::string> raw;
    std::vector<part_checksum> sums;
    const auto kind = checksum_kind_named(u->record.checksum_algorithm());
    for (auto& want : choices) {
      auto have = u->parts.find(want.number);
      if (have == u->parts.end() || have->second.record.etag() != want.etag) co_return fail(ec::invalid_part, "part");
      auto& p = have->second;
      if (&want != &choices.back() && p.content.size() < part_bytes_min) co_return fail(ec::entity_too_small, "part");
      for (auto& c : want.checksums)
        if (p.record.checksums().empty() || p.record.checksums(0).value() != c.value())
          co_return fail(ec::invalid_part, "checksum");
      content += p.content;
      md5s += *hex_decode(p.record.etag());
      auto* m = o.manifest->add_parts();
      m->set_number(want.number);
      m->set_size(p.content.size());
      m->set_etag(want.etag);
      *m->mutable_checksums() = p.record.checksums();
      if (kind) {
        if (p.record.checksums().empty()) co_return fail(ec::invalid_request, "no checksum");
        raw.push_back(*base64_decode(p.record.checksums(0).value()));
        sums.push_back({raw.back(), p.content.size()});
      }
    }
    put_outcome outcome{.etag = hex_encode(md5(as_bytes(md5s))) + "-" + std::to_string(choices.size()),
      .modified_ms = clock_.now(),
      .checksums = {},
      .size = content.size()};
    if (kind) {
      pb::checksum sum;
      sum.set_algorithm(std::string{name_of(*kind)});
      sum.set_composite(!u->record.full_object_checksum());
      sum.set_value(sum.composite() ? base64_encode(composite_checksum(*kind, raw)) + "-" + std::to_string(raw.size())
                                    : base64_encode(*full_object_checksum(*kind, sums)));
      for (auto& c : claims)
        if (c.value() != sum.value()) co_return fail(ec::bad_digest, "checksum of the object");
      *o.record.add_checksums() = sum;
      outcome.checksums.push_back(sum);
    }
    o.record.set_size(content.size());
    o.record.set_etag(outcome.etag);
    o.record.set_modified_ms(outcome.modified_ms);
    o.record.set_parts(static_cast<std::uint32_t>(choices.size()));
    o.record.set_upload_id(id.to_bytes());
    o.record.set_storage_class(u->record.storage_class());
    *o.record.mutable_headers() = u->record.headers();
    *o.record.mutable_metadata() = u->record.metadata();
    *o.record.mutable_tags() = u->record.tags();
    o.content = std::make_shared<const std::string>(std::move(content));
    b.objects[key] = std::move(o);
    uploads.erase(id);
    co_return outcome;
  }
  http::task<result<>> abort_upload(std::string bucket_name, std::string key, data_id id) override {
    if (find(bucket_name, key, id) == nullptr) co_return no_upload();
    uploads.erase(id);
    co_return fine();
  }
  http::task<result<std::vector<pb::part_record>>> list_parts(
    std::string bucket_name, std::string key, data_id id, std::uint32_t marker, std::uint32_t limit) override {
    auto* u = find(bucket_name, key, id);
    if (u == nullptr) co_return no_upload();
    std::vector<pb::part_record> all;
    for (auto& [number, p] : u->parts)
      if (number > marker && all.size() <= limit) all.push_back(p.record);
    co_return all;
  }
  http::task<result<upload_listing>> list_uploads(std::string bucket_name, std::string prefix, std::string delimiter,
    std::string key_marker, std::optional<data_id> upload_marker, std::uint32_t limit) override {
    if (find(bucket_name) == nullptr) co_return no_bucket(bucket_name);
    std::map<std::pair<std::string, data_id>, const open_upload*> sorted;
    for (auto& [id, u] : uploads)
      if (u.bucket == bucket_name && u.key.starts_with(prefix)) sorted[{u.key, id}] = &u;
    upload_listing page;
    for (auto& [at, u] : sorted) {
      auto& [key, id] = at;
      if (key < key_marker || (key == key_marker && !key_marker.empty() && (!upload_marker || id <= *upload_marker)))
        continue;
      const auto cut = delimiter.empty() ? key.npos : key.find(delimiter, prefix.size());
      const auto shown = cut == key.npos ? key : key.substr(0, cut + delimiter.size());
      if (cut != key.npos && !page.entries.empty() && page.entries.back().key == shown) continue;
      if (page.entries.size() == limit) {
        page.truncated = true;
        break;
      }
      page.entries.push_back({.key = shown, .upload_id = id, .record = u->record, .is_prefix = cut != key.npos});
    }
    co_return page;
  }

private:
  class reader final : public object_reader {
  public:
    reader(
      fake_object_store& store, std::shared_ptr<const std::string> content, std::uint64_t offset, std::uint64_t length)
        : store_(store), content_(std::move(content)), at_(offset), end_(offset + length) {}
    http::task<result<chunk>> next() override {
      const auto n = std::min<std::uint64_t>(store_.piece_bytes, end_ - at_);
      if (given_ + n > store_.read_fails_after) co_return fail(ec::unavailable, "too few pieces");
      auto piece = chunk::copy_of(std::string_view{*content_}.substr(at_, n));
      at_ += n;
      given_ += n;
      co_return piece;
    }

  private:
    fake_object_store& store_;
    std::shared_ptr<const std::string> content_;
    std::uint64_t at_, end_, given_ = 0;
  };

  // Not inlined: GCC 12 under the sanitizers takes a moved result<>{} for uninitialised.
  [[gnu::noinline]] static result<> fine() { return {}; }
  static error no_bucket(const std::string& name) { return fail(ec::no_such_bucket, "there is no bucket " + name); }
  static error no_upload() { return fail(ec::no_such_upload, "there is no such upload"); }
  bucket_state* find(const std::string& name) {
    auto b = buckets.find(name);
    return b == buckets.end() ? nullptr : &b->second;
  }
  open_upload* find(const std::string& bucket_name, const std::string& key, const data_id& id) {
    auto u = uploads.find(id);
    return u == uploads.end() || u->second.bucket != bucket_name || u->second.key != key ? nullptr : &u->second;
  }
  static void copy(const std::vector<std::pair<std::string, std::string>>& from,
    google::protobuf::RepeatedPtrField<pb::name_value>* to) {
    for (auto& [name, value] : from) {
      auto* p = to->Add();
      p->set_name(name);
      p->set_value(value);
    }
  }
  static result<> check(const bucket_state& b, const std::string& key, const object_conditions& c) {
    auto o = b.objects.find(key);
    const bool there = o != b.objects.end();
    auto names = [&](const std::string& tag) { return tag == "*" || tag == o->second.record.etag(); };
    if (c.if_match && !there) return fail(ec::no_such_key, key);
    if (c.if_match && !names(*c.if_match)) return fail(ec::precondition_failed, key);
    if (c.if_none_match && there && names(*c.if_none_match)) return fail(ec::precondition_failed, key);
    return {};
  }
  put_outcome outcome_of(const put_object& what, const std::string& content) {
    put_outcome o{
      .etag = hex_encode(md5(as_bytes(content))), .modified_ms = clock_.now(), .checksums = {}, .size = content.size()};
    checksum_state state{what.checksums};
    state.add(as_bytes(content));
    const auto values = state.finish();
    for (std::size_t i = 0; i < checksum_kinds; ++i) {
      const auto kind = static_cast<checksum_kind>(i);
      if (!what.checksums.has(kind)) continue;
      auto& c = o.checksums.emplace_back();
      c.set_algorithm(std::string{name_of(kind)});
      c.set_value(base64_encode(values.get(kind)));
    }
    return o;
  }
  static http::task<result<std::string>> take(const put_object& what, http::body_source& source) {
    std::string content(what.size, '\0');
    const bytes_span all{reinterpret_cast<std::byte*>(content.data()), content.size()};
    if (co_await http::read_full(source, all) != all.size()) co_return fail(ec::incomplete_body, "short");
    std::byte extra[1];
    if (co_await source.read(extra) != 0) co_return fail(ec::invalid_request, "long");
    if (what.expected.md5 && *what.expected.md5 != as_text(md5(all))) co_return fail(ec::bad_digest, "md5");
    if (what.expected.sha256 && *what.expected.sha256 != hex_encode(sha256(all)))
      co_return fail(ec::content_sha256_mismatch, "sha256");
    if (what.expected.checksums) {
      const auto announced = what.expected.checksums();
      if (!announced) co_return announced.error();
      checksum_state state{what.checksums};
      state.add(all);
      const auto values = state.finish();
      for (std::size_t i = 0; i < checksum_kinds; ++i) {
        const auto kind = static_cast<checksum_kind>(i);
        if (!announced->get(kind).empty() && announced->get(kind) != values.get(kind))
          co_return fail(ec::bad_digest, "checksum");
      }
    }
    co_return content;
  }

  wall_clock& clock_;
  int uploads_made_ = 0;
  std::shared_ptr<const std::string> last_content_;
};

} // namespace troupe::test
