#include "actors/metadata_catalog.hpp"

#include "core/tables.hpp"
#include "core/volume_tables.hpp"

#include <caf/all.hpp>

#include <charconv>

namespace troupe {
namespace {

constexpr int attempts_max = 20; // of taking a range of ids, while others take theirs

class metadata_catalog final : public shard_catalog {
public:
  metadata_catalog(caf::actor_system& system, metadata_actor metadata, std::chrono::milliseconds patience)
      : system_(system), metadata_(std::move(metadata)), patience_(patience) {}

  result<std::uint64_t> reserve_ids(std::uint64_t count) override {
    const auto key = tables::system_row("shards/next-id");
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
      auto row = read({key});
      if (!row) return std::move(row).error();
      std::uint64_t next = 1;
      pb::batch batch;
      auto* p = batch.add_preconditions();
      p->set_key(key);
      if (row->rows().empty()) {
        p->set_kind(pb::precondition::not_exists);
      } else {
        const auto& value = row->rows(0).value();
        auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), next);
        if (problem != std::errc{} || end != value.data() + value.size())
          return fail(ec::corrupt, "the row of the next shard id is no number");
        p->set_kind(pb::precondition::equals);
        p->set_digest(tables::digest_of(value));
      }
      put(batch, key, std::to_string(next + count));
      auto applied = commit(std::move(batch));
      if (!applied) return std::move(applied).error();
      if (*applied) return next;
    }
    return fail(ec::conflict, "no range of shard ids could be taken: too many nodes want one, try again");
  }

  result<std::optional<pb::kv_shard_row>> find(std::uint64_t id) override {
    auto all = find_all({id});
    if (!all) return std::move(all).error();
    if (all->empty()) return std::optional<pb::kv_shard_row>{};
    return std::optional{std::move(all->front())};
  }

  result<std::vector<pb::kv_shard_row>> find_all(const std::vector<std::uint64_t>& ids) override {
    std::vector<std::string> keys;
    for (auto id : ids) keys.push_back(tables::kv_shard(id));
    auto reply = read(std::move(keys));
    if (!reply) return std::move(reply).error();
    std::vector<pb::kv_shard_row> out;
    for (const auto& row : reply->rows())
      if (!out.emplace_back().ParseFromString(row.value()))
        return fail(ec::corrupt, "the row of a shard does not parse");
    return out;
  }

  result<std::vector<std::uint64_t>> of_client(
    const std::string& client, std::uint64_t after, std::uint32_t limit) override {
    pb::list_request request;
    request.set_prefix(tables::kv_shards_of(client));
    if (after != 0) request.set_start_after(tables::kv_shard_of(client, after));
    request.set_limit(limit);
    auto reply = ask<pb::list_reply>(list_atom::value, wire<pb::list_request>{std::move(request)});
    if (!reply) return std::move(reply).error();
    std::vector<std::uint64_t> out;
    for (const auto& e : reply->entries())
      if (auto id = tables::id_of_kv_shard(e.key(), tables::kv_shards_of(client).size())) out.push_back(id);
    return out;
  }

  result<> insert(const pb::kv_shard_row& row, const pb::volume_row& held) override {
    pb::batch batch;
    fence(batch, held);
    auto* p = batch.add_preconditions();
    p->set_kind(pb::precondition::not_exists);
    p->set_key(tables::kv_shard(row.id()));
    put(batch, tables::kv_shard(row.id()), row.SerializeAsString());
    put(batch, tables::kv_shard_of(row.owner(), row.id()), {});
    return change(std::move(batch), held);
  }

  result<> replace(const pb::kv_shard_row& before, const pb::kv_shard_row& after, const pb::volume_row& held) override {
    pb::batch batch;
    fence(batch, held);
    expect(batch, tables::kv_shard(before.id()), before.SerializeAsString());
    put(batch, tables::kv_shard(after.id()), after.SerializeAsString());
    return change(std::move(batch), held);
  }

  result<> erase(const pb::kv_shard_row& row, const pb::volume_row& held) override {
    pb::batch batch;
    fence(batch, held);
    for (auto key : {tables::kv_shard(row.id()), tables::kv_shard_of(row.owner(), row.id())}) {
      auto* op = batch.add_operations();
      op->set_kind(pb::operation::erase);
      op->set_key(std::move(key));
    }
    return change(std::move(batch), held);
  }

private:
  template <class Reply, class Verb, class Request>
  result<Reply> ask(Verb verb, Request request) {
    caf::scoped_actor self{system_};
    result<Reply> out = fail(ec::internal, "no answer");
    self->request(metadata_, patience_, verb, std::move(request))
      .receive([&](const wire<Reply>& r) { out = *r; }, [&](const caf::error& e) { out = from_caf(e); });
    return out;
  }
  result<pb::read_reply> read(std::vector<std::string> keys) {
    pb::read_request request;
    for (auto& k : keys) request.add_keys(std::move(k));
    return ask<pb::read_reply>(read_atom::value, wire<pb::read_request>{std::move(request)});
  }
  result<bool> commit(pb::batch batch) {
    auto r = ask<pb::batch_result>(commit_atom::value, wire<pb::batch>{std::move(batch)});
    if (!r) return std::move(r).error();
    return r->applied();
  }
  result<> change(pb::batch batch, const pb::volume_row& held) {
    auto applied = commit(std::move(batch));
    if (!applied) return std::move(applied).error();
    if (*applied) return {};
    return fail(ec::unavailable,
      "volume " + held.id() + " has another primary since, or the shard was changed meanwhile: try again");
  }

  static void put(pb::batch& batch, std::string key, std::string value) {
    auto* op = batch.add_operations();
    op->set_kind(pb::operation::put);
    op->set_key(std::move(key));
    op->set_value(std::move(value));
  }
  static void expect(pb::batch& batch, std::string key, const std::string& value) {
    auto* p = batch.add_preconditions();
    p->set_kind(pb::precondition::equals);
    p->set_key(std::move(key));
    p->set_digest(tables::digest_of(value));
  }
  static void fence(pb::batch& batch, const pb::volume_row& held) {
    expect(batch, tables::volume(held.id()), held.SerializeAsString());
  }

  caf::actor_system& system_;
  metadata_actor metadata_;
  std::chrono::milliseconds patience_;
};

} // namespace

std::shared_ptr<shard_catalog> make_metadata_catalog(
  caf::actor_system& system, metadata_actor metadata, std::chrono::milliseconds patience) {
  return std::make_shared<metadata_catalog>(system, std::move(metadata), patience);
}

} // namespace troupe
