// POST /files, PUT /files/{id}: content in, as the body itself or as the file of a form; compressed where that pays; made
// visible by one batch that also writes the log's entry.
#include "api/files/body_sources.hpp"
#include "api/files/call.hpp"
#include "codec/compression.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "core/file_log.hpp"

#include <algorithm>
#include <memory>

namespace troupe::files {

namespace {

constexpr std::uint64_t file_bytes_max = std::uint64_t{5} << 30;
constexpr std::uint64_t compressed_bytes_min = std::uint64_t{4} << 10; // below, the rows weigh more than the content
constexpr std::uint64_t compressed_bytes_max = std::uint64_t{8}
  << 20; // it is done in memory: its outcome's size comes first
constexpr std::size_t name_bytes_max = 1024;

// The request's file, and what has to hold for it.
struct incoming {
  std::string name, content_type;
  std::uint64_t size = 0;
  http::body_source* source = nullptr;
  expected_content expected;
  // Kept for `source`.
  std::unique_ptr<hashing_source> whole;
  std::unique_ptr<form_source> form;
};

http::task<incoming> receive(call& c) {
  auto& body = c.rq.content();
  if (!body.length() || !c.rq.has_header("Content-Length"))
    throw http::api_error{ec::missing_content_length, "an upload needs Content-Length"};
  const auto& declared = c.from.sha256();
  incoming in{.name = std::string{c.query("name")}, .content_type = std::string{c.rq.header("Content-Type")}};
  auto boundary = must(form_boundary(in.content_type));
  if (!boundary) {
    in.size = *body.length();
    in.source = &body;
    if (!declared.empty()) in.expected.sha256 = declared;
  } else {
    in.whole = std::make_unique<hashing_source>(body);
    in.form = std::make_unique<form_source>(*in.whole, std::move(*boundary), *body.length());
    co_await in.form->begin();
    in.size = in.form->size();
    in.source = in.form.get();
    if (in.name.empty()) in.name = in.form->head().filename;
    in.content_type = in.form->head().content_type;
    if (!declared.empty()) // of the whole form
      in.expected.checksums = [whole = in.whole.get(), declared]() -> result<checksum_values> {
        if (hex_encode(whole->digest()) == declared) return checksum_values{};
        return fail(ec::content_sha256_mismatch, "x-amz-content-sha256 is not the SHA-256 of the body");
      };
  }
  if (in.size > file_bytes_max)
    throw http::api_error{ec::entity_too_large, "a file has at most " + std::to_string(file_bytes_max) + " bytes"};
  if (in.name.size() > name_bytes_max || !valid_utf8(in.name) || !valid_utf8(in.content_type))
    throw http::api_error{ec::bad_argument, "a file's name is at most 1024 bytes of UTF-8, and so is its type"};
  if (in.content_type.empty()) in.content_type = "application/octet-stream";
  co_return in;
}

durability replication_of(const call& c) {
  const auto text = c.query("replication");
  if (text.empty() || text == "quorum") return durability::quorum;
  if (text == "sync") return durability::all;
  if (text == "async") return durability::first;
  throw http::api_error{ec::bad_argument, "replication= is sync, quorum or async"};
}

const char* replication_name(durability d) {
  return d == durability::all ? "sync" : d == durability::first ? "async" : "quorum";
}

bool wants_compression(const call& c) {
  const auto text = c.query("compression");
  if (text.empty() || text == "auto") return true;
  if (text == "none") return false;
  throw http::api_error{ec::bad_argument, "compression= is auto or none"};
}

// What the store gets to read. `what` is changed to what is stored when that is not the content itself.
struct packed {
  std::unique_ptr<http::body_source> source; // empty: the incoming one
  std::unique_ptr<http::memory_bound::hold> memory;
};

http::task<std::string> read_whole(incoming& in, std::string begun) {
  const auto have = begun.size();
  begun.resize(in.size);
  const bytes_span rest{reinterpret_cast<std::byte*>(begun.data()) + have, begun.size() - have};
  if (co_await http::read_full(*in.source, rest) != rest.size())
    throw http::api_error{ec::incomplete_body, "the body ended before its declared length"};
  std::byte extra[1];
  if (co_await in.source->read(extra) != 0) throw http::api_error{ec::bad_request, "the body is longer than declared"};
  co_return begun;
}

http::task<packed> pack(call& c, incoming& in, put_object& what) {
  packed out;
  const auto room = 2 * in.size + compression_sample_bytes;
  if (in.size < compressed_bytes_min || in.size > compressed_bytes_max || !c.shared.memory.has_room(room))
    co_return out;
  out.memory = std::make_unique<http::memory_bound::hold>(c.shared.memory, room);
  std::string content(std::min<std::size_t>(in.size, compression_sample_bytes), '\0');
  const bytes_span sample{reinterpret_cast<std::byte*>(content.data()), content.size()};
  if (co_await http::read_full(*in.source, sample) != sample.size())
    throw http::api_error{ec::incomplete_body, "the body ended before its declared length"};
  if (!worth_compressing(sample)) {
    out.source = std::make_unique<prefixed_source>(std::move(content), *in.source);
    co_return out;
  }
  content = co_await read_whole(in, std::move(content));
  auto small = must(compress(as_bytes(content)));
  if (small.size() >= content.size()) {
    out.source = std::make_unique<memory_source>(std::move(content));
    co_return out;
  }
  const auto sha256_of_file = hex_encode(bytes_view{sha256(as_bytes(content))});
  if (in.expected.sha256 && *in.expected.sha256 != sha256_of_file)
    throw http::api_error{ec::content_sha256_mismatch, "x-amz-content-sha256 is not the SHA-256 of the body"};
  if (in.expected.checksums) must(in.expected.checksums());
  what.expected = {};
  what.checksums = {};
  what.metadata.emplace_back(compression_key, "zstd");
  what.metadata.emplace_back(size_key, std::to_string(content.size()));
  what.metadata.emplace_back(md5_key, hex_encode(bytes_view{md5(as_bytes(content))}));
  what.metadata.emplace_back(sha256_key, sha256_of_file);
  what.size = small.size();
  out.source = std::make_unique<memory_source>(std::move(small));
  co_return out;
}

// The hidden bucket, made when the first file comes.
http::task<> have_bucket(call& c) {
  if (c.shared.bucket_there) co_return;
  auto made = co_await c.store.create_bucket(std::string{bucket_name}, std::string{bucket_name}, {});
  if (!made && made.error().code != ec::bucket_already_owned_by_you) must(std::move(made));
  c.shared.bucket_there = true;
}

http::task<> store_file(
  call& c, std::string id, pb::file_log_entry::operations operation, object_conditions conditions) {
  const auto replication = replication_of(c);
  const bool compressible = wants_compression(c);
  auto in = co_await receive(c);
  co_await have_bucket(c);
  put_object what;
  what.bucket = bucket_name;
  what.key = id;
  what.size = in.size;
  what.headers.emplace_back("Content-Type", in.content_type);
  what.metadata.emplace_back(name_key, in.name);
  what.metadata.emplace_back(replication_key, replication_name(replication));
  what.checksums.add(checksum_kind::sha256);
  what.expected = in.expected;
  what.conditions = std::move(conditions);
  what.durability = replication;
  packed stored;
  if (compressible) stored = co_await pack(c, in, what);
  pb::object_record made;
  std::uint64_t logged = 0;
  what.beside = [&](const pb::object_record& record, pb::batch& batch) {
    made = record;
    auto entry = file_log::entry_of(operation, id, record);
    logged = entry.ByteSizeLong();
    *batch.add_operations() = file_log::append_operation(std::move(entry), c.context().files.segment_bytes);
  };
  auto& source = stored.source ? *stored.source : *in.source;
  must(co_await c.store.put(std::move(what), source));
  stored = {};
  const auto info = info_of(id, made);
  c.rs.set("ETag", "\"" + info.md5 + "\"");
  int status = 200;
  if (operation == pb::file_log_entry::create) {
    status = 201;
    c.rs.set("Location", "/files/" + id);
  }
  co_await answer(c, status, to_json(info));
  co_await collect_segments(c, logged);
}

} // namespace

http::task<> on_upload(call& c) {
  auto id = hex_encode(c.context().random->new_data_id().to_bytes());
  c.from.acts_on(bucket_name, id);
  co_await store_file(c, std::move(id), pb::file_log_entry::create, {});
}

http::task<> on_update(call& c) {
  const auto& id = c.file_id();
  object_conditions conditions;
  conditions.if_match = "*";
  const auto there = co_await look_at(c, id, false);
  if (const auto wanted = c.rq.header("If-Match"); !wanted.empty() && wanted != "*") {
    if (wanted != "\"" + info_of(id, there.record).md5 + "\"")
      throw http::api_error{ec::precondition_failed, "If-Match: the ETag is another"};
    conditions.if_match = there.record.etag(); // of what is stored
  }
  co_await store_file(c, id, pb::file_log_entry::update, std::move(conditions));
}

} // namespace troupe::files
