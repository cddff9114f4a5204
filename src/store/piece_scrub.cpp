// piece_scrub: the part of piece_store that looks at everything: which ids there are, and whether what lies in the log can
// still be read.
#include "store/log_format.hpp"
#include "store/piece_store.hpp"

#include <algorithm>

namespace troupe {

using namespace piece_index;

namespace {

// The first row behind every piece of the id; nothing behind the last id that there can be.
std::optional<std::string> behind(const data_id& id) {
  auto row = pieces_of(id);
  while (!row.empty() && row.back() == '\xff') row.pop_back();
  if (row.size() <= 1) return std::nullopt;
  row.back() = static_cast<char>(static_cast<unsigned char>(row.back()) + 1);
  return row;
}

} // namespace

result<std::vector<data_id>> piece_store::ids(const std::optional<data_id>& after, std::size_t limit) const {
  std::vector<data_id> found;
  auto all = piece_row({}).substr(0, 1);
  auto from = after ? behind(*after) : std::optional{all};
  auto cursor = state_.scan();
  if (!cursor) return cursor.error();
  auto& c = **cursor;
  while (from && found.size() < limit) {
    TROUPE_TRY(c.seek(*from));
    if (!c.valid() || !c.key().starts_with(all)) break;
    auto key = parse_piece_row(c.key());
    if (!key) return fail(ec::corrupt, "index: a piece row that does not parse");
    found.push_back(key->id);
    from = behind(key->id);
  }
  return found;
}

piece_store::scrub_round piece_store::begin_scrub() const {
  scrub_round round;
  round.end = log_->end();
  for (auto& [segment, life] : lives_) round.bytes_total += life.live_bytes;
  return round;
}

piece_store::scrub_round piece_store::resume_scrub(const scrub_round& saved) const {
  // A log that ends earlier is another one, or lost its end.
  if (log_->end() < saved.end || saved.bytes_done > saved.bytes_total) return begin_scrub();
  return saved;
}

result<std::optional<log_position>> piece_store::position_of(const piece_key& k) const {
  auto stored = state_.get(piece_row(k));
  if (!stored) return stored.error();
  if (!*stored) return std::optional<log_position>{};
  auto p = parse_place(**stored);
  if (!p) return fail(ec::corrupt, "index: a place that does not parse");
  return std::optional{p->at};
}

result<std::vector<piece_store::scrub_find>> piece_store::scrub(scrub_round& round, std::uint64_t bytes) const {
  std::vector<scrub_find> damaged;
  auto all = occupant_row({}).substr(0, 1);
  std::uint64_t seen = 0;
  bool more = false;
  TROUPE_TRY(each_row(occupant_row(round.next), all, [&](std::string_view row, std::string_view value) -> result<bool> {
    auto at = parse_position_row(row);
    auto key = parse_piece_row(value);
    if (!at || !key) return fail(ec::corrupt, "index: an occupant row that does not parse");
    if (!(*at < round.end)) return false;
    if (seen >= bytes) {
      more = true;
      return false;
    }
    std::uint64_t size = 0;
    if (auto payload = read(*key))
      size = payload->size();
    else
      damaged.push_back({*key, std::move(payload).error()});
    seen += log_format::record_bytes(size);
    round.next = {.segment = at->segment, .offset = at->offset + 1};
    return true;
  }));
  round.bytes_done = std::min(round.bytes_done + seen, round.bytes_total);
  round.over = !more;
  return damaged;
}

} // namespace troupe
