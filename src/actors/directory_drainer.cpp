#include "actors/directory_drainer.hpp"

#include "core/tables.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <span>
#include <utility>

namespace troupe {
namespace {

using self_pointer = directory_drainer_actor::stateful_pointer<directory_drainer_state>;

void later(self_pointer self, std::chrono::milliseconds delay) { self->delayed_send(self, delay, tick_atom::value); }

void next_step(self_pointer self) { later(self, self->state.options.pause); }

// Nothing to do, or nothing that can be done now: looks again after a while, from the layout on.
void rest(self_pointer self) {
  self->state.layout.reset();
  self->state.page.clear();
  self->state.one_by_one.clear();
  self->state.moved_before.reset();
  later(self, self->state.options.idle_interval);
}

void complain(self_pointer self, const std::string& what) {
  if (self->state.lines.allow(self->clock().now())) spdlog::warn("directory drainer: {}", what);
}

auto resting(self_pointer self, const char* doing) {
  return [self, doing](caf::error& e) {
    complain(self, std::string{"could not "} + doing + ": " + from_caf(e).message);
    rest(self);
  };
}

template <class Then>
void commit(self_pointer self, pb::batch batch, Then then) {
  auto& o = self->state.options;
  batch.set_now_ms(o.clock->now());
  self->request(o.metadata, o.request_timeout, commit_atom::value, wire<pb::batch>{std::move(batch)})
    .then([then](const wire<pb::batch_result>& r) { then(r->applied()); }, resting(self, "move keys"));
}

void move_one(self_pointer self) {
  auto& s = self->state;
  if (s.one_by_one.empty()) return next_step(self);
  auto row = std::move(s.one_by_one.front());
  s.one_by_one.pop_front();
  auto batch = drain_batch(*s.layout, std::span{&row, 1});
  if (!batch) { // another one moved it between two looks, or it is damaged: the next walk tells
    s.reason = batch.error().message;
    return move_one(self);
  }
  commit(self, std::move(*batch), [self](bool applied) {
    self->state.moved += applied ? 1 : 0; // not: a client or another drainer was first
    move_one(self);
  });
}

void move_page(self_pointer self) {
  auto& s = self->state;
  auto split = [self] {
    auto& rows = self->state.page;
    self->state.one_by_one.assign(std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
    move_one(self);
  };
  auto batch = drain_batch(*s.layout, s.page);
  if (!batch) return split();
  commit(self, std::move(*batch), [self, split](bool applied) {
    if (!applied) return split();
    self->state.moved += self->state.page.size();
    next_step(self);
  });
}

void read_content(self_pointer self) {
  auto& s = self->state;
  pb::read_request request;
  for (const auto& row : s.page)
    if (row.inlined) request.add_keys(row.inline_row_key);
  if (request.keys_size() == 0) return move_page(self);
  auto& o = s.options;
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then(
      [self](const wire<pb::read_reply>& reply) {
        int next = 0; // in the order asked, those that are there
        for (auto& row : self->state.page)
          if (row.inlined && next < reply->rows_size() && reply->rows(next).key() == row.inline_row_key)
            row.content = reply->rows(next++).value();
        move_page(self);
      },
      resting(self, "read content"));
}

void settle(self_pointer self) {
  auto& layout = *self->state.layout;
  commit(self, settle_batch(layout), [self, epoch = layout.epoch(), buckets = layout.buckets()](bool applied) {
    if (applied) spdlog::info("directory: every key is in its new home, in {} disk buckets (epoch {})", buckets, epoch);
    self->state.layout.reset();
    if (applied) return rest(self);
    next_step(self); // another drainer did, or a key came to light
  });
}

// At the start of the epoch once more, with keys in it. False when the last walk moved none.
bool goes_on(self_pointer self) {
  constexpr unsigned fruitless_max = 5;
  auto& s = self->state;
  const bool moved_some = s.moved_before != s.moved;
  if (!moved_some)
    ++s.fruitless;
  else if (s.moved_before) // else it rested just now, which says nothing
    s.fruitless = 0;
  s.moved_before = s.moved;
  if (s.fruitless >= fruitless_max) complain(self, "keys can not be moved to their new bucket: " + s.reason);
  return moved_some;
}

void list(self_pointer self) {
  auto& s = self->state;
  auto& o = s.options;
  pb::list_request request;
  request.set_prefix(drain_prefix(*s.layout));
  request.set_start_after(s.cursor);
  request.set_limit(o.keys_per_step);
  self->request(o.metadata, o.request_timeout, list_atom::value, wire<pb::list_request>{std::move(request)})
    .then(
      [self](const wire<pb::list_reply>& reply) {
        auto& st = self->state;
        st.page.clear();
        for (const auto& e : reply->entries()) {
          auto row = read_draining_row(e.key(), e.value());
          if (row)
            st.page.push_back(std::move(*row));
          else
            complain(self, row.error().message);
        }
        const bool from_start = st.cursor.empty();
        st.cursor = reply->truncated() ? reply->last() : std::string{};
        if (!st.page.empty() && from_start && !goes_on(self)) return rest(self);
        if (!st.page.empty()) return read_content(self);
        if (!from_start) return next_step(self); // once more, from the start
        if (reply->entries_size() != 0) return rest(self);
        settle(self);
      },
      resting(self, "list keys"));
}

// Drainers of several processes begin apart, so that they seldom want the same keys.
std::string somewhere(const directory_layout& layout, entropy& random) {
  std::uint32_t n = 0;
  random.fill(std::as_writable_bytes(std::span{&n, 1}));
  return tables::object(
    directory_bucket, bucket_prefix({.epoch = layout.previous_epoch(), .id = n % layout.previous_buckets()}));
}

void begin(self_pointer self, const pb::read_reply& reply) {
  auto& s = self->state;
  if (reply.rows_size() == 0) return rest(self);
  auto layout = directory_layout::parse(reply.rows(0).value());
  if (!layout) {
    complain(self, layout.error().message);
    return rest(self);
  }
  if (!layout->moving()) return rest(self);
  s.cursor = somewhere(*layout, *s.options.random);
  s.layout = *layout;
  list(self);
}

void step(self_pointer self) {
  auto& s = self->state;
  if (s.layout) return list(self);
  auto& o = s.options;
  pb::read_request request;
  request.add_keys(directory_layout::row_key());
  self->request(o.metadata, o.request_timeout, read_atom::value, wire<pb::read_request>{std::move(request)})
    .then([self](const wire<pb::read_reply>& reply) { begin(self, *reply); },
      [self](caf::error&) { rest(self); }); // no leader yet, or lately: nothing to say
}

} // namespace

directory_drainer_actor::behavior_type directory_drainer(self_pointer self, directory_drainer_options options) {
  self->state.options = std::move(options);
  self->send(self, tick_atom::value);
  return {
    [self](tick_atom) { step(self); },
    [self](status_atom) { return self->state.moved; },
  };
}

} // namespace troupe
