#include "roles/volume_orders.hpp"

#include <spdlog/spdlog.h>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t waiting_max = 16;
constexpr auto tick_interval = 1s;
constexpr auto retake_poll = 50ms;
constexpr unsigned retake_polls_max = 300; // 15 s

pb::volume_line line_of(const volume_facts& f) {
  pb::volume_line line;
  line.set_id(f.row.id());
  line.set_provider(f.row.provider());
  line.set_primary(f.primary);
  line.set_holder(f.row.holder());
  line.set_address(f.row.address());
  line.set_token(f.row.token());
  line.set_lease_ms(f.row.lease_ms());
  line.set_shards(f.shards);
  line.set_open_shards(f.open_shards);
  line.set_total_bytes(f.space.total_bytes);
  line.set_free_bytes(f.space.free_bytes);
  line.set_counted(f.states.has_value());
  if (f.states) {
    line.set_active(f.states->active);
    line.set_read_only(f.states->read_only);
    line.set_deleted(f.states->deleted);
  }
  return line;
}

} // namespace

volume_orders::volume_orders(volume_orders_options o) : options_(std::move(o)), thread_([this] { run(); }) {}

volume_orders::~volume_orders() { stop(); }

void volume_orders::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  std::lock_guard lock{mutex_};
  waiting_.clear();
}

void volume_orders::take(pb::volume_order o, volume_desk::on_report then) {
  if (o.kind() == pb::volume_order::look) return then(look());
  {
    std::lock_guard lock{mutex_};
    if (!stopping_ && waiting_.size() < waiting_max) {
      waiting_.emplace_back(std::move(o), std::move(then));
      changed_.notify_all();
      return;
    }
  }
  then(fail(ec::slow_down, "too many orders about volumes wait: try again"));
}

bool volume_orders::wait(std::chrono::milliseconds t) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, t, [this] { return stopping_; });
}

bool volume_orders::stopping() {
  std::lock_guard lock{mutex_};
  return stopping_;
}

void volume_orders::run() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (waiting_.empty()) {
      changed_.wait_for(lock, tick_interval, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;
    }
    order next;
    if (!waiting_.empty()) {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    lock.unlock();
    if (next.second) next.second(carry_out(next.first));
    options_.manager->snapshots().tick(); // also when orders come without a pause
    next = {};
    lock.lock();
  }
}

result<pb::volume_report> volume_orders::look() {
  pb::volume_report out;
  for (auto& f : options_.seen()) {
    if (auto* v = options_.manager->find_volume(f.row.id())) { // who is the primary may have changed since
      auto row = v->seen();
      row.set_id(v->id());
      f.row = std::move(row);
      f.primary = v->held().has_value();
    }
    *out.add_volumes() = line_of(f);
  }
  return out;
}

result<pb::volume_report> volume_orders::carry_out(const pb::volume_order& o) {
  auto& all = options_.manager->snapshots();
  pb::volume_report out;
  switch (o.kind()) {
  case pb::volume_order::snapshot: {
    auto made = options_.manager->snapshot(o.volume(), o.name());
    if (!made) return std::move(made).error();
    *out.add_snapshots() = std::move(*made);
    return out;
  }
  case pb::volume_order::snapshots: {
    auto there = all.list(o.volume());
    if (!there) return std::move(there).error();
    for (auto& line : *there) *out.add_snapshots() = std::move(line);
    return out;
  }
  case pb::volume_order::remove: TROUPE_TRY(all.remove(o.volume(), o.name())); return out;
  case pb::volume_order::restore: return restore(o);
  case pb::volume_order::grow: return grow(o);
  default: return fail(ec::not_implemented, "this process does not know the order " + std::to_string(o.kind()));
  }
}

result<pb::volume_report> volume_orders::restore(const pb::volume_order& o) {
  auto* v = options_.manager->find_volume(o.volume());
  auto held = v != nullptr ? v->held() : std::nullopt;
  if (!held) return fail(ec::unavailable, "this node is not the primary of volume " + o.volume());
  TROUPE_TRY(options_.manager->snapshots().order_restore(o.volume(), o.name()));
  spdlog::warn("volume {}: it is being restored to the snapshot {}", o.volume(), o.name());
  options_.retake(o.volume());
  for (unsigned poll = 0; poll < retake_polls_max; ++poll) {
    if (auto now = v->held(); now && now->token() > held->token()) {
      spdlog::info("volume {}: it is what the snapshot {} says", o.volume(), o.name());
      return pb::volume_report{};
    }
    if (!wait(retake_poll)) break;
  }
  return fail(ec::timeout,
    "the restore of volume " + o.volume() + " was ordered; it is carried out as soon as a node takes the volume");
}

result<pb::volume_report> volume_orders::grow(const pb::volume_order& o) {
  auto* v = options_.manager->find_volume(o.volume());
  const auto held = v != nullptr ? v->held() : std::nullopt;
  if (!held) return fail(ec::unavailable, "this node is not the primary of volume " + o.volume());
  const auto token = held->token();
  const auto mine = [this, v, token] {
    const auto now = v->held();
    return now && now->token() == token && !stopping();
  };
  auto grown = options_.grow(o.volume(), {.size_gib = o.size_gib(), .iops = o.iops()}, mine);
  if (!grown) return fail(grown.error().code, "volume " + o.volume() + ": " + grown.error().message);
  spdlog::info("volume {}: it has {} GiB ({})", o.volume(), grown->size_gib, grown->state);
  pb::volume_report out;
  out.mutable_grown()->set_size_gib(grown->size_gib);
  out.mutable_grown()->set_state(grown->state);
  return out;
}

} // namespace troupe
