// METADATA fetches the leader's state when the leader has forgotten the entries that this member lacks: page by page,
// verified as a whole, put in place between two messages. While it is fetched the old state stays as it is. Any failure
// before the last step only means that the leader will offer it again.

#include "actors/metadata_state.hpp"

#include <caf/send.hpp>

#include <spdlog/spdlog.h>

namespace troupe {
namespace {

constexpr std::uint64_t copy_bytes_max = std::uint64_t{1} << 40;

// `done` of the hook may be called anywhere: it sends a message to this actor.
void ask(metadata_pointer self, pb::state_copy_request::kinds kind) {
  auto& f = *self->state.fetch;
  pb::state_copy_request request;
  request.set_kind(kind);
  request.set_copy(f.copy);
  request.set_offset(f.received);
  f.until = self->clock().now() + self->state.options.copy_idle;
  auto done = [to = caf::actor_cast<caf::actor_addr>(self->ctrl()), attempt = f.attempt](
                result<pb::state_copy_page> page) {
    if (auto here = caf::actor_cast<caf::actor>(to))
      caf::anon_send(here, fetched{attempt, std::make_shared<const result<pb::state_copy_page>>(std::move(page))});
  };
  self->state.options.fetch(f.member, f.address, std::move(request), std::move(done));
}

void give_up(metadata_pointer self, const error& why) {
  spdlog::warn("metadata: the copy of member {}'s state failed: {}", self->state.fetch->member, why.message);
  self->state.fetch.reset();
  self->state.host->abandon_install();
}

// No other work is on the state: a checkpoint does not begin during a fetch, and reads run in this actor.
void put_in_place(metadata_pointer self) {
  auto& s = self->state;
  auto f = std::move(*s.fetch);
  s.fetch.reset();
  if (auto ready = s.host->prepare_install(f.manifest); !ready) {
    spdlog::warn("metadata: the copy of member {}'s state is of no use: {}", f.member, ready.error().message);
    return s.host->abandon_install();
  }
  if (auto replaced = s.replica->replace(*f.arrival); !replaced) return s.host->fail_install(replaced.error());
  if (auto installed = s.host->install(f.manifest); installed)
    spdlog::info("metadata: took over member {}'s state of entry {}", f.member, f.manifest.index());
}

result<> begin(metadata_state::state_fetch& f, const pb::state_copy_page& page, state_base& base) {
  if (page.copy() == 0 || page.bytes() == 0 || page.bytes() > copy_bytes_max)
    return fail(ec::corrupt, "a copy of " + std::to_string(page.bytes()) + " bytes");
  f.copy = page.copy();
  f.bytes = page.bytes();
  f.crc32c = page.crc32c();
  f.manifest = page.manifest();
  auto arrival = base.receive();
  if (!arrival) return std::move(arrival).error();
  f.arrival = std::move(*arrival);
  return {};
}

result<> add(metadata_state::state_fetch& f, const pb::state_copy_page& page) {
  if (page.copy() != f.copy || page.offset() != f.received || page.data().empty() ||
    page.data().size() > f.bytes - f.received)
    return fail(ec::corrupt, "a page of another copy or place");
  TROUPE_TRY(f.arrival->append(as_bytes(page.data())));
  f.received += page.data().size();
  return {};
}

void verify(metadata_pointer self) {
  auto& s = self->state;
  ask(self, pb::state_copy_request::end); // nobody minds whether that arrives
  s.fetch->verifying = true;
  auto job = [arrival = s.fetch->arrival, bytes = s.fetch->bytes, crc = s.fetch->crc32c] {
    return arrival->finish(bytes, crc);
  };
  auto ended = [self, attempt = s.fetch->attempt](const result<>& outcome) {
    if (!self->state.fetch || self->state.fetch->attempt != attempt) return;
    if (outcome)
      put_in_place(self);
    else
      give_up(self, outcome.error());
    carry_out(self);
  };
  self->request(s.options.worker, caf::infinite, run_atom::value, work{std::move(job)})
    .then([ended] { ended({}); }, [ended](const caf::error& e) { ended(from_caf(e)); });
}

} // namespace

void start_fetch(metadata_pointer self, std::uint64_t member, const std::string& address) {
  auto& s = self->state;
  if (!s.options.fetch) return s.host->abandon_install();
  s.fetch.emplace();
  s.fetch->attempt = ++s.fetches;
  s.fetch->member = member;
  s.fetch->address = address;
  ask(self, pb::state_copy_request::begin);
}

void on_fetched(metadata_pointer self, const fetched& arrived) {
  auto& s = self->state;
  if (!s.fetch || s.fetch->attempt != arrived.attempt || s.fetch->verifying || refuses(s)) return;
  auto& page = *arrived.page;
  if (!page) return give_up(self, page.error());
  auto taken = s.fetch->arrival ? add(*s.fetch, *page) : begin(*s.fetch, *page, *s.options.base);
  if (!taken) return give_up(self, taken.error());
  if (s.fetch->received == s.fetch->bytes)
    verify(self);
  else
    ask(self, pb::state_copy_request::page);
}

void expire_fetch(metadata_pointer self, metadata_state::time_point now) {
  auto& f = self->state.fetch;
  if (f && !f->verifying && f->until <= now) give_up(self, fail(ec::timeout, "no page in time"));
}

} // namespace troupe
