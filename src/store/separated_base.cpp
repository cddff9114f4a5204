#include "store/separated_base.hpp"

#include "base/environment.hpp"
#include "store/log_format.hpp"
#include "store/value_compaction.hpp"
#include "store/value_reference.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <vector>

namespace troupe {
namespace {

constexpr std::uint8_t value_record = 1;
constexpr std::size_t copied_bytes = std::size_t{8} << 20; // at a time, into the scratch base

// Whoever has one open may still follow references of the rows as they were.
struct view_token {};

class separated_base final : public state_base, public std::enable_shared_from_this<separated_base> {
public:
  separated_base(std::shared_ptr<state_base> rows, separation_options o)
      : rows_(std::move(rows)), options_(std::move(o)) {}

  result<> open();

  result<std::string> position() const override {
    auto stored = noted();
    if (!stored) return std::move(stored).error();
    return std::move(stored->position);
  }
  result<std::optional<std::string>> get(std::string_view key) const override {
    auto held = look();
    auto stored = rows_->get(key);
    if (!stored || !*stored) return stored;
    auto value = resolve(held, key, std::move(**stored));
    if (!value) return std::move(value).error();
    return std::optional{std::move(*value)};
  }
  result<std::unique_ptr<cursor>> scan() const override;
  result<> write(std::span<const change> all, const write_steps&) override;
  result<std::shared_ptr<state_copy>> copy() const override;
  result<std::shared_ptr<state_arrival>> receive() override { return rows_->receive(); }
  result<> replace(state_arrival&) override;

private:
  friend class separated_cursor;
  // What a reader holds while it reads: its segments stay. The tag is null while there are no references.
  struct view {
    std::shared_ptr<const view_token> token;
    std::shared_ptr<const value_tag> tag;
  };
  struct emptied_segment {
    std::uint64_t number = 0;
    std::weak_ptr<const view_token> last_view;
  };

  view look() const {
    std::lock_guard guard{mutex_};
    return view_;
  }
  result<noted_position> noted() const {
    auto stored = rows_->position();
    if (!stored) return std::move(stored).error();
    return decode_position(*stored);
  }
  // The value that a row stands for.
  result<std::string> resolve(const view&, std::string_view key, std::string stored) const;

  bool separates(std::string_view value) const {
    return value.size() >= options_.value_bytes_min && value.size() <= options_.value_bytes_max;
  }
  void new_tag();
  // The row that stands for it.
  result<std::string> append(std::string_view key, std::string_view value, value_note& counted);
  result<> write_rows(std::span<const change> all, const write_steps&);
  void set_empty_ones_aside();
  result<> release_segments();
  result<> forget_values();

  std::shared_ptr<state_base> rows_;
  separation_options options_;
  std::unique_ptr<log> values_;
  value_note note_;
  value_compaction compaction_;
  std::vector<emptied_segment> emptied_;
  mutable std::mutex mutex_; // of view_
  view view_;
};

class separated_cursor final : public state_base::cursor {
public:
  separated_cursor(std::shared_ptr<const separated_base> base, separated_base::view v, std::unique_ptr<cursor> rows)
      : base_(std::move(base)), view_(std::move(v)), rows_(std::move(rows)) {}
  result<> seek(std::string_view key) override {
    TROUPE_TRY(rows_->seek(key));
    return settle();
  }
  result<> next() override {
    TROUPE_TRY(rows_->next());
    return settle();
  }
  bool valid() const override { return rows_->valid(); }
  std::string_view key() const override { return rows_->key(); }
  std::string_view value() const override { return is_apart_ ? value_ : rows_->value(); }

private:
  result<> settle() {
    is_apart_ = view_.tag && rows_->valid() && decode(*view_.tag, rows_->value());
    if (!is_apart_) return {};
    auto value = base_->resolve(view_, rows_->key(), std::string{rows_->value()});
    if (!value) return std::move(value).error();
    value_ = std::move(*value);
    return {};
  }

  std::shared_ptr<const separated_base> base_;
  separated_base::view view_;
  std::unique_ptr<cursor> rows_;
  bool is_apart_ = false;
  std::string value_;
};

result<> separated_base::open() {
  auto stored = noted();
  if (!stored) return std::move(stored).error();
  log_options o;
  o.directory = options_.directory;
  o.segment_bytes = options_.segment_bytes;
  o.payload_bytes_max = static_cast<std::uint32_t>(options_.value_bytes_max + state_key_bytes_max);
  o.zeros_ahead_bytes = 0;
  o.direct = true;
  o.random = options_.random;
  auto from = stored->note ? stored->note->end : log_position{};
  // What was appended behind it is in no row.
  auto opened = log::open(*options_.files, std::move(o), from, [](const log_entry_view&) { return result<>{}; });
  if (!opened) return std::move(opened).error();
  values_ = std::move(*opened);
  view_.token = std::make_shared<view_token>();
  if (!stored->note) return forget_values();
  note_ = std::move(*stored->note);
  auto there = values_->segments();
  for (auto& live : note_.live)
    if (std::none_of(there.begin(), there.end(), [&](auto& s) { return s.number == live.first; }))
      return fail(ec::corrupt,
        options_.directory + ": segment " + std::to_string(live.first) + " is gone, with " +
          std::to_string(live.second) + " bytes that rows point to");
  view_.tag = std::make_shared<value_tag>(note_.tag);
  return {};
}

result<std::string> separated_base::resolve(const view& v, std::string_view key, std::string stored) const {
  auto reference = v.tag ? decode(*v.tag, stored) : std::nullopt;
  if (!reference) return stored;
  auto found = values_->read(reference->at);
  if (!found) {
    auto why = std::move(found).error();
    if (why.code == ec::not_found) why.code = ec::corrupt; // the row is there: it is not the key that is missing
    return why;
  }
  auto text = found->second.text();
  if (found->first.n1 != key.size() || text.size() != key.size() + reference->value_bytes || !text.starts_with(key))
    return fail(ec::corrupt, options_.directory + ": a row's value is another row's");
  return std::string{text.substr(key.size())};
}

// The token before the rows: what these point to stays as long as it is held.
result<std::unique_ptr<state_base::cursor>> separated_base::scan() const {
  auto v = look();
  auto rows = rows_->scan();
  if (!rows) return std::move(rows).error();
  return std::unique_ptr<cursor>{
    std::make_unique<separated_cursor>(shared_from_this(), std::move(v), std::move(*rows))};
}

void separated_base::new_tag() {
  auto& random = options_.random != nullptr ? *options_.random : system_entropy();
  random.fill(std::as_writable_bytes(std::span{note_.tag}));
  std::lock_guard guard{mutex_};
  view_.tag = std::make_shared<value_tag>(note_.tag);
}

result<std::string> separated_base::append(std::string_view key, std::string_view value, value_note& counted) {
  const std::array<bytes_view, 2> payload{as_bytes(key), as_bytes(value)};
  auto at = values_->append({.type = value_record, .id = {}, .n1 = key.size(), .n2 = 0}, payload);
  if (!at) return std::move(at).error();
  counted.live[at->segment] += log_format::record_bytes(key.size() + value.size());
  return encode(note_.tag, {*at, static_cast<std::uint32_t>(value.size())});
}

result<> separated_base::write(std::span<const change> all, const write_steps& steps) {
  if (auto ok = write_rows(all, steps); !ok) {
    compaction_.undo();
    return ok;
  }
  compaction_.commit();
  set_empty_ones_aside();
  return release_segments();
}

result<> separated_base::write_rows(std::span<const change> all, const write_steps& steps) {
  std::vector<change> rows;
  rows.reserve(all.size());
  std::deque<std::string> stand_ins;
  auto next = note_;
  auto start = values_->end();
  std::uint64_t appended = 0;
  // As they are now: a segment that is closed on the way holds what is written here.
  value_compaction::source from{*options_.files, options_.directory, values_->segments(), note_.live};
  from.waste_max = options_.waste_max;
  for (auto& c : all) {
    rows.push_back(c);
    if (!c.value || c.key.size() > state_key_bytes_max || !separates(*c.value)) continue;
    if (!view_.tag) new_tag();
    next.tag = note_.tag;
    auto row = append(c.key, *c.value, next);
    if (!row) return std::move(row).error();
    appended += c.value->size();
    rows.back().value = stand_ins.emplace_back(std::move(*row));
  }

  // Part of a segment that is mostly waste.
  std::deque<std::string> moved_keys;
  TROUPE_TRY(
    compaction_.step(from, std::max(options_.scan_bytes_min, 2 * appended), [&](const log_entry_view& e) -> result<> {
      auto text = as_text(e.payload);
      if (e.record.type != value_record || e.record.n1 > text.size()) return {};
      auto key = text.substr(0, static_cast<std::size_t>(e.record.n1)), value = text.substr(key.size());
      auto is_before = [](const change& c, std::string_view k) { return c.key < k; };
      auto written = std::lower_bound(all.begin(), all.end(), key, is_before);
      if (written != all.end() && written->key == key) return {};
      auto stored = rows_->get(key);
      if (!stored) return std::move(stored).error();
      if (!*stored || **stored != encode(note_.tag, {e.position, static_cast<std::uint32_t>(value.size())})) return {};
      auto row = append(key, value, next);
      if (!row) return std::move(row).error();
      rows.push_back({moved_keys.emplace_back(key), stand_ins.emplace_back(std::move(*row))});
      return {};
    }));

  if (values_->end() != start) TROUPE_TRY(values_->sync());
  write_steps own;
  own.replaced = [&](std::string_view key, std::string_view before) {
    auto r = view_.tag ? decode(note_.tag, before) : std::nullopt;
    if (auto live = r ? next.live.find(r->at.segment) : next.live.end(); live != next.live.end()) {
      live->second -= std::min(live->second, log_format::record_bytes(key.size() + r->value_bytes));
      if (live->second == 0) next.live.erase(live);
    }
    if (steps.replaced) steps.replaced(key, before);
  };
  own.position = [&] {
    next.end = values_->end();
    return encode(view_.tag ? std::optional{next} : std::nullopt, steps.position());
  };
  TROUPE_TRY(rows_->write(rows, own));
  note_ = std::move(next);
  return {};
}

// Views from now on see the rows as they are now, and these point to nothing there.
void separated_base::set_empty_ones_aside() {
  for (auto& s : values_->segments()) {
    auto is_it = [&](const emptied_segment& e) { return e.number == s.number; };
    if (s.number == values_->end().segment || note_.live.contains(s.number)) continue;
    if (std::any_of(emptied_.begin(), emptied_.end(), is_it)) continue;
    std::lock_guard guard{mutex_};
    emptied_.push_back({s.number, std::exchange(view_.token, std::make_shared<view_token>())});
  }
}

result<> separated_base::release_segments() {
  while (!emptied_.empty() && emptied_.front().last_view.expired()) {
    auto number = emptied_.front().number; // what can not be removed is tried again after the next start
    emptied_.erase(emptied_.begin());
    TROUPE_TRY(values_->remove_segment(number));
  }
  return {};
}

// Rows that point to none have come in place of those that did, or none ever did.
result<> separated_base::forget_values() {
  note_ = {};
  compaction_ = {};
  emptied_.clear();
  {
    std::lock_guard guard{mutex_};
    view_ = {std::make_shared<view_token>(), nullptr};
  }
  for (auto& s : values_->segments())
    if (s.number != values_->end().segment) TROUPE_TRY(values_->remove_segment(s.number));
  return {};
}

// Rows and values together, as a base that separates nothing would send them: every version can take them.
result<std::shared_ptr<state_copy>> separated_base::copy() const {
  if (!look().tag) return rows_->copy();
  if (!options_.scratch) return fail(ec::not_implemented, "copies of a state without room for them");
  auto where = position();
  if (!where) return std::move(where).error();
  auto whole = options_.scratch();
  if (!whole) return std::move(whole).error();
  auto all = scan();
  if (!all) return std::move(all).error();
  auto& c = **all;
  TROUPE_TRY(c.seek(""));
  for (bool more = true; more;) {
    changes some;
    for (std::size_t bytes = 0; c.valid() && bytes < copied_bytes;) {
      bytes += c.key().size() + c.value().size();
      some.emplace_hint(some.end(), c.key(), std::string{c.value()});
      TROUPE_TRY(c.next());
    }
    more = c.valid();
    TROUPE_TRY((*whole)->apply(some, more ? std::string{} : *where));
  }
  return (*whole)->copy();
}

result<> separated_base::replace(state_arrival& arrival) {
  TROUPE_TRY(rows_->replace(arrival));
  return forget_values();
}

} // namespace

result<std::shared_ptr<state_base>> separate_values(std::shared_ptr<state_base> rows, separation_options o) {
  auto made = std::make_shared<separated_base>(std::move(rows), std::move(o));
  TROUPE_TRY(made->open());
  return std::shared_ptr<state_base>{std::move(made)};
}

result<std::shared_ptr<state_base>> open_separated_base(const lmdb_options& options) {
  auto rows = open_lmdb_base(options);
  if (!rows) return std::move(rows).error();
  auto scratch = options.path + "/copying";
  std::error_code ignored; // what a crash left; else the next one fails to open
  std::filesystem::remove_all(scratch, ignored);
  separation_options o;
  o.files = make_posix_disk(options.path);
  o.scratch = [scratch, map = options.map_bytes_max]() -> result<std::shared_ptr<state_base>> {
    auto made = open_lmdb_base({.path = scratch, .map_bytes_max = map});
    if (!made) return std::move(made).error();
    return std::shared_ptr<state_base>{made->release(), [scratch](state_base* b) {
                                         delete b;
                                         std::error_code gone;
                                         std::filesystem::remove_all(scratch, gone);
                                       }};
  };
  return separate_values(std::move(*rows), std::move(o));
}

} // namespace troupe
