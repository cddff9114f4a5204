// What METADATA promises across crashes. Batches are sent in one order, so after every crash the rows must be those of a
// prefix of what was sent, and the prefix must reach at least to the last batch that was acknowledged: nothing lost,
// nothing half applied, nothing reordered.
#include "support/metadata_member.hpp"

#include "core/tables.hpp"

namespace troupe {
namespace {

using rows = std::map<std::string, std::string>;

// A batch over few keys, so that batches overwrite, erase, collect and fail each other's preconditions.
pb::batch random_batch(std::mt19937_64& random) {
  auto key = [&] { return "o" + std::to_string(random() % 12); };
  pb::batch b;
  b.set_now_ms(static_cast<std::int64_t>(random() % 1000));
  if (random() % 4 == 0) {
    auto& p = *b.add_preconditions();
    p.set_kind(random() % 2 == 0 ? pb::precondition::exists : pb::precondition::not_exists);
    p.set_key(key());
  }
  for (auto n = 1 + random() % 3; n > 0; --n) {
    auto& o = *b.add_operations();
    o.set_kind(random() % 4 == 0 ? pb::operation::erase : pb::operation::put);
    o.set_key(key());
    o.set_value(std::string(random() % 200, static_cast<char>('a' + random() % 26)));
    o.set_collect(random() % 4 == 0);
  }
  return b;
}

// The rows but those of table garbage, whose keys depend on how batches were grouped into entries; their number counts.
struct observed {
  rows visible;
  std::size_t garbage = 0;
  friend bool operator==(const observed&, const observed&) = default;
};

observed split(const rows& all) {
  observed o;
  for (const auto& [key, value] : all)
    if (key.front() == tables::garbage)
      ++o.garbage;
    else
      o.visible[key] = value;
  return o;
}

class model {
public:
  observed apply(const pb::batch& b) {
    for (const auto& p : b.preconditions())
      if (now_.visible.contains(p.key()) != (p.kind() == pb::precondition::exists)) return now_;
    for (const auto& o : b.operations()) {
      if (o.collect() && now_.visible.contains(o.key())) ++now_.garbage;
      if (o.kind() == pb::operation::put)
        now_.visible[o.key()] = o.value();
      else
        now_.visible.erase(o.key());
    }
    return now_;
  }
  void restart_from(observed o) { now_ = std::move(o); }
  const observed& now() const { return now_; }

private:
  observed now_;
};

struct limits {
  std::uint64_t commands = 7; // small: checkpoints, rotations and removals happen all the time
  std::uint64_t segment_bytes = 2048;
};

// Lives through `lives` crashes, each after a number of disk operations that `pick` draws.
template <class Pick>
void live_and_crash(std::uint64_t seed, int lives, Pick pick) {
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  metadata_member m{seed};
  m.options.checkpoint.commands = limits{}.commands;
  m.options.segment_bytes = limits{}.segment_bytes;
  model expected;
  std::size_t acknowledged = 0;
  for (int life = 0; life < lives; ++life) {
    CAPTURE(life);
    m.files->power_off_after(pick(random));
    std::vector<observed> prefixes{expected.now()}; // after 0, 1, 2 ... of this life's batches
    std::size_t certain = 0;                        // batches that were acknowledged
    if (m.start()) {
      std::vector<answer<wire<pb::batch_result>>> answers;
      std::vector<bool> applied;
      for (int i = 0; i < 60 && !m.files->powered_off(); ++i) {
        for (auto n = 1 + random() % 5; n > 0; --n) {
          auto b = random_batch(random);
          auto before = prefixes.back();
          prefixes.push_back(expected.apply(b));
          answers.push_back(m.commit(std::move(b)));
        }
        if (random() % 2 == 0) m.actors->run(); // else more pile up behind the sync that runs
      }
      m.actors->run();
      bool refused = false;
      for (std::size_t i = 0; i < answers.size(); ++i) {
        REQUIRE(answers[i].ready());
        if (!answers[i].ok())
          refused = true;
        else
          REQUIRE(!refused); // an acknowledgement behind a refusal would not be a prefix
        if (!refused) certain = i + 1;
      }
      acknowledged += certain;
    }
    m.crash();
    REQUIRE(m.start());
    auto found = split(m.all());
    bool is_prefix = false;
    for (auto i = certain; i < prefixes.size() && !is_prefix; ++i) is_prefix = prefixes[i] == found;
    REQUIRE(is_prefix);
    expected.restart_from(found);
    m.stop(); // the next life begins where this one was found
  }
  if (lives > 20) CHECK(acknowledged > 0);
}

} // namespace

TEST_CASE("whenever the power fails, every acknowledged batch is there afterwards and none is half there") {
  auto seed = GENERATE(range(std::uint64_t{1}, std::uint64_t{41}));
  live_and_crash(seed, 25, [](std::mt19937_64& random) { return random() % 120; });
}

TEST_CASE("a crash at each single step of start, commit and checkpoint loses nothing") {
  auto step = GENERATE(range(std::uint64_t{0}, std::uint64_t{160}));
  for (std::uint64_t seed : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}})
    live_and_crash(seed * 1000 + step, 2, [step](std::mt19937_64&) { return step; });
}

TEST_CASE("a sync that fails now and then, with a crash after it, loses nothing that was acknowledged") {
  auto seed = GENERATE(range(std::uint64_t{1}, std::uint64_t{31}));
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  metadata_member m{seed};
  m.options.checkpoint.commands = limits{}.commands;
  m.options.segment_bytes = limits{}.segment_bytes;
  model expected;
  for (int life = 0; life < 8; ++life) {
    CAPTURE(life);
    REQUIRE(m.start());
    m.files->add_fault(
      {.on = sim_fault::operation::sync, .path = "", .after = random() % 40, .times = 1, .code = ec::io_error});
    std::vector<observed> prefixes{expected.now()};
    std::size_t certain = 0;
    bool refused = false;
    for (int i = 0; i < 60; ++i) {
      auto b = random_batch(random);
      prefixes.push_back(expected.apply(b));
      auto a = m.commit(std::move(b));
      m.actors->run();
      REQUIRE(a.ready());
      if (!a.ok())
        refused = true;
      else
        REQUIRE(!refused);
      if (!refused) ++certain;
    }
    m.crash();
    REQUIRE(m.start());
    auto found = split(m.all());
    bool is_prefix = false;
    for (auto i = certain; i < prefixes.size() && !is_prefix; ++i) is_prefix = prefixes[i] == found;
    REQUIRE(is_prefix);
    expected.restart_from(found);
  }
}

} // namespace troupe
