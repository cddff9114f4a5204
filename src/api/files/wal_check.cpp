#include "api/files/wal_check.hpp"

#include "core/tables.hpp"

#include <set>

namespace troupe::files {

namespace {

constexpr int rounds_max = 5;
constexpr std::size_t rows_at_a_time = 500;
constexpr std::uint64_t files_between_reads = 2000; // of what is logged meanwhile, before it is collected

using expectations = std::map<std::string, pb::file_log_entry>;

// How the log and the rows differ about one file; nothing when they do not.
std::optional<difference::kinds> judge(const pb::file_log_entry* expected, const std::optional<std::string>& row) {
  const bool wanted = expected != nullptr && expected->operation() != pb::file_log_entry::remove;
  if (!wanted && !row) return {};
  if (!wanted) return difference::kinds::unknown;
  if (!row) return difference::kinds::missing;
  pb::object_record as_logged, as_is;
  if (as_logged.ParseFromString(expected->data()) && as_is.ParseFromString(*row) && same_version(as_logged, as_is))
    return {};
  return difference::kinds::other;
}

// What entries add up to, segment by segment.
struct tally {
  std::uint64_t entries = 0, bytes = 0;
  std::string checksum;
};

class checker {
public:
  explicit checker(log_access& c) : c_(c) { cursor_.emplace(c); }

  // All entries of the segments given; false when segments were collected meanwhile.
  http::task<bool> read_entries(const wal_segments& all) {
    entries_.emplace(all.first().previous(), all.first().first_id());
    co_await read_on(nullptr);
    const auto now = co_await segments_of(c_);
    if (now.first().id() != all.first().id()) co_return false;
    for (const auto& s : all.closed) {
      const auto& t = tallies_[s.id()];
      if (t.entries != s.entries() || t.bytes != s.bytes() || t.checksum != s.checksum())
        out_.faults.push_back("segment " + std::to_string(s.id()) + " does not hold what it was closed with");
    }
    out_.segments = all.closed.size() + 1;
    co_return true;
  }

  http::task<> read_active(const pb::file_log_segment& active) {
    entries_.emplace(active.previous(), active.first_id());
    cursor_.emplace(c_, active.id(), std::nullopt);
    co_await read_on(nullptr);
    out_.segments = 1;
    for (const auto& [file, last] : entries_->files()) candidates_.insert(file);
    out_.files = candidates_.size();
  }

  // The log's files, recent ones and those of the base, merged with the objects: all three come in order of their ids.
  http::task<> compare_all() {
    row_walk bases{c_, tables::file_log_bases()}, objects{c_, tables::object(bucket_name, {})};
    auto base = co_await bases.next(), object = co_await objects.next();
    const auto recent_files = entries_->files(); // as of now: what comes later is looked at again
    auto recent = recent_files.begin();
    while (base || object || recent != recent_files.end()) {
      const auto* id = base ? &base->first : nullptr;
      if (object && (id == nullptr || object->first < *id)) id = &object->first;
      if (recent != recent_files.end() && (id == nullptr || recent->first < *id)) id = &recent->first;
      const auto file = *id;
      std::optional<pb::file_log_entry> expected;
      std::optional<std::string> row;
      if (base && base->first == file) {
        expected.emplace();
        if (!expected->ParseFromString(base->second)) fault("the base of file " + file + " does not parse");
        if (auto ok = file_log::check(*expected); !ok) fault("in the base: " + ok.error().message);
        ++out_.base_files;
        base_.insert_or_assign(file, *expected);
        base = co_await bases.next();
      }
      if (recent != recent_files.end() && recent->first == file) {
        expected = recent->second;
        ++recent;
      }
      if (object && object->first == file) {
        row = std::move(object->second);
        object = co_await objects.next();
      }
      if (++out_.files % files_between_reads == 0) co_await read_on(nullptr);
      if (judge(expected ? &*expected : nullptr, row))
        note(file);
      else
        base_.erase(file); // only of those that differ it is needed again
    }
  }

  // Segments were collected before their entries were read: nothing that was found counts.
  bool overtaken() const { return overtaken_; }

  // The candidates once more, until nothing was logged about them between two looks at the log.
  http::task<log_check> finish() {
    for (int round = 0; round < rounds_max && !candidates_.empty(); ++round) co_await look_again();
    out_.entries = entries_->entries();
    for (const auto& f : entries_->faults()) fault(f);
    for (const auto& f : cursor_->faults()) fault(f);
    co_return std::move(out_);
  }

private:
  void fault(std::string what) {
    if (out_.faults.size() < file_log::reader::faults_max) out_.faults.push_back(std::move(what));
  }
  void note(const std::string& file) {
    if (candidates_.size() < log_check::differences_max)
      candidates_.insert(file);
    else
      out_.more = true;
  }

  // What has been logged since; `touched` gets the files.
  http::task<> read_on(std::set<std::string>* touched) {
    for (;;) {
      const auto page = co_await cursor_->next();
      if (page.empty()) co_return;
      if (const auto next = entries_->next_id(); page.front().id() > next) {
        const auto now = co_await segments_of(c_);
        overtaken_ = overtaken_ || now.first().first_id() > next;
      }
      for (const auto& e : page) {
        auto& t = tallies_[e.segment_id()];
        ++t.entries;
        t.bytes += e.ByteSizeLong();
        t.checksum = e.checksum();
        entries_->add(e);
        if (touched != nullptr) touched->insert(e.file_id());
      }
    }
  }

  http::task<> look_again() {
    co_await read_on(nullptr);
    std::map<std::string, std::optional<std::string>> rows;
    std::vector<std::string> files{candidates_.begin(), candidates_.end()};
    for (std::size_t from = 0; from < files.size(); from += rows_at_a_time) {
      const auto to = std::min(files.size(), from + rows_at_a_time);
      std::vector<std::string> keys;
      for (auto i = from; i < to; ++i) keys.push_back(tables::object(bucket_name, files[i]));
      auto found = co_await read_rows(c_, std::move(keys));
      for (auto i = from; i < to; ++i) rows[files[i]] = std::move(found[i - from]);
    }
    std::set<std::string> touched;
    co_await read_on(&touched);
    for (auto& [file, row] : rows) {
      if (touched.contains(file)) continue;
      candidates_.erase(file);
      const auto* expected = expected_of(file);
      if (const auto kind = judge(expected, row))
        out_.differences.push_back({.file = file,
          .kind = *kind,
          .expected = expected == nullptr ? std::nullopt : std::optional{*expected},
          .row = std::move(row)});
    }
  }

  const pb::file_log_entry* expected_of(const std::string& file) const {
    if (const auto found = entries_->files().find(file); found != entries_->files().end()) return &found->second;
    const auto found = base_.find(file);
    return found == base_.end() ? nullptr : &found->second;
  }

  log_access& c_;
  std::optional<wal_cursor> cursor_;
  std::optional<file_log::reader> entries_;
  std::map<std::uint64_t, tally> tallies_;
  expectations base_; // of the files that may differ
  std::set<std::string> candidates_;
  bool overtaken_ = false;
  log_check out_;
};

} // namespace

const char* name_of(difference::kinds kind) {
  switch (kind) {
  case difference::kinds::missing: return "missing";
  case difference::kinds::unknown: return "unknown";
  case difference::kinds::other: return "other";
  }
  return "other";
}

http::task<log_check> check_log(log_access& c) {
  constexpr int attempts_max = 5;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    const auto all = co_await segments_of(c);
    checker check{c};
    if (!co_await check.read_entries(all)) continue;
    co_await check.compare_all();
    auto found = co_await check.finish();
    if (!check.overtaken()) co_return found;
  }
  throw http::api_error{ec::unavailable, "segments keep being collected: try again"};
}

http::task<log_check> check_active_segment(log_access& c) {
  const auto all = co_await segments_of(c);
  checker check{c};
  co_await check.read_active(all.active);
  co_return co_await check.finish();
}

} // namespace troupe::files
