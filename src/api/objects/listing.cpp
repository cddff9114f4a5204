// Listings: pages of table objects; the METADATA actor rolls prefixes up, so a page costs one question.
#include "api/objects/clustered_store.hpp"
#include "core/tables.hpp"

namespace troupe {

http::task<result<listing>> clustered_store::list(list_objects what) {
  if (auto there = co_await bucket(what.bucket); !there) co_return there.error();
  listing all;
  if (what.limit == 0) co_return all;
  auto base = tables::object(what.bucket, {});
  auto start = what.start_after.empty() ? std::string{} : base + what.start_after;
  auto page = co_await list_rows(base + what.prefix, std::move(start), std::move(what.delimiter), what.limit);
  if (!page) co_return page.error();
  all.entries.reserve(static_cast<std::size_t>(page->entries_size()));
  for (const auto& e : page->entries()) {
    auto& entry = all.entries.emplace_back();
    entry.key = std::string{tables::key_of_object(e.key(), what.bucket.size())};
    entry.is_prefix = e.is_prefix();
    if (!e.is_prefix() && !entry.record.ParseFromString(e.value()))
      co_return fail(ec::corrupt, "the record of " + what.bucket + "/" + entry.key + " does not parse");
  }
  all.truncated = page->truncated();
  all.last = std::string{tables::key_of_object(page->last(), what.bucket.size())};
  co_return all;
}

// Rolled up here and not by the actor: an upload's row ends in 16 random bytes, which may look like a delimiter.
http::task<result<upload_listing>> clustered_store::list_uploads(std::string bucket_name, std::string prefix,
  std::string delimiter, std::string key_marker, std::optional<data_id> upload_marker, std::uint32_t limit) {
  if (auto there = co_await bucket(bucket_name); !there) co_return there.error();
  upload_listing all;
  auto base = tables::uploads_of(bucket_name);
  std::string after;
  if (!key_marker.empty()) {
    after = base + key_marker + '\0';
    after += upload_marker ? upload_marker->to_bytes() : std::string(16, '\xff');
  }
  while (limit != 0) {
    auto page = co_await list_rows(base + prefix, after, {}, 1000);
    if (!page) co_return page.error();
    for (const auto& e : page->entries()) {
      auto [key, id] = tables::key_of_upload(e.key(), bucket_name.size());
      auto cut = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
      bool is_prefix = cut != std::string::npos;
      if (is_prefix) key.resize(cut + delimiter.size());
      if (is_prefix &&
        (key == key_marker || (!all.entries.empty() && all.entries.back().is_prefix && all.entries.back().key == key)))
        continue;
      if (all.entries.size() == limit) {
        all.truncated = true;
        co_return all;
      }
      upload_listing::entry entry{.key = std::move(key), .upload_id = id, .record = {}, .is_prefix = is_prefix};
      if (!is_prefix && !entry.record.ParseFromString(e.value()))
        co_return fail(ec::corrupt, "the record of an upload of " + bucket_name + "/" + entry.key + " does not parse");
      all.entries.push_back(std::move(entry));
    }
    if (!page->truncated()) break;
    after = page->last();
  }
  co_return all;
}

} // namespace troupe
