// GET: one consistent look at the record, then content from the rows or from the nodes.
#include "api/objects/clustered_store.hpp"
#include "api/objects/sealed_content.hpp"
#include "core/tables.hpp"

namespace troupe {
namespace {

// What a reader holds of the memory budget: the download session's read-ahead.
constexpr std::size_t read_ahead_pieces = 4;

// A run of bytes to deliver: from memory, or from an extent.
struct run {
  std::string bytes; // used when `extent` is empty
  std::shared_ptr<const pb::extent> extent;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

run of_extent(const pb::extent& e, std::uint64_t offset, std::uint64_t length) {
  return {.bytes = {}, .extent = std::make_shared<const pb::extent>(e), .offset = offset, .length = length};
}
run of_memory(const std::string& bytes, std::uint64_t offset, std::uint64_t length) {
  return {.bytes = bytes.substr(offset, length), .extent = nullptr, .offset = 0, .length = length};
}

class run_reader final : public object_reader {
public:
  run_reader(std::vector<run> runs, const clustered_store_options& options, http::worker& io,
    http::actor_bridge& bridge, http::budget& memory, const trace_context& trace)
      : runs_(std::move(runs)), options_(options), io_(io), bridge_(bridge), memory_(memory), trace_(trace) {
    for (const auto& r : runs_)
      if (r.extent) pins_.push_back(options_.pins->hold(data_id::from_bytes(r.extent->data_id())));
  }
  ~run_reader() override { end_session(); }

  http::task<result<chunk>> next() override {
    while (at_ < runs_.size()) {
      auto& r = runs_[at_];
      if (!r.extent) {
        ++at_;
        if (!r.bytes.empty()) co_return chunk::copy_of(std::string_view{r.bytes});
        continue;
      }
      if (!session_) {
        if (auto ok = co_await begin_session(r); !ok) co_return ok.error();
      }
      auto piece = co_await http::ask<chunk>(bridge_, session_, options_.content_timeout, next_atom::value);
      if (!piece) co_return piece.error();
      if (!piece->empty()) {
        got_ += piece->size();
        co_return piece;
      }
      if (got_ != r.length)
        co_return fail(ec::internal,
          "a download ended after " + std::to_string(got_) + " of " + std::to_string(r.length) + " bytes");
      end_session();
      ++at_;
    }
    co_return chunk{};
  }

private:
  http::task<result<>> begin_session(const run& r) {
    if (!hold_) {
      auto weight = std::size_t{r.extent->geometry().piece_bytes()} * read_ahead_pieces;
      auto granted = co_await memory_.acquire(weight, io_.now() + options_.admission_timeout);
      if (!granted) co_return granted.error();
      hold_.emplace(std::move(*granted));
    }
    got_ = 0;
    auto session = co_await http::ask<download_actor>(bridge_, options_.replicator, options_.content_timeout,
      download_atom::value, wire<pb::extent>{*r.extent}, r.offset, r.length, trace_);
    if (!session) co_return session.error();
    session_ = std::move(*session);
    co_return result<>{};
  }
  void end_session() {
    if (session_) http::fire(bridge_, session_, abandon_atom::value);
    session_ = nullptr;
  }

  std::vector<run> runs_;
  const clustered_store_options& options_;
  http::worker& io_;
  http::actor_bridge& bridge_;
  http::budget& memory_;
  const trace_context trace_;
  std::vector<read_pins::pin> pins_;
  std::optional<http::budget::hold> hold_;
  download_actor session_;
  std::size_t at_ = 0;
  std::uint64_t got_ = 0;
};

// The part of [from, from + size) that [offset, offset + length) covers; length 0 when none.
std::pair<std::uint64_t, std::uint64_t> overlap(
  std::uint64_t from, std::uint64_t size, std::uint64_t offset, std::uint64_t length) {
  auto first = std::max(from, offset);
  auto last = std::min(from + size, offset + length);
  return first < last ? std::pair{first - from, last - first} : std::pair<std::uint64_t, std::uint64_t>{0, 0};
}

} // namespace

http::task<result<stored_object>> clustered_store::get(std::string bucket_name, std::string key, bool with_content) {
  constexpr int looks_max = 8; // the manifest may go between two reads, when the object is replaced just then
  for (int look = 0; look < looks_max; ++look) {
    auto object = co_await look_at(bucket_name, key, with_content);
    if (!object || !with_content) co_return object;
    if (object->record.manifest_id().empty()) co_return co_await open(bucket_name, std::move(*object));
    auto manifest = co_await read_row(tables::manifest(data_id::from_bytes(object->record.manifest_id())));
    if (!manifest) co_return manifest.error();
    if (!*manifest) continue;
    object->manifest = std::make_shared<pb::manifest>();
    if (!object->manifest->ParseFromString(**manifest)) break;
    co_return co_await open(bucket_name, std::move(*object));
  }
  co_return fail(ec::corrupt, "the manifest of " + bucket_name + "/" + key + " is missing or does not parse");
}

http::task<result<stored_object>> clustered_store::look_at(
  const std::string& bucket_name, const std::string& key, bool with_content) {
  std::vector<std::string> keys;
  keys.push_back(tables::object(bucket_name, key));
  if (with_content) keys.push_back(tables::inline_content(bucket_name, key));
  auto rows = co_await read_rows(std::move(keys));
  if (!rows) co_return rows.error();
  if (!(*rows)[0]) {
    if (auto there = co_await bucket(bucket_name); !there) co_return there.error();
    co_return fail(ec::no_such_key, "there is no object " + bucket_name + "/" + key);
  }
  stored_object object;
  if (!object.record.ParseFromString(*(*rows)[0]))
    co_return fail(ec::corrupt, "the record of " + bucket_name + "/" + key + " does not parse");
  if (!with_content) co_return object;
  if (object.record.inlined()) {
    if (!(*rows)[1] || (*rows)[1]->size() != inline_row_bytes(object.record))
      co_return fail(ec::corrupt, "the content of " + bucket_name + "/" + key + " is not with its record");
    object.inlined = std::move(*(*rows)[1]);
  }
  co_return object;
}

std::uint64_t inline_row_bytes(const pb::object_record& record) {
  return record.has_sealing() ? content_seal::sealed_bytes(record.size()) : record.size();
}

http::task<result<std::shared_ptr<const data_key>>> clustered_store::key_for(
  const std::string& bucket_name, const pb::sealing& sealing) {
  for (int look = 0; look < 2; ++look) { // what was seen a moment ago may be of a bucket of the same name
    auto seen = co_await keeping(bucket_name, false);
    if (!seen) co_return seen.error();
    if (seen->key && seen->key->id() == sealing.key_id()) co_return seen->key;
    seen_->forget(bucket_name);
  }
  co_return fail(ec::unavailable,
    "the content of bucket " + bucket_name +
      " is encrypted, and its key is not of this node's identity.master_key_file (or it has none)");
}

http::task<result<stored_object>> clustered_store::open(std::string bucket_name, stored_object object) {
  if (!object.record.has_sealing()) co_return object;
  auto key = co_await key_for(bucket_name, object.record.sealing());
  if (!key) co_return key.error();
  object.key = std::move(*key);
  if (object.record.inlined()) {
    auto plain = open_text(*object.key, object.record.sealing().salt(), object.record.size(), object.inlined);
    if (!plain) co_return plain.error();
    object.inlined = std::move(*plain);
  }
  if (!object.manifest) co_return object;
  for (auto& part : *object.manifest->mutable_parts()) {
    if (part.has_extent() || !part.has_sealing()) continue;
    auto plain = open_text(*object.key, part.sealing().salt(), part.size(), part.inline_data());
    if (!plain) co_return plain.error();
    part.set_inline_data(std::move(*plain));
  }
  co_return object;
}

std::unique_ptr<object_reader> clustered_store::read(
  const stored_object& object, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::unique_ptr<object_reader>> before; // of what is encrypted, and what lies before it
  std::vector<run> runs;
  auto reader_of_runs = [&] {
    return std::make_unique<run_reader>(std::exchange(runs, {}), options_, io_, bridge_, memory_, trace_);
  };
  auto add_extent = [&](const pb::extent& e, const pb::sealing* sealing, std::uint64_t size, std::uint64_t from,
                      std::uint64_t n) {
    if (sealing == nullptr) return runs.push_back(of_extent(e, from, n));
    if (!runs.empty()) before.push_back(reader_of_runs());
    const auto frames = content_seal::frames_of(size, from, n);
    runs.push_back(of_extent(e, frames.offset, frames.length));
    before.push_back(
      open_frames(reader_of_runs(), content_seal::cipher{*object.key, as_bytes(sealing->salt()), size}, frames, n));
  };
  const auto& record = object.record;
  auto [from, n] = overlap(0, record.size(), offset, length);
  if (record.inlined()) {
    runs.push_back(of_memory(object.inlined, from, n));
  } else if (object.manifest) {
    std::uint64_t start = 0;
    for (const auto& part : object.manifest->parts()) {
      auto [part_from, part_n] = overlap(start, part.size(), offset, length);
      start += part.size();
      if (part_n == 0) continue;
      if (part.has_extent())
        add_extent(part.extent(), part.has_sealing() ? &part.sealing() : nullptr, part.size(), part_from, part_n);
      else
        runs.push_back(of_memory(part.inline_data(), part_from, part_n));
    }
  } else if (n != 0) {
    add_extent(record.extent(), record.has_sealing() ? &record.sealing() : nullptr, record.size(), from, n);
  }
  if (before.empty()) return reader_of_runs();
  if (!runs.empty()) before.push_back(reader_of_runs());
  return chain(std::move(before));
}

http::task<std::size_t> object_content::read(bytes_span dst) {
  if (dst.empty()) co_return 0;
  if (rest_.empty()) {
    auto next = co_await reader_->next();
    if (!next) throw http::api_error{next.error().code, next.error().message};
    rest_ = std::move(*next);
  }
  auto n = std::min(dst.size(), rest_.size());
  if (n != 0) std::memcpy(dst.data(), rest_.data(), n);
  rest_ = rest_.slice(n, rest_.size() - n);
  co_return n;
}

} // namespace troupe
