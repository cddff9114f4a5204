#include "store/piece_index.hpp"

namespace troupe::piece_index {
namespace {

constexpr char pieces = 'p', occupants = 'o', tombstones = 'd', lives = 's';

template <std::size_t Bytes>
void append_number(std::string& out, std::uint64_t x) {
  for (std::size_t i = Bytes; i-- > 0;) out += static_cast<char>(static_cast<unsigned char>(x >> (8 * i)));
}

// Takes rows apart; every read is bounds-checked once, at the end.
class reader {
public:
  explicit reader(std::string_view row) : rest_(row) {}
  void expect(char table) {
    if (number<1>() != static_cast<unsigned char>(table)) ok_ = false;
  }
  template <std::size_t Bytes>
  std::uint64_t number() {
    std::uint64_t x = 0;
    for (char c : take(Bytes)) x = x << 8 | static_cast<unsigned char>(c);
    return x;
  }
  data_id id() { return data_id::from_bytes(take(16)); }
  log_position position() {
    auto segment = number<8>();
    return {segment, number<8>()};
  }
  bool done() const { return ok_ && rest_.empty(); }

private:
  std::string_view take(std::size_t n) {
    if (rest_.size() < n) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  std::string_view rest_;
  bool ok_ = true;
};

std::string position_row(char table, log_position at) {
  std::string out(1, table);
  append_number<8>(out, at.segment);
  append_number<8>(out, at.offset);
  return out;
}

std::string segment_row(char table, std::uint64_t segment) {
  std::string out(1, table);
  append_number<8>(out, segment);
  return out;
}

} // namespace

std::string piece_row(const piece_key& k) {
  auto out = pieces_of(k.id);
  append_number<8>(out, k.stripe);
  append_number<1>(out, k.piece);
  return out;
}

std::string pieces_of(const data_id& id) { return pieces + id.to_bytes(); }

std::optional<piece_key> parse_piece_row(std::string_view row) {
  reader r{row};
  piece_key k;
  r.expect(pieces);
  k.id = r.id();
  k.stripe = r.number<8>();
  k.piece = static_cast<std::uint32_t>(r.number<1>());
  if (!r.done()) return {};
  return k;
}

std::string encode(const place& p) {
  auto out = encode(p.at);
  append_number<4>(out, p.bytes);
  append_number<8>(out, p.oldest);
  return out;
}

std::optional<place> parse_place(std::string_view value) {
  reader r{value};
  place p;
  p.at = r.position();
  p.bytes = static_cast<std::uint32_t>(r.number<4>());
  p.oldest = r.number<8>();
  if (!r.done()) return {};
  return p;
}

std::string occupant_row(log_position at) { return position_row(occupants, at); }
std::string occupants_of(std::uint64_t segment) { return segment_row(occupants, segment); }
std::string tombstone_row(log_position at) { return position_row(tombstones, at); }
std::string tombstones_of(std::uint64_t segment) { return segment_row(tombstones, segment); }

std::optional<log_position> parse_position_row(std::string_view row) {
  if (row.empty() || (row[0] != occupants && row[0] != tombstones)) return {};
  return parse_position(row.substr(1));
}

std::string encode(const tombstone& t) {
  auto out = t.id.to_bytes();
  append_number<8>(out, t.oldest);
  append_number<8>(out, t.newest);
  return out;
}

std::optional<tombstone> parse_tombstone(std::string_view value) {
  reader r{value};
  tombstone t;
  t.id = r.id();
  t.oldest = r.number<8>();
  t.newest = r.number<8>();
  if (!r.done()) return {};
  return t;
}

std::string life_row(std::uint64_t segment) { return segment_row(lives, segment); }
std::string all_lives() { return std::string(1, lives); }

std::optional<std::uint64_t> parse_life_row(std::string_view row) {
  reader r{row};
  r.expect(lives);
  auto segment = r.number<8>();
  if (!r.done()) return {};
  return segment;
}

std::string encode(const segment_life& l) {
  std::string out;
  append_number<8>(out, l.live_bytes);
  append_number<8>(out, l.pieces);
  append_number<8>(out, l.tombstones);
  return out;
}

std::optional<segment_life> parse_life(std::string_view value) {
  reader r{value};
  segment_life l;
  l.live_bytes = r.number<8>();
  l.pieces = r.number<8>();
  l.tombstones = r.number<8>();
  if (!r.done()) return {};
  return l;
}

std::string encode(log_position at) {
  std::string out;
  append_number<8>(out, at.segment);
  append_number<8>(out, at.offset);
  return out;
}

std::optional<log_position> parse_position(std::string_view value) {
  reader r{value};
  auto at = r.position();
  if (!r.done()) return {};
  return at;
}

} // namespace troupe::piece_index
