#include "api/shards/service.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::shards {
namespace {

using identity::action;

constexpr std::uint32_t page_max = 1000;
constexpr std::size_t scan_page_rows = 256;
constexpr std::size_t scan_page_bytes = std::size_t{1} << 20;

v1::ShardState state_of(pb::kv_shard_row::states s) {
  switch (s) {
  case pb::kv_shard_row::active: return v1::SHARD_STATE_ACTIVE;
  case pb::kv_shard_row::read_only: return v1::SHARD_STATE_READ_ONLY;
  case pb::kv_shard_row::deleted: return v1::SHARD_STATE_DELETED;
  default: return v1::SHARD_STATE_UNSPECIFIED;
  }
}

void add_entry(pb::kv_batch& batch, const v1::Entry& e) {
  auto* out = batch.add_entries();
  out->set_key(e.key());
  out->set_value(e.value());
  for (const auto& x : e.indexes()) {
    auto* i = out->add_indexes();
    i->set_name(x.name());
    i->set_value(x.value());
  }
}

// Those of a batch; of one that is too large, which is refused, the shard.
template <class Entries, class KeyOf>
std::vector<std::string> keys_of(std::uint64_t shard, const Entries& entries, int entries_max, KeyOf key_of) {
  if (entries.size() > entries_max) return {key_in(shard)};
  std::vector<std::string> out;
  for (const auto& e : entries) out.push_back(key_in(shard, key_of(e)));
  return out;
}

error no_key() { return fail(ec::no_such_key, "the shard has no such key"); }

} // namespace

void service::describe(const volume::reading& r, v1::View& out) const {
  auto age = std::chrono::ceil<std::chrono::milliseconds>(r.age).count();
  out.set_primary(r.primary);
  out.set_stale_ms(static_cast<std::uint64_t>(age));
  out.set_as_of_ms(options_.clock->now() - age);
}

grpc::Status service::NewShard(grpc::ServerContext* c, const v1::NewShardRequest* rq, v1::NewShardReply* out) {
  return serve(*c, {"ShardsNew", action::write, rq->client_id(), {""}, 0, rq->volume()}, [&](sender& from) -> result<> {
    auto row = options_.manager->new_shard(from.client, rq->volume());
    if (!row) return std::move(row).error();
    from.resource = key_in(row->id());
    out->set_shard_id(row->id());
    out->set_volume(row->volume());
    return {};
  });
}

grpc::Status service::CloseShard(grpc::ServerContext* c, const v1::CloseShardRequest* rq, v1::CloseShardReply* out) {
  return serve(*c, {"ShardsClose", action::write, rq->client_id(), {key_in(rq->shard_id())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      auto row = options_.manager->close_shard(from.client, rq->shard_id());
      if (!row) return std::move(row).error();
      out->set_state(state_of(row->state()));
      return {};
    });
}

grpc::Status service::DeleteShard(grpc::ServerContext* c, const v1::DeleteShardRequest* rq, v1::DeleteShardReply* out) {
  return serve(*c, {"ShardsDelete", action::remove, rq->client_id(), {key_in(rq->shard_id())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      auto row = options_.manager->delete_shard(from.client, rq->shard_id());
      if (!row) return std::move(row).error();
      out->set_state(state_of(row->state()));
      return {};
    });
}

grpc::Status service::Put(grpc::ServerContext* c, const v1::PutRequest* rq, v1::PutReply*) {
  return serve(*c,
    {"ShardsPut", action::write, rq->client_id(), {key_in(rq->shard_id(), rq->entry().key())}, rq->shard_id()},
    [&](const sender& from) {
      pb::kv_batch batch;
      add_entry(batch, rq->entry());
      return options_.manager->put(from.client, rq->shard_id(), batch);
    });
}

grpc::Status service::BatchPut(grpc::ServerContext* c, const v1::BatchPutRequest* rq, v1::BatchPutReply* out) {
  auto keys = keys_of(rq->shard_id(), rq->entries(), options_.limits.batch_entries_max, std::mem_fn(&v1::Entry::key));
  return serve(*c, {"ShardsBatchPut", action::write, rq->client_id(), std::move(keys), rq->shard_id()},
    [&](const sender& from) -> result<> {
      pb::kv_batch batch;
      for (const auto& e : rq->entries()) add_entry(batch, e);
      TROUPE_TRY(options_.manager->put(from.client, rq->shard_id(), batch));
      out->set_entries(static_cast<std::uint32_t>(rq->entries_size()));
      return {};
    });
}

grpc::Status service::Delete(grpc::ServerContext* c, const v1::DeleteRequest* rq, v1::DeleteReply*) {
  return serve(*c,
    {"ShardsDeleteKey", action::remove, rq->client_id(), {key_in(rq->shard_id(), rq->key())}, rq->shard_id()},
    [&](const sender& from) {
      const auto* key = &rq->key();
      return options_.manager->remove(from.client, rq->shard_id(), {&key, 1});
    });
}

grpc::Status service::BatchDelete(grpc::ServerContext* c, const v1::BatchDeleteRequest* rq, v1::BatchDeleteReply* out) {
  auto keys = keys_of(rq->shard_id(), rq->keys(), options_.limits.batch_entries_max, std::identity{});
  return serve(*c, {"ShardsBatchDelete", action::remove, rq->client_id(), std::move(keys), rq->shard_id()},
    [&](const sender& from) -> result<> {
      if (rq->keys_size() > options_.limits.batch_entries_max)
        return fail(ec::too_large,
          std::to_string(rq->keys_size()) + " keys, over " + std::to_string(options_.limits.batch_entries_max));
      const std::span all{rq->keys().data(), static_cast<std::size_t>(rq->keys_size())};
      TROUPE_TRY(options_.manager->remove(from.client, rq->shard_id(), all));
      out->set_keys(static_cast<std::uint32_t>(rq->keys_size()));
      return {};
    });
}

grpc::Status service::Get(grpc::ServerContext* c, const v1::GetRequest* rq, v1::GetReply* out) {
  return serve(*c, {"ShardsGet", action::read, rq->client_id(), {key_in(rq->shard_id(), rq->key())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      TROUPE_TRY(check_key(rq->key(), options_.limits));
      auto reading = options_.manager->read(from.client, rq->shard_id(), rq->latest());
      if (!reading) return std::move(reading).error();
      auto value = reading->view->get(rq->key());
      if (!value) return std::move(value).error();
      if (!*value) return no_key();
      out->set_value(std::move(**value));
      describe(*reading, *out->mutable_view());
      return {};
    });
}

grpc::Status service::BatchGet(grpc::ServerContext* c, const v1::BatchGetRequest* rq, v1::BatchGetReply* out) {
  auto keys = keys_of(rq->shard_id(), rq->keys(), options_.limits.batch_entries_max, std::identity{});
  return serve(*c, {"ShardsBatchGet", action::read, rq->client_id(), std::move(keys), rq->shard_id()},
    [&](const sender& from) -> result<> {
      if (rq->keys_size() > options_.limits.batch_entries_max)
        return fail(ec::too_large,
          std::to_string(rq->keys_size()) + " keys, over " + std::to_string(options_.limits.batch_entries_max));
      auto reading = options_.manager->read(from.client, rq->shard_id(), rq->latest());
      if (!reading) return std::move(reading).error();
      std::size_t bytes = 0;
      for (const auto& key : rq->keys()) {
        TROUPE_TRY(check_key(key, options_.limits));
        auto value = reading->view->get(key);
        if (!value) return std::move(value).error();
        auto* v = out->add_values();
        if (!*value) continue;
        bytes += (*value)->size();
        if (bytes > options_.limits.batch_bytes_max)
          return fail(ec::slow_down,
            "the values have over " + std::to_string(options_.limits.batch_bytes_max) + " bytes: ask for fewer keys");
        v->set_found(true);
        v->set_value(std::move(**value));
      }
      describe(*reading, *out->mutable_view());
      return {};
    });
}

result<> service::scan(
  const sender& from, const v1::ScanRequest& rq, grpc::ServerContext& context, grpc::ServerWriter<v1::ScanReply>& out) {
  if (rq.prefix().size() > options_.limits.key_bytes_max || rq.start_after().size() > options_.limits.key_bytes_max)
    return fail(ec::too_large, "prefix or start_after is longer than a key");
  auto after = rq.start_after();
  std::uint64_t left = rq.limit() == 0 ? UINT64_MAX : rq.limit();
  for (bool first = true;; first = false) {
    // Anew for each page: the lease may have ended meanwhile, or the log be another one.
    auto reading = options_.manager->read(from.client, rq.shard_id(), rq.latest());
    if (!reading) return std::move(reading).error();
    auto page = reading->view->scan(
      rq.prefix(), after, static_cast<std::size_t>(std::min<std::uint64_t>(left, scan_page_rows)), scan_page_bytes);
    if (!page) return std::move(page).error();
    auto view = std::move(*reading);
    view.view.reset(); // a slow reader must not hold the shard open
    for (auto& [key, value] : page->rows) {
      if (!rq.keys_only()) TROUPE_TRY(authorise(from.who, action::read, key_in(rq.shard_id(), key)));
      v1::ScanReply line;
      if (first) describe(view, *line.mutable_view());
      first = false;
      line.set_key(std::move(key));
      if (!rq.keys_only()) line.set_value(std::move(value));
      if (context.IsCancelled() || !out.Write(line)) return fail(ec::closed, "the client went away");
      --left;
    }
    if (!page->more || left == 0) return {};
    after = page->last;
  }
}

grpc::Status service::Scan(grpc::ServerContext* c, const v1::ScanRequest* rq, grpc::ServerWriter<v1::ScanReply>* out) {
  return serve(*c,
    {"ShardsScan", action::list, rq->client_id(), {key_in(rq->shard_id(), rq->prefix())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      place mine{scans_, options_.scans_max};
      if (!mine.got()) return fail(ec::slow_down, "too many scans at a time: try again");
      return scan(from, *rq, *c, *out);
    });
}

grpc::Status service::LookupIndex(grpc::ServerContext* c, const v1::LookupIndexRequest* rq, v1::LookupIndexReply* out) {
  return serve(*c, {"ShardsLookup", action::list, rq->client_id(), {key_in(rq->shard_id())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      TROUPE_TRY(check_index_name(rq->name(), options_.limits));
      auto reading = options_.manager->read(from.client, rq->shard_id(), rq->latest());
      if (!reading) return std::move(reading).error();
      const auto limit = rq->limit() == 0 ? page_max : std::min(rq->limit(), page_max);
      auto keys = reading->view->lookup(rq->name(), rq->value(), rq->start_after(), limit + 1);
      out->set_more(keys.size() > limit);
      keys.resize(std::min<std::size_t>(keys.size(), limit));
      for (auto& k : keys) out->add_keys(std::move(k));
      describe(*reading, *out->mutable_view());
      return {};
    });
}

grpc::Status service::ShardStatus(grpc::ServerContext* c, const v1::ShardStatusRequest* rq, v1::ShardStatusReply* out) {
  return serve(*c, {"ShardsStatus", action::read, rq->client_id(), {key_in(rq->shard_id())}, rq->shard_id()},
    [&](const sender& from) -> result<> {
      auto f = options_.manager->facts(from.client, rq->shard_id());
      if (!f) return std::move(f).error();
      out->set_shard_id(f->row.id());
      out->set_volume(f->row.volume());
      out->set_state(state_of(f->row.state()));
      out->set_keys(f->content.keys);
      out->set_log_bytes(f->content.log_bytes);
      out->set_log_bytes_max(options_.limits.shard_bytes_max);
      out->set_index_memory_bytes(f->content.memory_bytes);
      out->set_token(f->content.token);
      out->set_refused_records(f->content.refused_records);
      out->set_created_ms(f->row.created_ms());
      out->set_live_bytes(f->content.live_bytes);
      out->set_dead_bytes(f->content.log_bytes - std::min(f->content.log_bytes, f->content.live_bytes));
      out->set_tombstones(f->content.tombstones);
      describe({.view = nullptr, .age = f->age, .primary = f->primary}, *out->mutable_view());
      return {};
    });
}

grpc::Status service::ListShards(grpc::ServerContext* c, const v1::ListShardsRequest* rq, v1::ListShardsReply* out) {
  return serve(*c, {"ShardsList", action::list, rq->client_id(), {""}}, [&](const sender& from) -> result<> {
    const auto limit = rq->limit() == 0 ? page_max : std::min(rq->limit(), page_max);
    auto ids = options_.manager->list(from.client, rq->start_after(), limit + 1);
    if (!ids) return std::move(ids).error();
    out->set_more(ids->size() > limit);
    ids->resize(std::min<std::size_t>(ids->size(), limit));
    for (auto id : *ids) out->add_shard_ids(id);
    return {};
  });
}

grpc::Status service::VolumeStatus(
  grpc::ServerContext* c, const v1::VolumeStatusRequest* rq, v1::VolumeStatusReply* out) {
  return serve(*c, {"ShardsVolumes", action::read, rq->client_id(), {""}}, [&](const sender&) -> result<> {
    auto all = options_.manager->volumes();
    if (!all) return std::move(all).error();
    out->set_node(options_.node);
    for (const auto& f : *all) {
      auto* v = out->add_volumes();
      v->set_id(f.row.id());
      v->set_provider(f.row.provider());
      v->set_primary(f.primary);
      v->set_primary_node(f.row.holder());
      v->set_primary_address(f.row.address());
      v->set_token(f.row.token());
      v->set_lease_ms(f.row.lease_ms());
      v->set_shards(f.shards);
      v->set_open_shards(f.open_shards);
      v->set_free_bytes(f.space.free_bytes);
      v->set_total_bytes(f.space.total_bytes);
      v->set_live_bytes(f.content.live_bytes);
      v->set_dead_bytes(f.content.dead_bytes);
      v->set_compacted_segments(f.counts.compacted_segments);
      v->set_freed_bytes(f.counts.freed_bytes);
    }
    return {};
  });
}

grpc::Status service::SnapshotVolume(
  grpc::ServerContext* c, const v1::SnapshotVolumeRequest* rq, v1::SnapshotVolumeReply* out) {
  return serve(
    *c, {"ShardsSnapshot", action::admin, rq->client_id(), {""}, 0, rq->volume()}, [&](const sender&) -> result<> {
      auto made = options_.manager->snapshot(rq->volume(), rq->name());
      if (!made) return std::move(made).error();
      out->set_shards(made->shards());
      out->set_files(made->files());
      out->set_bytes(made->bytes());
      return {};
    });
}

} // namespace troupe::shards
