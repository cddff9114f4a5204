#include "core/directory_layout.hpp"

#include "codec/digest.hpp"
#include "core/tables.hpp"

#include <charconv>

namespace troupe {
namespace {

constexpr std::size_t epoch_digits = 16, bucket_digits = 8;

void append_hex(std::string& out, std::uint64_t value, std::size_t digits) {
  constexpr std::string_view hex = "0123456789abcdef";
  for (auto shift = static_cast<int>(digits) * 4 - 4; shift >= 0; shift -= 4) out += hex[(value >> shift) & 15];
}

template <class T>
bool parse_hex(std::string_view text, T& out) {
  const auto [end, e] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return e == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::uint32_t sha256_modulo(std::string_view key, std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (const auto b : sha256(as_bytes(key))) rest = (rest << 8 | std::to_integer<std::uint64_t>(b)) % divisor;
  return static_cast<std::uint32_t>(rest);
}

std::string directory_digest(std::string_view key) { return std::to_string(sha256_modulo(key, 10)); }

result<directory_layout> directory_layout::parse(std::string_view row) {
  pb::directory_layout m;
  const bool readable = m.ParseFromArray(row.data(), static_cast<int>(row.size())) && m.epoch() != 0 &&
    m.buckets() != 0 && m.buckets() <= disk_buckets_max && m.previous_epoch() < m.epoch() &&
    (m.previous_epoch() != 0) == (m.previous_buckets() != 0) && m.previous_buckets() <= disk_buckets_max;
  if (!readable) return fail(ec::corrupt, "the layout of the directory does not parse");
  directory_layout l;
  l.epoch_ = m.epoch();
  l.buckets_ = m.buckets();
  l.previous_epoch_ = m.previous_epoch();
  l.previous_buckets_ = m.previous_buckets();
  return l;
}

std::string directory_layout::row_key() { return tables::system_row("directory"); }

std::string directory_layout::row() const {
  pb::directory_layout m;
  m.set_epoch(epoch_);
  m.set_buckets(buckets_);
  m.set_previous_epoch(previous_epoch_);
  m.set_previous_buckets(previous_buckets_);
  return m.SerializeAsString();
}

std::optional<disk_bucket> directory_layout::previous_home_of(std::string_view key) const {
  if (!moving()) return std::nullopt;
  return disk_bucket{previous_epoch_, sha256_modulo(key, previous_buckets_)};
}

result<directory_layout> directory_layout::resized(std::uint32_t buckets) const {
  if (buckets == 0 || buckets > disk_buckets_max)
    return fail(ec::bad_argument,
      "the directory has 1 to " + std::to_string(disk_buckets_max) + " disk buckets, not " + std::to_string(buckets));
  if (buckets == buckets_) return *this;
  if (moving())
    return fail(ec::conflict,
      "keys still move from " + std::to_string(previous_buckets_) + " to " + std::to_string(buckets_) +
        " disk buckets: wait until they have (troupe admin directory status)");
  directory_layout next;
  next.epoch_ = epoch_ + 1;
  next.buckets_ = buckets;
  next.previous_epoch_ = epoch_;
  next.previous_buckets_ = buckets_;
  return next;
}

directory_layout directory_layout::settled() const {
  auto next = *this;
  next.previous_epoch_ = 0;
  next.previous_buckets_ = 0;
  return next;
}

std::string epoch_prefix(std::uint64_t epoch) {
  std::string out;
  append_hex(out, epoch, epoch_digits);
  return out += '/';
}

std::string bucket_prefix(const disk_bucket& where) {
  auto out = epoch_prefix(where.epoch);
  append_hex(out, where.id, bucket_digits);
  return out += '/';
}

std::string object_key(const disk_bucket& where, std::string_view key) { return bucket_prefix(where).append(key); }

std::optional<placed_key> parse_object_key(std::string_view text) {
  constexpr auto head = epoch_digits + 1 + bucket_digits + 1;
  if (text.size() < head || text[epoch_digits] != '/' || text[head - 1] != '/') return std::nullopt;
  placed_key placed;
  if (!parse_hex(text.substr(0, epoch_digits), placed.where.epoch)) return std::nullopt;
  if (!parse_hex(text.substr(epoch_digits + 1, bucket_digits), placed.where.id)) return std::nullopt;
  placed.key = text.substr(head);
  return placed;
}

} // namespace troupe
