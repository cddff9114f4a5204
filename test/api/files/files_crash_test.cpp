// The power goes off after every single operation on the disk, in turn, while files are uploaded, replaced, deleted, while
// segments are rotated and collected, and while the store starts again: what was acknowledged is there, what was not is whole or
// absent, and the log says the same as the files. And each fsync is needed: leaving one out is seen.
#include "machine.hpp"

#include "store/sim_platter.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <map>
#include <set>

using namespace troupe;
using namespace troupe::test;
namespace json = boost::json;

namespace {

constexpr int no_such_file = 404;

std::string content_of(int n, std::size_t bytes) {
  std::mt19937_64 random{static_cast<std::uint64_t>(n)};
  std::string out(bytes, '\0');
  for (auto& c : out) c = static_cast<char>(random());
  return out;
}

// What a client did, and so what it may find.
class client {
public:
  explicit client(machine& m) : m_(m) {}

  // False: it was not acknowledged; nothing more is asked then.
  bool upload(const std::string& content) {
    const auto got = m_.ask("POST", "/files?compression=none", content);
    if (got.status != 201) {
      nameless_ = content;
      return false;
    }
    last = std::string{json::parse(got.body).at("id").as_string()};
    possible_[last] = {content};
    ++entries_;
    return answered();
  }
  bool update(const std::string& id, const std::string& content) {
    return change(id, content, m_.ask("PUT", "/files/" + id + "?compression=none", content).status == 200);
  }
  bool remove(const std::string& id) { return change(id, {}, m_.ask("DELETE", "/files/" + id).status == 204); }
  bool rotate() {
    const auto got = m_.ask("POST", "/admin/wal/rotate");
    if (got.status != 200) return false;
    segment_ = json::parse(got.body).at("active").at("segment_id").to_number<std::uint64_t>();
    return answered();
  }
  // The file's record is lost, and put back from the log.
  bool lose_and_restore(const std::string& id) {
    lost_ = id;
    possible_[id].insert(std::nullopt);
    if (!m_.remove_behind_the_log(id)) return false;
    const auto got = m_.ask("POST", "/admin/wal/replay?repair=restore");
    if (got.status != 200 || got.body.find("\"restored\"") == std::string::npos) return false;
    possible_[id].erase(std::nullopt);
    lost_.clear();
    ++entries_;
    return answered();
  }

  // Everything that is not as it must be. The machine has just started.
  std::vector<std::string> problems() {
    std::vector<std::string> found;
    const auto complain = [&](const std::string& what) { found.push_back(what); };
    const auto verified = m_.ask("POST", "/admin/wal/verify");
    if (verified.status != 200) return {"verify answers " + std::to_string(verified.status) + ": " + verified.body};
    const auto what = json::parse(verified.body);
    const auto& differences = what.at("differences").as_array();
    const bool is_lost = differences.size() == 1 && !lost_.empty() && differences[0].at("file_id").as_string() == lost_;
    if (!what.at("valid").as_bool() && !(is_lost && what.at("faults").as_array().empty()))
      complain("the log and the files differ: " + verified.body);
    if (!is_lost)
      if (const auto ready = m_.ask("GET", "/ready"); ready.status != 200) complain("not ready: " + ready.body);

    const auto log = json::parse(m_.ask("GET", "/admin/wal").body).at("active");
    const auto operations =
      log.at("first_id").to_number<std::uint64_t>() + log.at("entries").to_number<std::uint64_t>() - 1;
    if (operations != entries_ && operations != entries_ + 1) // the last one may have happened
      complain(
        std::to_string(operations) + " operations are logged; " + std::to_string(entries_) + " were acknowledged");
    if (log.at("segment_id").to_number<std::uint64_t>() < segment_) complain("a segment is open again");
    std::size_t unknown = 0;
    const auto listed = json::parse(m_.ask("GET", "/files?limit=1000").body);
    for (const auto& file : listed.at("files").as_array()) {
      const std::string id{file.at("id").as_string()};
      if (possible_.contains(id)) continue;
      ++unknown;
      if (!nameless_ || m_.ask("GET", "/files/" + id).body != *nameless_) complain("there is a file that nobody sent");
    }
    if (unknown > 1 || (unknown == 1 && operations != entries_ + 1)) complain("more files than the log has uploads");
    for (const auto& [id, contents] : possible_) {
      const auto got = m_.ask("GET", "/files/" + id);
      const auto is = got.status == no_such_file ? std::nullopt : std::optional{got.body};
      if ((got.status != 200 && got.status != no_such_file) || !contents.contains(is))
        complain("file " + id + " is not what was acknowledged: " + std::to_string(got.status));
    }
    // It goes on from here.
    const auto more = content_of(99, 20'000);
    const auto made = m_.ask("POST", "/files?compression=none", more);
    if (made.status != 201)
      complain("no upload is possible: " + made.body);
    else if (m_.ask("GET", "/files/" + std::string{json::parse(made.body).at("id").as_string()}).body != more)
      complain("an upload after the restart can not be read");
    return found;
  }

  std::string last;                    // the file that was uploaded last
  std::vector<std::size_t> answers_at; // how many syncs there were before each answer

private:
  bool change(const std::string& id, std::optional<std::string> to, bool acknowledged) {
    if (acknowledged) {
      possible_[id] = {std::move(to)};
      ++entries_;
      return answered();
    }
    possible_[id].insert(std::move(to));
    return false;
  }
  bool answered() {
    answers_at.push_back(m_.syncs->all.size());
    return true;
  }

  machine& m_;
  std::map<std::string, std::set<std::optional<std::string>>> possible_; // nothing: it is not there
  std::optional<std::string> nameless_;                                  // sent, and not answered
  std::string lost_;
  std::uint64_t entries_ = 0, segment_ = 0;
};

bool work(client& c) {
  if (!c.upload(content_of(1, 70'000))) return false; // pieces on nodes
  const auto large = c.last;
  if (!c.upload(content_of(2, 3'000))) return false; // a row
  const auto small = c.last;
  if (!c.update(large, content_of(3, 30'000))) return false;
  if (!c.update(small, content_of(4, 50'000))) return false;
  if (!c.rotate()) return false;
  if (!c.remove(large)) return false;
  for (int i = 5; i < 12; ++i) // segments fill up, are closed and collected
    if (!c.update(small, content_of(i, 2'000))) return false;
  if (!c.upload(content_of(12, 60'000))) return false;
  if (!c.rotate()) return false;
  return c.remove(small) && c.lose_and_restore(c.last);
}

struct one_life {
  std::uint64_t seed = 1;
  std::size_t nodes = 1;
  std::uint64_t operations = ~std::uint64_t{0};  // before the power goes off
  std::uint64_t in_recovery = ~std::uint64_t{0}; // and once more, after so many of the next start; never
  std::uint64_t sync_left_out = ~std::uint64_t{0};
};
struct ended {
  std::vector<std::string> problems;
  std::uint64_t started = 0, operations = 0; // after the first start; after all
  std::uint64_t recovery = 0;                // operations of the start after the crash
  bool done = false;                         // the power lasted
  std::vector<sync_log::entry> syncs;        // until the crash
  std::vector<std::size_t> answers_at;
};

ended live(const one_life& life) {
  machine m{life.seed, life.nodes};
  m.syncs->left_out = life.sync_left_out;
  client c{m};
  ended out;
  if (life.operations != ~std::uint64_t{0}) m.files->power_off_after(life.operations);
  if (m.start()) {
    out.started = m.files->operations();
    out.done = work(c);
  }
  out.operations = m.files->operations();
  out.syncs = m.syncs->all;
  out.answers_at = c.answers_at;
  m.syncs->left_out = ~std::uint64_t{0};
  m.crash();
  const auto before = m.files->operations();
  if (life.in_recovery != ~std::uint64_t{0}) {
    m.files->power_off_after(life.in_recovery);
    if (m.start()) (void)m.ask("GET", "/ready");
    m.crash();
  }
  if (auto ok = m.start(); !ok)
    out.problems.push_back("it does not start: " + ok.error().message);
  else {
    out.recovery = m.files->operations() - before;
    out.problems = c.problems();
  }
  return out;
}

} // namespace

TEST_CASE(
  "whenever the power goes off, acknowledged files are there, others whole or absent, and the log agrees", "[crash]") {
  const auto nodes = GENERATE(std::size_t{1}, std::size_t{5});
  const auto seed = GENERATE(range(std::uint64_t{1}, std::uint64_t{4}));
  const auto good = live({.seed = seed, .nodes = nodes});
  REQUIRE(good.done);
  CHECK(good.problems == std::vector<std::string>{});
  REQUIRE(good.operations > 60);
  for (std::uint64_t k = 0; k < good.operations; ++k) {
    CAPTURE(nodes, seed, k);
    const auto cut = live({.seed = seed, .nodes = nodes, .operations = k});
    CHECK_FALSE(cut.done);
    CHECK(cut.problems == std::vector<std::string>{});
  }
}

TEST_CASE("the power may go off again in the start that follows, after each of its operations", "[crash]") {
  const auto good = live({.seed = 7});
  REQUIRE(good.done);
  std::uint64_t cuts = 0;
  for (std::uint64_t k = good.started; k < good.operations; k += 3) {
    const auto once = live({.seed = 7, .operations = k});
    for (std::uint64_t j = 0; j < once.recovery; ++j, ++cuts) {
      CAPTURE(k, j);
      CHECK(live({.seed = 7, .operations = k, .in_recovery = j}).problems == std::vector<std::string>{});
    }
  }
  CHECK(cuts > 50);
}

namespace {

// Whether leaving this sync out is ever seen: the power goes off within the operations that follow it. What is lost then differs
// by seed.
bool is_needed(const ended& good, std::uint64_t sync) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    for (std::uint64_t k = 0; k < 6; ++k) {
      const auto operation = good.syncs[sync].operation + k;
      if (!live({.seed = seed, .operations = operation, .sync_left_out = sync}).problems.empty()) return true;
    }
  return false;
}

} // namespace

// The mutation of the tests above. Of the syncs before an answer, the last one of each log is what the answer rests on. The others
// may be covered by one that follows (a segment that is closed, the directory that it leaves), or be of something that may
// come back (a segment that was removed): most of them are needed all the same.
TEST_CASE(
  "every fsync that an answer rests on is needed: with one left out, something acknowledged is lost", "[crash]") {
  const auto good = live({.seed = 1});
  REQUIRE(good.done);
  std::set<std::uint64_t> last;
  std::uint64_t from = 0;
  while (from < good.syncs.size() && good.syncs[from].operation < good.started)
    ++from; // the first start has nothing to lose
  const auto first = from;
  for (const auto end : good.answers_at) {
    std::map<std::string, std::uint64_t> of_log;
    for (; from < end; ++from)
      if (good.syncs[from].path.ends_with("/wal.active")) of_log[good.syncs[from].path] = from;
    for (const auto& [path, sync] : of_log) last.insert(sync);
  }
  REQUIRE(last.size() >= good.answers_at.size());
  std::size_t needed = 0;
  for (auto sync = first; sync < good.syncs.size(); ++sync) {
    CAPTURE(sync, good.syncs[sync].path);
    const bool is = is_needed(good, sync);
    if (last.contains(sync)) CHECK(is);
    needed += is;
  }
  CHECK(needed > last.size()); // those of directories, and of what is renamed
}

TEST_CASE("a store whose last files are not what the log says is not ready until they are put right") {
  machine m{3, 1};
  REQUIRE(m.start());
  client c{m};
  REQUIRE(c.upload(content_of(1, 40'000)));
  REQUIRE(m.ask("GET", "/ready").status == 200);
  REQUIRE(m.remove_behind_the_log(c.last));
  CHECK(m.ask("GET", "/ready").status == 200); // what it had read was good
  m.crash();
  REQUIRE(m.start());
  const auto ready = m.ask("GET", "/ready");
  CHECK(ready.status == 503);
  CHECK(ready.body.find(c.last) != std::string::npos);
  CHECK(m.ask("POST", "/admin/wal/replay?repair=restore").body.find("\"restored\"") != std::string::npos);
  CHECK(m.ask("GET", "/ready").status == 200);
}
