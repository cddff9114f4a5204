// The SHARD's scrub: reads everything it has in rounds, at a bounded rate, and notes how far it is, so that a node which
// restarts often still gets to its end. What is known to be damaged is kept in memory alone: as long as there is some, the
// note says a place before it, so that it is found again after a restart.
#include "actors/shard_state.hpp"
#include "core/byte_rate.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace troupe {
namespace {

constexpr const char* note_path = "scrub";
constexpr std::size_t damaged_max = 100'000;
constexpr std::size_t damaged_looked_up_max = 1000; // more of it: the round begins anew after a restart
constexpr std::chrono::milliseconds note_interval{60'000}, note_pause{1'000};

std::chrono::milliseconds since_begin(const shard_state& s) { // by the wall clock, which may have been set
  std::chrono::milliseconds since{s.options.clock->now() - s.scrub.began_ms};
  return std::clamp(since, std::chrono::milliseconds{0}, s.options.scrub_interval);
}

// Where a round that is to find all known damage again has to begin; nothing: there is none to find.
std::optional<log_position> first_damaged(const shard_state& s) {
  if (s.damaged.size() > damaged_looked_up_max) return log_position{};
  std::optional<log_position> first;
  for (auto& key : s.damaged) {
    auto at = s.store->position_of(key);
    if (!at) return log_position{};
    if (*at && (!first || **at < *first)) first = **at;
  }
  return first;
}

scrub_note note_of(const shard_state& s) {
  scrub_note n{.round = s.scrub.round, .began_ms = s.scrub.began_ms};
  auto first = first_damaged(s);
  if (!first || (!n.round.over && n.round.next < *first)) return n;
  n.round.next = *first;
  n.round.end = std::max(n.round.end, {first->segment, first->offset + 1});
  n.round.over = false;
  return n;
}

} // namespace

void note_damage(shard_pointer self, const piece_key& key, const error& what, const char* found_by) {
  auto& s = self->state;
  ++s.damaged_reads;
  if (s.damaged.size() < damaged_max) s.damaged.insert(key);
  if (s.damage_lines.allow(self->clock().now()))
    spdlog::error("shard of {}: {} failed: {}", s.options.node, found_by, what.message);
}

std::chrono::nanoseconds resume_scrub(shard_pointer self) {
  auto& s = self->state;
  auto& o = s.options;
  auto delay = std::min(o.scrub_delay, o.scrub_interval);
  auto text = read_file(*o.volume, note_path, scrub_note::bytes_max);
  if (!text && text.error().code == ec::not_found) return delay;
  auto note = text ? parse_scrub_note(*text) : std::nullopt;
  if (!note) {
    spdlog::warn(
      "shard of {}: {}: the scrub begins anew", o.node, text ? "its note does not parse" : text.error().message);
    return delay;
  }
  s.scrub.begun = true;
  s.scrub.round = s.store->resume_scrub(note->round);
  s.scrub.began_ms = note->began_ms;
  s.scrub.read_since = self->clock().now();
  s.scrub.read_from = s.scrub.round.bytes_done;
  s.scrub.noted = std::move(*text);
  s.scrub.noted_over = s.scrub.round.over;
  return s.scrub.round.over ? std::max(delay, o.scrub_interval - since_begin(s)) : delay;
}

std::chrono::nanoseconds scrub(shard_pointer self) {
  auto& s = self->state;
  auto& o = s.options;
  auto& round = s.scrub.round;
  auto now = self->clock().now();
  if (round.over) {
    round = s.store->begin_scrub();
    s.scrub.begun = true;
    s.scrub.began_ms = o.clock->now();
    s.scrub.read_since = now;
    s.scrub.read_from = 0;
  }
  auto before = round.bytes_done;
  auto damaged = s.store->scrub(round, o.scrub_step_bytes);
  if (!damaged) { // the index itself: another time
    if (s.damage_lines.allow(now)) spdlog::error("shard of {}: scrub: {}", o.node, damaged.error().message);
    round.over = true;
    return o.scrub_interval;
  }
  for (auto& d : *damaged) {
    ++s.scrub.damaged;
    note_damage(self, d.key, d.what, "scrub");
  }
  auto pause = byte_rate{o.scrub_bytes_per_second}.time_of(std::max(round.bytes_done - before, std::uint64_t{4096}));
  if (!round.over) return pause;
  ++s.scrub.rounds;
  return std::max<std::chrono::nanoseconds>(o.scrub_interval - since_begin(s), pause);
}

std::int64_t scrub_seconds_left(const shard_state& s, std::chrono::steady_clock::time_point now) {
  auto& round = s.scrub.round;
  auto took = std::chrono::duration<double>(now - s.scrub.read_since).count();
  auto left = static_cast<double>(round.bytes_total - round.bytes_done);
  auto read = static_cast<double>(round.bytes_done - std::min(s.scrub.read_from, round.bytes_done));
  auto rate = read > 0 ? read / std::max(took, 1.0) : static_cast<double>(s.options.scrub_bytes_per_second);
  return static_cast<std::int64_t>(left / std::max(rate, 1.0));
}

void keep_scrub_note(shard_pointer self) {
  auto& s = self->state;
  auto& k = s.scrub;
  auto now = self->clock().now();
  if (!k.begun || k.noting) return;
  bool changed = k.noted_damaged != s.damaged.size() || k.noted_over != k.round.over;
  auto pause = changed ? note_pause : std::clamp(s.options.scrub_interval / 100, note_pause, note_interval);
  if (now - k.noted_at < pause) return;
  auto text = encode(note_of(s));
  k.noted_at = now;
  k.noted_damaged = s.damaged.size();
  k.noted_over = k.round.over;
  if (text == k.noted) return;
  k.noting = true;
  work write{[volume = s.options.volume, text] { return replace_file(*volume, note_path, as_bytes(text)); }};
  self->request(s.options.worker, caf::infinite, run_atom::value, std::move(write))
    .then(
      [self, text] {
        self->state.scrub.noting = false;
        self->state.scrub.noted = text;
      },
      [self](const caf::error& e) { // a restart begins where the last one says; the disk's state is told by others
        auto& st = self->state;
        st.scrub.noting = false;
        if (st.damage_lines.allow(self->clock().now()))
          spdlog::warn("shard of {}: could not note how far the scrub is: {}", st.options.node, from_caf(e).message);
      });
}

} // namespace troupe
