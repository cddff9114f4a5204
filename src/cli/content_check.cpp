#include "cli/content_check.hpp"

#include "codec/text.hpp"

#include <array>

namespace troupe::cli {

namespace {

std::string_view header(const object_facts& facts, std::string_view name) {
  for (const auto& [n, value] : facts.headers)
    if (n == name) return value;
  return {};
}

bool encrypted_with_other_etag(const object_facts& facts) {
  return header(facts, "x-amz-server-side-encryption").starts_with("aws:kms") ||
    !header(facts, "x-amz-server-side-encryption-customer-algorithm").empty();
}

} // namespace

content_check::content_check(const object_facts& facts) : size_(facts.size) {
  using enum checksum_kind;
  constexpr std::array headers{std::pair{sha256, "x-amz-checksum-sha256"},
    std::pair{crc64nvme, "x-amz-checksum-crc64nvme"}, std::pair{crc32c, "x-amz-checksum-crc32c"},
    std::pair{crc32, "x-amz-checksum-crc32"}, std::pair{sha1, "x-amz-checksum-sha1"}};
  if (header(facts, "x-amz-checksum-type") != "COMPOSITE") {
    for (const auto& [kind, name] : headers) {
      auto raw = base64_decode(header(facts, name)); // "...-3", of parts, is not base64
      if (!raw || raw->size() != raw_bytes(kind)) continue;
      kind_ = kind;
      wanted_ = *std::move(raw);
      checksum_set set;
      set.add(kind);
      state_.emplace(set);
      return;
    }
  }
  if (encrypted_with_other_etag(facts)) return;
  if (auto raw = hex_decode(facts.etag); raw && raw->size() == 16) {
    wanted_ = *std::move(raw);
    md5_.emplace(digest_kind::md5);
  }
}

void content_check::add(bytes_view bytes) {
  seen_ += bytes.size();
  if (state_) state_->add(bytes);
  if (md5_) md5_->add(bytes);
}

result<> content_check::finish() {
  if (seen_ != size_)
    return fail(ec::corrupt, "received " + std::to_string(seen_) + " bytes of an object of " + std::to_string(size_));
  const auto got = state_ ? state_->finish().get(*kind_) : md5_ ? md5_->finish() : std::string{};
  if (got != wanted_)
    return fail(ec::corrupt,
      "the content received has " + std::string{by()} + " " + hex_encode(got) + ", the object's is " +
        hex_encode(wanted_));
  return {};
}

std::string_view content_check::by() const { return kind_ ? name_of(*kind_) : md5_ ? "MD5" : "size"; }

} // namespace troupe::cli
