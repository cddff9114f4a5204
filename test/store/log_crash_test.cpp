// Power loss at every operation of a workload, with many seeds: what was acknowledged is there in order, nothing is
// invented, and what was not acknowledged is a prefix of what was appended.

#include "log_model.hpp"

#include "store/log.hpp"
#include "store/sim_disk.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <random>

using namespace troupe;
using namespace troupe::test;

namespace {

// What a run believed when the power went off.
struct history {
  std::vector<std::string> appended;        // in order, by whoever got a position for it
  std::size_t acked = 0;                    // so many of them are synced, or truncation was acknowledged
  std::vector<std::string> in_flight;       // the record being appended: may be there, whole, at the end
  std::optional<std::size_t> truncating_to; // the truncation being carried out: done, not done, or in part
  std::size_t forgotten = 0; // so many at the front were removed with their segments, or were about to be
};

void record_appended(history& h, const std::string& text) {
  h.appended.push_back(text);
  h.in_flight.clear();
}

// Removes the first segment, whose file the log may write over: what is in there must never be seen again.
result<> forget_a_segment(troupe::log& writer, const std::vector<log_position>& positions, history& h) {
  auto first = writer.segments().front().number;
  if (first == writer.end().segment) return {};
  while (h.forgotten < positions.size() && positions[h.forgotten].segment <= first) ++h.forgotten;
  return writer.remove_segment(first);
}

// Appends, syncs, rotates and truncates until the disk fails. Payloads are unique.
void run(sim_disk& d, const log_options& options, std::uint64_t seed, history& h) {
  std::mt19937_64 random{seed};
  std::vector<seen_record> seen;
  auto opened = open_log(d, options, {}, &seen);
  if (!opened) return;
  auto& writer = **opened;
  std::vector<log_position> positions;
  for (auto& r : seen) positions.push_back(r.position);
  for (int step = 0; step < 40; ++step) {
    auto dice = random() % 20;
    if (dice < 13) {
      auto text = std::to_string(h.appended.size()) + "/" + std::to_string(seed) + "/" + std::to_string(step) + "/" +
        std::to_string(random());
      text.resize(seed % 2 == 0 ? 40 + random() % 700 : 64, 'x'); // of one size: what was cut off would fit again
      h.in_flight = {text};
      auto at = append(writer, h.appended.size(), text);
      if (!at) return;
      record_appended(h, text);
      positions.push_back(*at);
    } else if (dice < 18) {
      auto count = h.appended.size();
      if (!writer.sync()) return;
      h.acked = count;
    } else if (dice < 19) {
      if (!writer.rotate()) return;
      if (options.spare_segments > 0 && !forget_a_segment(writer, positions, h)) return;
    } else if (!h.appended.empty()) {
      auto keep = h.appended.size() - random() % std::min<std::size_t>(h.appended.size(), 8);
      if (keep == h.appended.size() || keep < h.forgotten) continue;
      h.truncating_to = keep;
      if (!writer.truncate_from(positions[keep])) return;
      h.appended.resize(keep);
      positions.resize(keep);
      h.truncating_to.reset();
      h.acked = keep;
    }
  }
}

// Replays, compares, and makes the history what is on the disk now.
void recover(sim_disk& d, const log_options& options, history& h) {
  std::vector<seen_record> seen;
  auto l = open_log(d, options, {}, &seen);
  REQUIRE(l);
  CHECK((*l)->damage().empty());
  CHECK((*l)->durable() == (*l)->end());
  auto required = h.truncating_to ? std::min(h.acked, *h.truncating_to) : h.acked;
  auto possible = h.appended;
  possible.insert(possible.end(), h.in_flight.begin(), h.in_flight.end());
  std::size_t gone = h.forgotten; // of the front
  if (!seen.empty() && h.forgotten > 0)
    gone = static_cast<std::size_t>(std::find(possible.begin(), possible.end(), seen[0].payload) - possible.begin());
  REQUIRE(gone <= h.forgotten);
  possible.erase(possible.begin(), possible.begin() + static_cast<std::ptrdiff_t>(gone));
  REQUIRE(seen.size() + gone >= required);
  REQUIRE(seen.size() <= possible.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE(seen[i].payload == possible[i]);
    REQUIRE((*l)->read(seen[i].position).value().second.text() == possible[i]);
    if (i > 0) REQUIRE(seen[i - 1].position < seen[i].position);
  }
  possible.resize(seen.size());
  h = {.appended = std::move(possible), .acked = seen.size(), .in_flight = {}, .truncating_to = {}, .forgotten = 0};
}

} // namespace

namespace {

// Every operation of the workload, with many seeds; the power off there, in the recovery, and in the work after it.
void crash_everywhere(const log_options& options) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::uint64_t operations = 0;
    {
      sim_disk d{seed};
      history h;
      run(d, options, seed, h);
      operations = d.operations();
    }
    for (std::uint64_t at = 0; at <= operations; ++at) {
      CAPTURE(seed, at);
      sim_disk d{seed * 1000 + at};
      history h;
      d.power_off_after(at);
      run(d, options, seed, h);
      d.crash();
      // Recovery is interrupted as well, then the work goes on, and again.
      d.power_off_after(at % 5);
      (void)open_log(d, options);
      d.crash();
      recover(d, options, h);
      d.power_off_after(at % 37);
      run(d, options, seed + 7, h);
      d.crash();
      recover(d, options, h);
      ++crashes;
    }
  }
  INFO(crashes << " crash points");
  CHECK(crashes > 3000);
}

} // namespace

TEST_CASE("a crash at any operation loses no acknowledged record and invents none") {
  crash_everywhere(small_segments());
}

TEST_CASE("a crash at any operation brings nothing back of the segments that new ones are written over") {
  auto options = small_segments();
  options.spare_segments = 2;
  crash_everywhere(options);
}

TEST_CASE("what opening finds is on disk afterwards, though a killed process had not synced it") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    sim_disk d{seed};
    auto l = open_log(d, small_segments()).value();
    for (std::uint64_t i = 0; i < 5; ++i) append(*l, i, text_of(i)).value();
    l.reset();
    std::vector<seen_record> seen;
    l = open_log(d, small_segments(), {}, &seen).value();
    CHECK(seen.size() == 5);
    CHECK(l->durable() == l->end());
    l.reset();
    d.crash();
    seen.clear();
    l = open_log(d, small_segments(), {}, &seen).value();
    CHECK(seen.size() == 5);
  }
}

TEST_CASE("replaying from a position after a crash gives the records from there on") {
  auto options = small_segments();
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    sim_disk d{seed};
    std::mt19937_64 random{seed};
    auto l = open_log(d, options).value();
    std::uint64_t count = 20 + random() % 40, from_record = 0;
    log_position from{};
    for (std::uint64_t i = 0; i < count; ++i) {
      if (random() % 9 == 0) {
        REQUIRE(l->sync());
        from = l->end();
        from_record = i;
      }
      append(*l, i, text_of(i)).value();
    }
    auto durable = l->durable();
    l.reset();
    d.crash();
    std::vector<seen_record> seen;
    l = open_log(d, options, from, &seen).value();
    CHECK(l->end() >= durable);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      REQUIRE(seen[i].n1 == from_record + i);
      REQUIRE(seen[i].payload == text_of(from_record + i));
    }
  }
}

TEST_CASE("after a failed sync no later one acknowledges, and opening finds a prefix") {
  auto options = small_segments();
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    sim_disk d{seed};
    auto l = open_log(d, options).value();
    d.add_fault(
      {.on = sim_fault::operation::sync, .path = seed % 2 == 0 ? "wal.active" : "", .after = seed % 7, .times = 1});
    history h;
    for (std::uint64_t i = 0; i < 60; ++i) {
      auto text = text_of(i) + "/" + std::to_string(seed);
      h.in_flight = {text};
      if (!append(*l, i, text)) continue;
      record_appended(h, text);
      if (i % 4 != 0) continue;
      auto synced = l->sync();
      if (synced)
        h.acked = h.appended.size();
      else
        CHECK((h.acked < h.appended.size() && !append(*l, i, text)));
    }
    CHECK(h.appended.size() < 60);
    l.reset();
    d.crash();
    recover(d, options, h);
  }
}

TEST_CASE("removed segments stay removed and the others stay whole, whenever the power goes off") {
  auto options = small_segments();
  for (std::uint64_t at = 0; at < 12; ++at) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      CAPTURE(seed, at);
      sim_disk d{seed};
      auto l = open_log(d, options).value();
      for (std::uint64_t i = 0; i < 100; ++i) append(*l, i, text_of(i)).value();
      REQUIRE(l->sync());
      auto segments = l->segments();
      d.power_off_after(at);
      std::vector<std::uint64_t> removed, kept;
      for (std::size_t i = 0; i + 1 < segments.size(); i += 2) {
        if (l->remove_segment(segments[i].number))
          removed.push_back(segments[i].number);
        else
          kept.push_back(segments[i].number); // either way
      }
      l.reset();
      d.crash();
      std::vector<seen_record> seen;
      l = open_log(d, options, {}, &seen).value();
      for (auto& s : l->segments()) CHECK(std::count(removed.begin(), removed.end(), s.number) == 0);
      std::size_t found = 0;
      for (std::size_t i = 1; i < segments.size(); i += 2)
        for (auto& s : l->segments()) found += s.number == segments[i].number;
      CHECK(found == segments.size() / 2);
      for (auto& r : seen) CHECK(r.payload == text_of(r.n1));
    }
  }
}
