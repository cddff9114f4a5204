// PUT: content in (inlined or spread over nodes), verified, then made visible by one batch.
#include "api/objects/clustered_store.hpp"
#include "api/objects/sealed_content.hpp"
#include "codec/checksum.hpp"
#include "codec/digest.hpp"
#include "codec/text.hpp"
#include "core/placement.hpp"
#include "core/tables.hpp"

#include <boost/asio/post.hpp>

namespace troupe {
namespace {

// Every digest the client announced equals the one computed.
result<> verify(const expected_content& expected, const std::string& md5, const checksum_values& computed) {
  if (expected.md5 && *expected.md5 != md5) return fail(ec::bad_digest, "Content-MD5 does not match the content");
  if (expected.sha256 && *expected.sha256 != hex_encode(as_bytes(computed.get(checksum_kind::sha256))))
    return fail(ec::content_sha256_mismatch, "x-amz-content-sha256 does not match the content");
  if (!expected.checksums) return {};
  auto announced = expected.checksums();
  if (!announced) return announced.error();
  for (std::size_t i = 0; i < checksum_kinds; ++i) {
    auto kind = static_cast<checksum_kind>(i);
    if (!announced->get(kind).empty() && announced->get(kind) != computed.get(kind))
      return fail(ec::bad_digest, "the " + std::string{name_of(kind)} + " checksum does not match the content");
  }
  return {};
}

checksum_set wanted(const put_object& what) {
  auto set = what.checksums;
  if (what.expected.sha256) set.add(checksum_kind::sha256);
  return set;
}

// The body must end where it was declared to; this read also lets a decoder check its trailers.
http::task<result<>> expect_end(http::body_source& source) {
  std::byte extra[1];
  if (co_await source.read(extra) != 0) co_return fail(ec::invalid_request, "the body is longer than declared");
  co_return result<>{};
}

void copy_pairs(const std::vector<std::pair<std::string, std::string>>& from,
  google::protobuf::RepeatedPtrField<pb::name_value>* to) {
  for (const auto& [name, value] : from) {
    auto* p = to->Add();
    p->set_name(name);
    p->set_value(value);
  }
}

// Tells the upload session to give its pieces back unless it was finished.
class session_guard {
public:
  session_guard(http::actor_bridge& bridge, upload_actor session) : bridge_(bridge), session_(std::move(session)) {}
  ~session_guard() {
    if (session_) http::fire(bridge_, session_, abandon_atom::value);
  }
  session_guard(const session_guard&) = delete;
  session_guard& operator=(const session_guard&) = delete;
  const upload_actor& get() const { return session_; }
  void dismiss() { session_ = nullptr; }

private:
  http::actor_bridge& bridge_;
  upload_actor session_;
};

// The memory of one stripe: goes back to the budget when the last user of its bytes is done, on whatever thread.
class stripe_hold {
public:
  stripe_hold(std::shared_ptr<release_gate> gate, http::budget::hold hold)
      : gate_(std::move(gate)), hold_(std::make_shared<http::budget::hold>(std::move(hold))) {}
  stripe_hold(const stripe_hold&) = delete;
  stripe_hold& operator=(const stripe_hold&) = delete;
  ~stripe_hold() { gate_->release(std::move(hold_)); }

private:
  std::shared_ptr<release_gate> gate_;
  std::shared_ptr<http::budget::hold> hold_;
};

std::shared_ptr<std::byte[]> buffer_of(std::shared_ptr<stripe_hold> hold, std::size_t bytes) {
  return {new std::byte[bytes], [hold = std::move(hold)](std::byte* p) { delete[] p; }};
}

} // namespace

void release_gate::release(std::shared_ptr<http::budget::hold> hold) {
  std::lock_guard lock{mutex_};
  if (io_ != nullptr)
    boost::asio::post(*io_, [h = std::move(hold)] {});
  else
    hold.reset(); // nobody waits for it any more
}

void release_gate::close() {
  std::lock_guard lock{mutex_};
  io_ = nullptr;
}

std::vector<pb::checksum> stored_checksums(const checksum_set& kinds, const checksum_values& values) {
  std::vector<pb::checksum> all;
  for (std::size_t i = 0; i < checksum_kinds; ++i) {
    auto kind = static_cast<checksum_kind>(i);
    if (!kinds.has(kind)) continue;
    pb::checksum c;
    c.set_algorithm(std::string{name_of(kind)});
    c.set_value(base64_encode(as_bytes(values.get(kind))));
    all.push_back(std::move(c));
  }
  return all;
}

http::task<result<clustered_store::content>> clustered_store::inline_content(
  const put_object& what, http::body_source& source) {
  content c;
  c.inlined = true;
  c.bytes.resize(what.size);
  bytes_span all{reinterpret_cast<std::byte*>(c.bytes.data()), c.bytes.size()};
  if (co_await http::read_full(source, all) != all.size())
    co_return fail(ec::incomplete_body, "the body ended before its declared length");
  if (auto end = co_await expect_end(source); !end) co_return end.error();
  auto digest = co_await io_.hashes().md5(all);
  c.md5 = std::string{as_text(digest)};
  if (auto kinds = wanted(what); !kinds.empty()) {
    checksum_state checksums{kinds};
    checksums.add(all);
    c.checksums = checksums.finish();
  }
  co_return c;
}

http::task<result<clustered_store::content>> clustered_store::spread_content(
  const put_object& what, const bucket_keeping& how, http::body_source& source) {
  upload_options upload;
  upload.size = what.size;
  auto nodes = options_.nodes->get();
  if (nodes.known == 0) co_return fail(ec::unavailable, "the storage nodes are not known yet: the cluster is forming");
  upload.geometry = geometry_of(how.shape, nodes, what.size, options_.redundancy);
  upload.checksums = wanted(what);
  upload.md5 = !what.encrypt; // that of the frames is nobody's
  upload.durability = how.durability;
  upload.trace = trace_;
  if (how.durability == durability::first && upload.geometry.k != 1)
    co_return fail(ec::invalid_request,
      "content of " + std::to_string(what.size) +
        " bytes is erasure-coded here: one piece of it is no copy, so it cannot be acknowledged after the first one");
  stripe_layout layout{upload.geometry, what.size};
  const auto era = options_.era ? options_.era->number() : 0; // before any piece of it is anywhere
  auto started = co_await http::ask<upload_actor>(
    bridge_, options_.replicator, options_.content_timeout, upload_atom::value, std::move(upload));
  if (!started) co_return started.error();
  session_guard session{bridge_, *started};

  auto [k, m, piece_bytes] = layout.geometry();
  for (std::uint64_t stripe = 0; stripe < layout.stripes(); ++stripe) {
    // Admission for a whole stripe at once, parity included: a session never waits with half a stripe in memory.
    auto weight = std::size_t{layout.piece_bytes(stripe)} * (k + m);
    auto granted = co_await memory_.acquire(weight, io_.now() + options_.admission_timeout);
    if (!granted) co_return granted.error();
    auto hold = std::make_shared<stripe_hold>(gate_, std::move(*granted));
    for (std::uint32_t i = 0; i < k; ++i) {
      auto bytes = layout.data_bytes(stripe, i);
      if (bytes == 0) break;
      auto buffer = buffer_of(hold, bytes);
      if (co_await http::read_full(source, {buffer.get(), bytes}) != bytes)
        co_return fail(ec::incomplete_body, "the body ended before its declared length");
      auto data = chunk::adopt(std::move(buffer), bytes);
      if (i + 1 < k && layout.data_bytes(stripe, i + 1) != 0) {
        http::fire(bridge_, session.get(), write_atom::value, std::move(data)); // one wake-up of ours for a stripe
      } else {
        hold.reset();
        auto ok = co_await http::ask<void>(
          bridge_, session.get(), options_.content_timeout, write_atom::value, std::move(data));
        if (!ok) co_return ok.error();
      }
    }
  }
  if (auto end = co_await expect_end(source); !end) co_return end.error();
  auto summary =
    co_await http::ask<upload_summary>(bridge_, session.get(), options_.content_timeout, finish_atom::value);
  if (!summary) co_return summary.error();
  session.dismiss();
  content c;
  c.extent = std::move(summary->extent);
  c.extent.set_era(era);
  c.repair = std::move(summary->repair);
  c.md5 = std::move(summary->md5);
  c.checksums = std::move(summary->checksums);
  c.in_use = std::move(summary->in_use);
  co_return c;
}

http::task<result<clustered_store::content>> clustered_store::plain_content(
  const put_object& what, const bucket_keeping& how, bool row, http::body_source& source) {
  result<content> c = fail(ec::internal, "no content yet"); // two statements: GCC 12 mistreats co_await inside ?:
  if (row)
    c = co_await inline_content(what, source);
  else
    c = co_await spread_content(what, how, source);
  co_return c;
}

http::task<result<clustered_store::content>> clustered_store::encrypted_content(
  const put_object& what, const seen_bucket& how, http::body_source& source) {
  std::string salt(content_seal::salt_bytes, '\0');
  options_.random->fill({reinterpret_cast<std::byte*>(salt.data()), salt.size()});
  sealing_source frames{source, what.size, *how.key, as_bytes(salt), wanted(what)};
  put_object at_rest;
  at_rest.size = content_seal::sealed_bytes(what.size);
  at_rest.encrypt = true;
  auto c = co_await plain_content(at_rest, how.how, is_row(what, how.how), frames);
  if (!c) co_return c;
  c->md5 = frames.md5();
  c->checksums = frames.checksums();
  c->sealing.emplace().set_salt(std::move(salt));
  c->sealing->set_key_id(how.key->id());
  c->row_digest = how.row_digest;
  co_return c;
}

http::task<result<clustered_store::content>> clustered_store::store_content(
  const put_object& what, const seen_bucket& how, http::body_source& source) {
  result<content> c = fail(ec::internal, "no content yet");
  if (how.encrypts && what.size != 0)
    c = co_await encrypted_content(what, how, source);
  else
    c = co_await plain_content(what, how.how, is_row(what, how.how), source);
  if (!c) co_return c;
  if (auto ok = verify(what.expected, c->md5, c->checksums); !ok) {
    discard(*c);
    co_return ok.error();
  }
  co_return c;
}

// Rows are kept by a majority of the metadata members: less than all.
bool clustered_store::is_row(const put_object& what, const bucket_keeping& how) const {
  return what.size <= options_.inline_bytes_max && (how.durability != durability::all || what.size == 0);
}

void clustered_store::discard(const content& c) {
  if (c.inlined || c.extent.data_id().empty()) return;
  http::fire(bridge_, options_.replicator, remove_atom::value, wire<pb::extent>{c.extent});
}

// These prove that the batch is in no log. After any other error (a timeout, a log that failed, a member that stopped
// or lost its lead) it may still be applied, now or at the next start: better an orphan than a record without content.
void clustered_store::discard_unless_committed(const content& c, const error& of_commit) {
  switch (of_commit.code) {
  case ec::conflict:
  case ec::conditional_request_conflict:
  case ec::precondition_failed:
  case ec::no_such_bucket:
  case ec::no_such_key:
  case ec::slow_down:
  case ec::no_space:
  case ec::bad_argument:
  case ec::too_large: return discard(c);
  default: return;
  }
}

void clustered_store::add_repair(pb::batch& batch, const content& c) {
  if (c.repair.missing_size() == 0) return;
  auto* op = batch.add_operations();
  op->set_kind(pb::operation::put);
  op->set_key(tables::repair(data_id::from_bytes(c.extent.data_id())));
  op->set_value(c.repair.SerializeAsString());
}

void clustered_store::add_claim(pb::batch& batch, const content& c) {
  if (c.inlined || c.extent.data_id().empty()) return;
  upload_era::add_claim(batch, c.extent);
}

http::task<result<put_outcome>> clustered_store::put(put_object what, http::body_source& source) {
  auto how = co_await keeping_for(what, what.encrypt); // refuse before the content travels
  if (!how) co_return how.error();
  if (what.conditions.if_match || what.conditions.if_none_match) {
    pb::batch unused;
    if (auto ok = co_await add_conditions(unused, what.bucket, what.key, what.conditions); !ok) co_return ok.error();
  }
  auto stored = co_await store_content(what, *how, source);
  if (!stored) co_return stored.error();

  put_outcome outcome;
  outcome.etag = hex_encode(as_bytes(stored->md5));
  outcome.modified_ms = options_.clock->now();
  outcome.checksums = stored_checksums(what.checksums, stored->checksums);
  outcome.size = what.size;
  outcome.encrypted = stored->sealing.has_value();

  pb::object_record record;
  record.set_size(what.size);
  record.set_etag(outcome.etag);
  record.set_modified_ms(outcome.modified_ms);
  record.set_storage_class(what.storage_class);
  copy_pairs(what.headers, record.mutable_headers());
  copy_pairs(what.metadata, record.mutable_metadata());
  copy_pairs(what.tags, record.mutable_tags());
  for (const auto& c : outcome.checksums) *record.add_checksums() = c;
  record.set_inlined(stored->inlined);
  if (!stored->inlined) *record.mutable_extent() = stored->extent;
  if (stored->sealing) *record.mutable_sealing() = *stored->sealing;

  pb::batch batch;
  auto* object = batch.add_operations();
  object->set_kind(pb::operation::put);
  object->set_key(tables::object(what.bucket, what.key));
  object->set_value(record.SerializeAsString());
  object->set_collect(true);
  auto* inlined = batch.add_operations();
  inlined->set_key(tables::inline_content(what.bucket, what.key));
  inlined->set_kind(stored->inlined ? pb::operation::put : pb::operation::erase);
  if (stored->inlined) inlined->set_value(std::move(stored->bytes));
  add_repair(batch, *stored);
  add_claim(batch, *stored);
  if (what.beside) what.beside(record, batch);
  if (auto done = co_await publish(what.bucket, what.key, what.conditions, std::move(batch), stored->row_digest);
      !done) {
    discard_unless_committed(*stored, done.error());
    co_return done.error();
  }
  co_return outcome;
}

} // namespace troupe
