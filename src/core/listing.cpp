#include "core/listing.hpp"

#include <utility>

namespace troupe {
namespace {

// Where a page begins; nothing when start_after lies behind everything that the prefix covers.
std::optional<std::string> first_key(const pb::list_request& request) {
  const auto& after = request.start_after();
  const auto& prefix = request.prefix();
  if (after < prefix) return prefix; // also when it is empty
  if (!after.starts_with(prefix)) return std::nullopt;
  auto covered = common_prefix_of(after, prefix, request.delimiter());
  if (!covered.empty() && covered.size() == after.size()) return end_of_prefix(after);
  return after + '\0'; // the next key there can be
}

class page {
public:
  explicit page(std::uint32_t limit) : limit_(limit) {}

  // False when the entry does not fit: the page ends before it.
  bool add(std::string_view key, std::string_view value, bool is_prefix) {
    auto bytes = key.size() + value.size();
    auto full = static_cast<std::uint32_t>(reply_.entries_size()) >= limit_ ||
      (reply_.entries_size() > 0 && bytes_ + bytes > listing_bytes_max);
    if (full) {
      reply_.set_truncated(true);
      return false;
    }
    bytes_ += bytes;
    auto& entry = *reply_.add_entries();
    entry.set_key(key.data(), key.size());
    if (!value.empty()) entry.set_value(value.data(), value.size());
    if (is_prefix) entry.set_is_prefix(true);
    return true;
  }

  pb::list_reply finish() && {
    if (reply_.entries_size() > 0) reply_.set_last(reply_.entries(reply_.entries_size() - 1).key());
    return std::move(reply_);
  }

private:
  pb::list_reply reply_;
  std::uint32_t limit_;
  std::size_t bytes_ = 0;
};

} // namespace

std::string_view common_prefix_of(std::string_view row_key, std::string_view prefix, std::string_view delimiter) {
  if (delimiter.empty()) return {};
  auto searched = row_key.substr(prefix.size());
  searched = searched.substr(0, searched.find('\0'));
  auto at = searched.find(delimiter);
  return at == std::string_view::npos ? std::string_view{} : row_key.substr(0, prefix.size() + at + delimiter.size());
}

std::optional<std::string> end_of_prefix(std::string_view prefix) {
  auto end = prefix.find_last_not_of('\xff');
  if (end == std::string_view::npos) return std::nullopt;
  std::string next{prefix.substr(0, end + 1)};
  next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

result<pb::list_reply> list_page(state::cursor& rows, const pb::list_request& request) {
  if (request.limit() == 0 || request.limit() > listing_entries_max)
    return fail(ec::bad_argument,
      "a listing of " + std::to_string(request.limit()) + " entries; 1 to " + std::to_string(listing_entries_max) +
        " are possible");
  page out{request.limit()};
  auto from = first_key(request);
  if (!from) return std::move(out).finish();
  TROUPE_TRY(rows.seek(*from));
  while (rows.valid() && rows.key().starts_with(request.prefix())) {
    auto common = common_prefix_of(rows.key(), request.prefix(), request.delimiter());
    if (common.empty()) {
      if (!out.add(rows.key(), rows.value(), false)) break;
      TROUPE_TRY(rows.next());
      continue;
    }
    if (!out.add(common, {}, true)) break;
    auto beyond = end_of_prefix(common);
    if (!beyond) break;
    TROUPE_TRY(rows.seek(*beyond));
  }
  return std::move(out).finish();
}

} // namespace troupe
