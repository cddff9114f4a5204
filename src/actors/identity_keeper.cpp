#include "actors/identity_keeper.hpp"

#include "actors/census.hpp"
#include "actors/reply.hpp"
#include "base/log_limit.hpp"
#include "core/identity/snapshot.hpp"
#include "core/tables.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

namespace troupe {
namespace {

using rows = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t rows_max = 100'000; // a little over what core/identity/changes.hpp lets be there
constexpr std::size_t waiting_max = 1'000;
constexpr int torn_max = 8; // readings of one look

struct identity_keeper_state {
  identity_keeper_state() = default;
  static inline const char* name = "identity_keeper";
  identity_keeper_options options;
  bool looking = false;
  int torn = 0;                     // readings of this look that a change came into
  std::vector<reply<void>> waiting; // for a look that begins after this one
  std::vector<reply<void>> answered_by_this;
  log_limit lines;
};

using self_pointer = identity_keeper_actor::stateful_pointer<identity_keeper_state>;

void look(self_pointer self);

void ended(self_pointer self, const std::optional<error>& failure) {
  auto& s = self->state;
  s.looking = false;
  if (failure && s.lines.allow(self->clock().now()))
    spdlog::warn("who may do what could not be read, what was known stays: {}", failure->message);
  for (auto& r : std::exchange(s.answered_by_this, {})) {
    if (failure)
      r(*failure);
    else
      r(result<>{});
  }
  if (!s.waiting.empty()) look(self);
}

void take(self_pointer self, const rows& all) {
  auto& s = self->state;
  auto next = identity::snapshot::make(all, s.options.master);
  for (const auto& flaw : next.flaws) spdlog::error("identity: {}", flaw);
  s.options.known->set(std::make_shared<const identity::snapshot>(std::move(next)));
  ended(self, std::nullopt);
}

// One look at the table; what it found is of one version or nothing.
struct reading {
  std::string version; // the row's value, empty when there is none
  rows all;
};

void confirm(self_pointer self, const std::shared_ptr<reading>& r);

void read_pages(self_pointer self, const std::shared_ptr<reading>& r, const std::string& after) {
  auto& o = self->state.options;
  pb::list_request request;
  request.set_prefix(std::string(1, tables::identity));
  request.set_start_after(after);
  request.set_limit(o.rows_per_page);
  self->request(o.metadata, o.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self, r](const wire<pb::list_reply>& page) {
        for (const auto& e : page->entries()) r->all.emplace_back(e.key(), e.value());
        if (r->all.size() > rows_max) return ended(self, fail(ec::too_large, "table identity has too many rows"));
        if (page->truncated()) return read_pages(self, r, page->last());
        confirm(self, r);
      },
      [self](caf::error& e) { ended(self, from_caf(e)); });
}

// Calls `then` with the version row's value.
template <class Then>
void read_version(self_pointer self, Then then) {
  auto& o = self->state.options;
  pb::read_request request;
  request.add_keys(tables::identity_row(identity::version_row, {}));
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [then](
        const wire<pb::read_reply>& found) { then(found->rows_size() == 0 ? std::string{} : found->rows(0).value()); },
      [self](caf::error& e) { ended(self, from_caf(e)); });
}

// Pages are states of different moments: half of a change may be in them.
void confirm(self_pointer self, const std::shared_ptr<reading>& r) {
  read_version(self, [self, r](const std::string& version) {
    if (version == r->version) return take(self, r->all);
    if (++self->state.torn >= torn_max) return ended(self, fail(ec::conflict, "the identities keep changing"));
    auto again = std::make_shared<reading>();
    again->version = version;
    read_pages(self, again, {});
  });
}

void look(self_pointer self) {
  auto& s = self->state;
  s.looking = true;
  s.torn = 0;
  s.answered_by_this = std::exchange(s.waiting, {});
  read_version(self, [self](const std::string& version) {
    const auto known = self->state.options.known->get();
    if (known && known->version_value == version) return ended(self, std::nullopt);
    auto r = std::make_shared<reading>();
    r->version = version;
    read_pages(self, r, {});
  });
}

identity_keeper_actor::behavior_type identity_keeper(self_pointer self, const identity_keeper_options& options) {
  self->state.options = options;
  self->send(self, tick_atom::value);
  return {
    [self](tick_atom) {
      auto& s = self->state;
      if (!s.looking) look(self);
      self->delayed_send(self, s.options.interval, tick_atom::value);
    },
    [self](sync_atom) -> caf::result<void> {
      auto& s = self->state;
      if (s.waiting.size() >= waiting_max) return to_caf(fail(ec::slow_down, "too many wait for the identities"));
      const reply<void> answer{self};
      s.waiting.push_back(answer);
      if (!s.looking) look(self);
      return answer.later();
    },
  };
}

} // namespace

identity_keeper_actor spawn_identity_keeper(caf::actor_system& system, identity_keeper_options options) {
  return spawn_counted(system, identity_keeper, std::move(options));
}

} // namespace troupe
