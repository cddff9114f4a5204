// Log and state together, as every owner uses them: a write is a log record, then a row of the overlay. Power goes off
// anywhere, also between the log's sync and the checkpoint; opening replays the log behind the checkpoint.

#include "log_model.hpp"
#include "support/print_result.hpp"
#include "temporary_directory.hpp"

#include "store/log.hpp"
#include "store/separated_base.hpp"
#include "store/sim_disk.hpp"
#include "store/state.hpp"

#include <catch2/catch.hpp>

#include <charconv>
#include <map>
#include <random>

using namespace troupe;
using namespace troupe::test;

namespace {

using model = std::map<std::string, std::string>;

std::string encode(log_position p) { return std::to_string(p.segment) + "/" + std::to_string(p.offset); }

log_position decode(const std::string& text) {
  log_position p;
  auto slash = text.find('/');
  if (slash == std::string::npos) return p;
  std::from_chars(text.data(), text.data() + slash, p.segment);
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), p.offset);
  return p;
}

// A record's payload: "key=value", or "key" to erase.
template <class Rows>
void perform(Rows&& put, const std::string& change) {
  auto equals = change.find('=');
  put(change.substr(0, equals), equals == std::string::npos ? std::nullopt : std::optional{change.substr(equals + 1)});
}

void perform(state& s, const std::string& change) {
  perform(
    [&](std::string k, std::optional<std::string> v) { v ? s.put(std::move(k), *v) : s.erase(std::move(k)); }, change);
}

void perform(model& m, const std::string& change) {
  perform([&](std::string k, std::optional<std::string> v) { v ? (void)(m[k] = *v) : (void)m.erase(k); }, change);
}

struct incarnation {
  std::unique_ptr<state> rows;
  std::unique_ptr<troupe::log> changes; // ::log is a logarithm
};

result<incarnation> start(disk& d, std::shared_ptr<state_base> base) {
  incarnation i;
  i.rows = std::make_unique<state>(std::move(base));
  auto opened = log::open(d, small_segments(), decode(i.rows->position()), [&](const log_entry_view& e) -> result<> {
    perform(*i.rows, std::string{as_text(e.payload)});
    return {};
  });
  if (!opened) return std::move(opened).error();
  i.changes = std::move(*opened);
  return i;
}

struct history {
  std::vector<std::string> changes; // that were appended, the last one perhaps in part
  std::size_t acked = 0;
};

// Works until the power goes off. Checkpoints begin, run and end at random moments; old segments are removed.
void run(disk& d, const std::shared_ptr<state_base>& base, std::mt19937_64& random, history& h) {
  auto started = start(d, base);
  if (!started) return;
  auto& [rows, changes] = *started;
  std::function<result<>()> work;
  std::optional<result<>> outcome;
  log_position checkpoint = decode(rows->position());
  for (int step = 0; step < 120; ++step) {
    auto dice = random() % 24;
    if (dice < 14) {
      auto change = "key" + std::to_string(random() % 12) + std::string(random() % 2 * 600, 'k');
      if (random() % 3 != 0) change += "=" + std::to_string(step) + std::string(random() % 300, 'v');
      h.changes.push_back(change);
      if (!append(*changes, 0, change)) return;
      perform(*rows, change);
    } else if (dice < 18) {
      if (!changes->sync()) return;
      h.acked = h.changes.size();
    } else if (dice < 20 && !rows->checkpointing()) {
      if (!changes->sync()) return; // the checkpoint may not be ahead of the log
      h.acked = h.changes.size();
      work = rows->begin_checkpoint(encode(changes->durable()));
      checkpoint = changes->durable();
    } else if (dice < 21 && rows->checkpointing() && !outcome) {
      outcome = random() % 4 == 0 ? result<>{fail(ec::no_space, "said the test")} : work();
    } else if (dice < 22 && outcome) {
      rows->end_checkpoint(*outcome);
      outcome.reset();
      for (auto& s : changes->segments())
        if (s.number < decode(rows->position()).segment && !changes->remove_segment(s.number)) return;
    }
  }
}

void recover(disk& d, const std::shared_ptr<state_base>& base, history& h) {
  auto started = start(d, base);
  REQUIRE(started);
  model found;
  auto c = started->rows->scan().value();
  REQUIRE(c->seek(""));
  while (c->valid()) {
    found.emplace(c->key(), c->value());
    REQUIRE(c->next());
  }
  // It is what some prefix of the changes makes, no shorter than what was acknowledged.
  model expected;
  for (std::size_t i = 0; i < h.acked; ++i) perform(expected, h.changes[i]);
  auto n = h.acked;
  while (expected != found && n < h.changes.size()) perform(expected, h.changes[n++]);
  REQUIRE(expected == found);
  for (auto& [key, value] : expected) REQUIRE(started->rows->get(key).value() == value);
  h.changes.resize(n);
  h.acked = n;
}

} // namespace

TEST_CASE("rows that were acknowledged survive a crash at any moment, checkpointed or not") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    sim_disk d{seed};
    auto base = make_memory_base();
    history h;
    for (int life = 0; life < 6; ++life) {
      CAPTURE(life);
      d.power_off_after(random() % 120);
      run(d, base, random, h);
      d.crash();
      recover(d, base, h);
    }
  }
}

TEST_CASE("the same over LMDB") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    sim_disk d{seed};
    temporary_directory directory;
    history h;
    for (int life = 0; life < 5; ++life) {
      d.power_off_after(random() % 120);
      auto open = [&] {
        return std::shared_ptr<state_base>{
          open_lmdb_base({.path = directory.path(), .map_bytes_max = 1 << 28}).value()};
      };
      run(d, open(), random, h);
      d.crash();
      recover(d, open(), h);
    }
  }
}

// With several segments of values, most of them compacted on the way.
TEST_CASE("the same with values in a log of their own") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    auto d = std::make_shared<sim_disk>(seed);
    auto rows = make_memory_base();
    auto open = [&] {
      separation_options o;
      o.files = d;
      o.value_bytes_min = 64;
      o.segment_bytes = 1500;
      o.scan_bytes_min = 400;
      return separate_values(rows, std::move(o));
    };
    history h;
    for (int life = 0; life < 6; ++life) {
      CAPTURE(life);
      d->power_off_after(random() % 150);
      if (auto base = open()) run(*d, *base, random, h);
      d->crash();
      auto base = open();
      REQUIRE(base);
      recover(*d, *base, h);
    }
  }
}
