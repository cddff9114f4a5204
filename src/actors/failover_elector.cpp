#include "actors/failover_elector.hpp"

#include "actors/reply.hpp"
#include "core/tables.hpp"
#include "core/volume_tables.hpp"
#include "volumes/volume.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace troupe {
namespace {

using namespace std::chrono_literals;

struct elector_state {
  elector_state() = default; // not an aggregate: CAF rule 1
  static inline const char* name = "failover_elector";
  failover_elector_options options;
  volume_lease lease{{}};
  std::string row_bytes; // as it was read, or written by us: what a compare and set expects
  bool row_there = false;
  std::uint64_t renewals = 0;
  bool sealed = false;          // by our token
  bool busy = false;            // a request of the state machine is under way
  bool leaving = false;         // takes nothing any more
  unsigned failures = 0;        // of sealing, in a row
  monotonic_time not_before{0}; // it is not taken sooner
};

constexpr auto hold_off_max = 60s;

using self_pointer = failover_elector_actor::stateful_pointer<elector_state>;

std::chrono::milliseconds patience(self_pointer self) {
  auto d = self->state.options.lease.duration;
  return d == 0ms ? 5000ms : std::clamp(d / 2, 100ms, 5000ms);
}

const std::string& volume_of(self_pointer self) { return self->state.options.lease.volume; }

void again(self_pointer self) {
  auto& s = self->state;
  s.busy = false;
  self->delayed_send(self, s.lease.tick(), tick_atom::value);
}

// Writers see the lease from now on, if the volume is ours to write already; else whoever seals it.
void tell_volume(self_pointer self) {
  auto& s = self->state;
  if (!s.lease.held()) return;
  if (s.sealed)
    s.options.volume->hold(s.lease.row(), s.lease.until());
  else
    s.options.volume->claim(s.lease.row().token(), s.lease.until());
}

void hold_off(self_pointer self) {
  auto& s = self->state;
  const auto first = std::max<std::chrono::milliseconds>(s.options.lease.duration, 1000ms);
  const auto wait = std::min<std::chrono::milliseconds>(first * (1 << std::min(s.failures, 10u)), hold_off_max);
  ++s.failures;
  s.not_before = s.options.clock->now() + wait;
}

// Of an exclusive volume; `then` in any case.
template <class Then>
void release(self_pointer self, Then then) {
  auto& s = self->state;
  if (!s.options.volume->exclusive()) return then();
  auto run = [v = s.options.volume] { return v->release(); };
  self->request(s.options.worker, caf::infinite, run_atom::value, work{std::move(run)})
    .then([then] { then(); },
      [self, then](const caf::error& e) {
        spdlog::warn("volume {}: it could not be given back: {}", volume_of(self), from_caf(e).message);
        then();
      });
}

void expect_row(self_pointer self, pb::batch& batch) {
  auto& s = self->state;
  auto* p = batch.add_preconditions();
  p->set_kind(s.row_there ? pb::precondition::equals : pb::precondition::not_exists);
  p->set_key(tables::volume(volume_of(self)));
  if (s.row_there) p->set_digest(tables::digest_of(s.row_bytes));
}

void put_row(pb::batch& batch, std::string key, std::string value) {
  auto* op = batch.add_operations();
  op->set_kind(pb::operation::put);
  op->set_key(std::move(key));
  op->set_value(std::move(value));
}

void put_renewal(self_pointer self, pb::batch& batch) {
  pb::volume_renewal r;
  r.set_count(++self->state.renewals);
  put_row(batch, tables::volume_renewal(volume_of(self)), r.SerializeAsString());
}

void seal(self_pointer self) {
  auto& s = self->state;
  s.sealed = false;
  auto token = s.lease.row().token();
  spdlog::info("volume {}: this node is its primary from now on, with token {}", volume_of(self), token);
  auto run = [v = s.options.volume, token] { return v->seal(token); };
  self->request(s.options.worker, caf::infinite, run_atom::value, work{std::move(run)})
    .then(
      [self, token] {
        if (self->state.lease.row().token() != token) return;
        self->state.sealed = true;
        self->state.failures = 0;
        tell_volume(self);
      },
      [self, token](const caf::error& e) {
        spdlog::error("volume {}: it can not be taken over: {}", volume_of(self), from_caf(e).message);
        if (self->state.lease.row().token() != token) return;
        self->state.lease.gave_up(); // it is taken anew, by others if there are, and sealed again
        hold_off(self);
        release(self, [] {});
      });
}

void take(self_pointer self) {
  auto& s = self->state;
  pb::batch batch;
  expect_row(self, batch);
  auto bytes = s.lease.wanted().SerializeAsString();
  put_row(batch, tables::volume(volume_of(self)), bytes);
  put_renewal(self, batch);
  auto sent = s.options.clock->now();
  self->request(s.options.metadata, patience(self), commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, sent, bytes](const wire<pb::batch_result>& r) {
        auto& st = self->state;
        st.lease.taken(r->applied(), sent);
        if (r->applied() && !st.leaving) {
          st.row_bytes = bytes;
          st.row_there = true;
          tell_volume(self);
          seal(self);
        }
        again(self);
      },
      [self, sent](const caf::error&) {
        self->state.lease.taken(false, sent);
        again(self);
      });
}

void renew(self_pointer self) {
  auto& s = self->state;
  pb::batch batch;
  expect_row(self, batch);
  put_renewal(self, batch);
  auto sent = s.options.clock->now();
  self->request(s.options.metadata, patience(self), commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then(
      [self, sent](const wire<pb::batch_result>& r) {
        self->state.lease.renewed(r->applied(), sent);
        tell_volume(self);
        again(self);
      },
      [self](const caf::error&) { again(self); });
}

void look(self_pointer self, const pb::read_reply& reply) {
  auto& s = self->state;
  lease_rows rows;
  s.row_there = false;
  for (const auto& row : reply.rows()) {
    if (row.key() == tables::volume(volume_of(self))) {
      s.row_there = true;
      s.row_bytes = row.value();
      if (!rows.row.emplace().ParseFromString(row.value())) return again(self);
    } else {
      pb::volume_renewal r;
      if (!r.ParseFromString(row.value())) return again(self);
      rows.renewals = s.renewals = r.count();
    }
  }
  if (rows.row) s.options.volume->saw(*rows.row);
  const auto had = s.lease.row().token();
  auto step = s.lease.seen(rows, s.options.clock->now());
  if (had != 0 && !s.lease.held()) {
    spdlog::warn("volume {}: this node is its primary no more (its token was {})", volume_of(self), had);
    s.options.volume->step_down();
    s.sealed = false;
    release(self, [] {});
  }
  switch (step) {
  case volume_lease::step::take: return s.leaving || s.options.clock->now() < s.not_before ? again(self) : take(self);
  case volume_lease::step::renew: return renew(self);
  case volume_lease::step::wait:
  case volume_lease::step::lost: return again(self);
  }
}

void tick(self_pointer self) {
  auto& s = self->state;
  if (s.busy || s.leaving) return;
  s.busy = true;
  pb::read_request request;
  request.add_keys(tables::volume(volume_of(self)));
  request.add_keys(tables::volume_renewal(volume_of(self)));
  self->request(s.options.metadata, patience(self), read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self](const wire<pb::read_reply>& reply) { look(self, *reply); }, [self](const caf::error&) { again(self); });
}

caf::delegated<void> leave(self_pointer self) {
  auto& s = self->state;
  s.leaving = true;
  auto row = s.lease.row();
  s.options.volume->step_down(); // nothing is written any more, then others may know
  s.lease.gave_up();
  const auto end = [self, answer = reply<>{self}] {
    answer({});
    self->quit();
  };
  if (row.token() == 0 || s.options.lease.duration == 0ms) {
    release(self, end);
    return {};
  }
  row.clear_holder();
  row.clear_address();
  release(self, [self, end, row] { // the next one finds it free
    pb::batch batch;
    expect_row(self, batch);
    put_row(batch, tables::volume(volume_of(self)), row.SerializeAsString());
    self->request(self->state.options.metadata, patience(self), commit_atom::value, wire<pb::batch>{std::move(batch)})
      .then([end](const wire<pb::batch_result>&) { end(); }, [end](const caf::error&) { end(); });
  });
  return {};
}

void retake(self_pointer self) {
  auto& s = self->state;
  if (!s.lease.held() || s.leaving) return;
  s.options.volume->step_down();
  s.lease.gave_up();
  s.sealed = false;
}

failover_elector_actor::behavior_type failover_elector(self_pointer self, failover_elector_options options) {
  self->state.lease = volume_lease{options.lease};
  self->state.options = std::move(options);
  self->set_default_handler(caf::drop);
  self->send(self, tick_atom::value);
  return {[self](tick_atom) { tick(self); }, [self](retake_atom) { retake(self); },
    [self](leave_atom) { return leave(self); }};
}

} // namespace

failover_elector_actor spawn_failover_elector(caf::actor_system& system, failover_elector_options options) {
  return system.spawn(failover_elector, std::move(options));
}

} // namespace troupe
